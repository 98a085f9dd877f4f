"""How runs are written: all or nothing by one statement or by several, and in an order in which nobody deadlocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection as AnyConnection
from sqlalchemy import Insert, Update, event, select, text
from sqlalchemy.exc import OperationalError
from tests.make import eventually
from tests.make_queue import NOW, claimed, make_lane, make_run, make_space, make_spec, new_id

from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.store import run_contents, run_writes, runs
from gristmill.store.database import ConstraintViolated, Database
from gristmill.store.schema import claims as claims_table
from gristmill.store.schema import run_history
from gristmill.store.schema import runs as runs_table

WORKER = new_id()
_LEFT = {"state": "running", "modified_at": NOW, "started_at": NOW}
_CHANGE = {"event": "started", "state": "running", "at": NOW, "fence": 1, "actor": WORKER}


def at_work(database: Database) -> Run:
    """Return a run that a worker has taken."""
    with database.transaction() as connection:
        space = make_space(connection)
        make_run(connection, space, make_lane(connection, space))
        run = claimed(connection, WORKER)
        assert run
        return run


def numbers(connection: AnyConnection, run: Run) -> list[int]:
    query = select(run_history.c.number).where(run_history.c.run_id == run.id).order_by(run_history.c.number)
    return list(connection.execute(query).scalars())


def test_a_run_that_is_not_as_it_was_is_left_alone_with_its_history_and_its_claim(database: Database) -> None:
    run = at_work(database)
    for before in (
        {"of_run": run.id, "in_state": "starting", "under_fence": run.fence - 1},
        {"of_run": run.id, "in_state": "running", "under_fence": run.fence},
        {"of_run": new_id(), "in_state": "starting", "under_fence": run.fence},
    ):
        with database.transaction() as connection:
            assert run_writes.advance(connection, before, _LEFT, _CHANGE, drops=True) is None
    with database.snapshot() as connection:
        assert numbers(connection, run) == [1, 2]
        assert runs.get(connection, run.id) == run
        assert connection.execute(select(claims_table.c.run_id)).scalars().all() == [run.id]


def test_a_run_that_is_as_it_was_is_changed_with_its_history_and_its_claim(database: Database) -> None:
    run = at_work(database)
    before = {"of_run": run.id, "in_state": "starting", "under_fence": run.fence}
    with database.transaction() as connection:
        assert run_writes.advance(connection, before, _LEFT, _CHANGE, drops=True) == 3
    with database.snapshot() as connection:
        found = runs.get(connection, run.id)
        assert found
        assert (found.state, found.started_at) == (RunState.RUNNING, NOW)
        assert numbers(connection, run) == [1, 2, 3]
        assert connection.execute(select(claims_table.c.run_id)).all() == []


def test_contents_of_a_new_run_are_held_once_each(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        template = make_run(connection, space, make_lane(connection, space))
        kept = ["b", "a", "b", "with 'quotes', {braces} and \"both\""]
        for keys in (kept, []):
            new = Run(**{**_fields(template), "id": new_id(), "deployment_job_id": new_id()})
            made = runs.create(connection, new, make_spec(), contents=keys)
            assert made.place > template.place
            assert sorted(run_contents.held(connection, made.id)) == sorted(set(keys))
            assert numbers(connection, made) == [1]


def test_a_run_that_a_constraint_refuses_leaves_nothing(database: Database) -> None:
    run = at_work(database)

    def again() -> None:
        with database.transaction() as connection:
            runs.create(connection, run, make_spec(), contents=["a"])

    with pytest.raises(ConstraintViolated):
        again()
    with database.snapshot() as connection:
        assert run_contents.held(connection, run.id) == []
        assert numbers(connection, run) == [1, 2]


def test_whoever_follows_a_transaction_hears_of_the_runs_that_it_writes(database: Database) -> None:
    heard: list[tuple[type, str, str | None]] = []

    def hear(_connection: object, statement: Any, _several: object, one: dict[str, Any], _options: object) -> None:
        if isinstance(statement, Insert | Update) and statement.table is runs_table:
            heard.append((type(statement), one.get("id") or one["of_run"], one.get("in_state")))

    with database.transaction() as connection:
        event.listen(connection, "before_execute", hear)
        space = make_space(connection)
        run = make_run(connection, space, make_lane(connection, space))
        runs.advance(connection, run.id, RunEvent.CANCEL_REQUESTED, now=NOW, actor="u")
    assert heard == [(Insert, run.id, None), (Update, run.id, "queued")]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_whoever_ends_a_run_locks_its_lane_before_it(database: Database) -> None:
    """As a claim does: a run that is locked first would deadlock with one that has the lane and wants the run."""
    run = at_work(database)

    def in_background(work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    def locks() -> None:
        with database.transaction() as connection:
            runs.lock(connection, run.id)

    def is_free(table: str, key: str) -> bool:
        try:
            with database.engine.connect() as other:
                statement = text(f"SELECT id FROM {table} WHERE id = :id FOR NO KEY UPDATE NOWAIT")
                return bool(other.execute(statement, {"id": key}).all())
        except OperationalError:
            return False

    with database.transaction() as connection:
        connection.execute(text("SELECT id FROM runs WHERE id = :id FOR UPDATE"), {"id": run.id})
        waiting = in_background(locks)
        # It waits for the run, and has the lane by then.
        eventually(lambda: not is_free("lanes", run.lane_id), within=10)
    waiting.join()
    with database.transaction() as connection:
        connection.execute(text("SELECT id FROM lanes WHERE id = :id FOR UPDATE"), {"id": run.lane_id})
        waiting = in_background(locks)
        eventually(lambda: _waiters(database) > 0, within=10)
        # It waits for the lane, and does not have the run.
        assert is_free("runs", run.id)
    waiting.join()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_whoever_starts_a_run_does_not_wait_for_its_lane(database: Database) -> None:
    run = at_work(database)
    with database.transaction() as connection:
        connection.execute(text("SELECT id FROM lanes WHERE id = :id FOR UPDATE"), {"id": run.lane_id})
        with database.transaction() as other:
            other.execute(text("SET LOCAL lock_timeout = '5s'"))
            runs.advance(other, run.id, RunEvent.STARTED, now=NOW, actor=WORKER, fence=run.fence)
    with database.snapshot() as connection:
        found = runs.get(connection, run.id)
        assert found
        assert found.state is RunState.RUNNING


def test_a_connection_that_was_asked_one_question_begins_transactions_again(database: Database) -> None:
    """The connection goes back to the pool, where the next one to write takes it."""
    run = at_work(database)
    with database.question() as connection:
        assert runs.get(connection, run.id) == run

    def broken() -> None:
        with database.transaction() as connection:
            runs.pin(connection, run.id, pinned=True)
            raise KeyError

    with pytest.raises(KeyError):
        broken()
    with database.question() as connection:
        assert runs.get(connection, run.id) == run


def _waiters(database: Database) -> int:
    with database.engine.connect() as other:
        return int(other.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def _fields(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in Run.__slots__}
