"""Writers that queue for SQLite share a commit, and are as alone as ever: by real threads on a real file."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from tests.make import eventually

from gristmill.domain.errors import NoRoom
from gristmill.store.database import Connection, ConstraintViolated, Database, note

_WRITES_ALL_THE_TIME = """
import sys, threading
from sqlalchemy import text
from gristmill.store.database import Database

database = Database(sys.argv[1])

def write(first):
    for number in range(first, first + 1_000_000):
        with database.transaction() as connection:
            connection.execute(text("INSERT INTO numbers (n) VALUES (:n)"), {"n": number})

for first in range(8):
    threading.Thread(target=write, args=((first + 1) * 1_000_000,), daemon=True).start()
sys.stdin.read()
"""
Write = Callable[[Connection], object]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with a table of one number a row, on which commits are counted."""
    made = Database(f"sqlite:///{tmp_path}/numbers.db")
    with made.transaction() as connection:
        connection.execute(text("CREATE TABLE numbers (n INTEGER PRIMARY KEY, filler BLOB)"))
    yield made
    made.close()


@pytest.fixture
def commits(database: Database) -> list[str]:
    """What was committed so far, a word a commit."""
    found: list[str] = []
    event.listen(database.engine, "commit", lambda _connection: found.append("commit"))
    return found


def add(number: int) -> Write:
    return lambda connection: connection.execute(text("INSERT INTO numbers (n) VALUES (:n)"), {"n": number})


def numbers(database: Database) -> set[int]:
    with database.snapshot() as connection:
        return set(connection.execute(text("SELECT n FROM numbers")).scalars())


@contextmanager
def queued(database: Database, *writes: Write) -> Iterator[list[Future[None]]]:
    """Have all of these wait while the block is within a transaction of its own, and end when that has ended."""
    with ThreadPoolExecutor(len(writes)) as pool, database.transaction() as connection:
        add(0)(connection)
        yield (futures := [pool.submit(_write, database, write) for write in writes])
        assert database._writers is not None
        eventually(lambda: database._writers and database._writers._waiting == len(writes), within=10)
        assert not any(future.done() for future in futures)


def _write(database: Database, write: Write) -> None:
    with database.transaction() as connection:
        write(connection)


def test_those_who_queue_share_a_commit(database: Database, commits: list[str]) -> None:
    with queued(database, *map(add, range(1, 9))) as futures:
        pass
    assert [future.result() for future in futures] == [None] * 8
    assert numbers(database) == set(range(9))
    assert len(commits) < 9, "one for all, or a few where the machine was slow"


def test_who_is_alone_is_committed_at_once(database: Database, commits: list[str]) -> None:
    for number in range(3):
        _write(database, add(number))
        assert (numbers(database), len(commits)) == (set(range(number + 1)), number + 1)


def test_one_that_fails_takes_nothing_of_the_others_along(database: Database) -> None:
    def halfway(connection: Connection) -> None:
        add(100)(connection)
        raise ZeroDivisionError

    with queued(database, add(1), halfway, add(2), add(0), add(3)) as futures:
        pass
    assert [type(future.exception()) for future in futures] == [
        type(None),
        ZeroDivisionError,
        type(None),
        ConstraintViolated,
        type(None),
    ]
    assert numbers(database) == {0, 1, 2, 3}


def test_the_first_that_fails_is_undone_and_the_others_go_on(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), queued(database, add(1), add(2)) as futures:
        raise ZeroDivisionError
    assert [future.result() for future in futures] == [None] * 2
    assert numbers(database) == {1, 2}


def test_who_is_alone_has_no_savepoint_which_would_slow_down_long_transactions(database: Database) -> None:
    with pytest.raises(OperationalError, match="no such savepoint"), database.transaction() as connection:
        connection.execute(text("ROLLBACK TO writer"))


def test_facts_are_told_to_the_listener_after_the_commit_and_only_of_those_that_were_kept(database: Database) -> None:
    told: list[object] = []
    listening = database.telling(lambda fact: told.append((fact, fact in numbers(database))))

    def noted(number: int, *, fails: bool = False) -> Write:
        def write(connection: Connection) -> None:
            add(number)(connection)
            note(connection, number)
            if fails:
                raise ZeroDivisionError

        return write

    with queued(listening, noted(1), noted(2, fails=True), noted(3)):
        pass
    assert sorted(told) == [(1, True), (3, True)]  # type: ignore[type-var]


def test_a_commit_that_fails_fails_for_all_and_the_next_ones_go_on(database: Database) -> None:
    def refuse(_connection: Connection) -> None:
        raise OperationalError("COMMIT", None, OSError("the disk is gone"))

    event.listen(database.engine, "commit", refuse)
    with pytest.raises(OperationalError, match="the disk is gone"), queued(database, add(1), add(2)) as futures:
        pass
    event.remove(database.engine, "commit", refuse)
    assert [type(future.exception()) for future in futures] == [OperationalError] * 2
    assert numbers(database) == set()
    _write(database, add(7))
    assert numbers(database) == {7}


def test_a_full_disk_undoes_all_that_shared_the_transaction(database: Database) -> None:
    def fill(connection: Connection) -> None:
        connection.execute(text("PRAGMA max_page_count = 10"))
        try:
            connection.execute(text("INSERT INTO numbers (n, filler) VALUES (100, zeroblob(1000000))"))
        finally:
            connection.execute(text("PRAGMA max_page_count = 1000000"))

    with pytest.raises(NoRoom), queued(database, fill, add(1)) as futures:
        pass
    assert isinstance(futures[0].exception(), NoRoom)
    kept = {1} if futures[1].exception() is None else set()
    assert numbers(database) == kept, "what was said to be kept is, and nothing else"


def test_a_transaction_that_sqlite_itself_undid_is_kept_for_nobody(database: Database) -> None:
    def undone(connection: Connection) -> None:
        # As after SQLITE_FULL, IOERR or NOMEM, when SQLite takes back the whole transaction.
        connection.connection.driver_connection.execute("ROLLBACK")  # type: ignore[union-attr]
        raise ZeroDivisionError

    with pytest.raises(OperationalError, match="no such savepoint"), queued(database, undone) as futures:
        pass
    assert isinstance(futures[0].exception(), ZeroDivisionError)
    assert numbers(database) == set()
    _write(database, add(7))
    assert numbers(database) == {7}


def test_many_threads_over_two_queues_lose_nothing(tmp_path: Path, database: Database) -> None:
    other = Database(f"sqlite:///{tmp_path}/numbers.db")
    barrier = threading.Barrier(8)

    def work(first: int) -> None:
        barrier.wait()
        for number in range(first, first + 50):
            _write((database, other)[first // 1000 % 2], add(number))
            assert number in numbers(database), "it is committed when the block has ended"

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(1000, 9000, 1000)))
    assert len(numbers(database)) == 400
    other.close()


def test_a_process_that_writes_all_the_time_lets_others_write(database: Database) -> None:
    command = [sys.executable, "-c", _WRITES_ALL_THE_TIME, database.engine.url.render_as_string()]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as busy:
        try:
            eventually(lambda: len(numbers(database)) > 100, within=30)
            for number in range(1, 21):
                _write(database, add(number))
            before = len(numbers(database))
            eventually(lambda: len(numbers(database)) > before, within=30)
        finally:
            busy.kill()
