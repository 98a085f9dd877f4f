"""The bell between processes: it is heard elsewhere, on both databases."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from gristmill.engine.bell import Bell
from gristmill.service.context import Context
from gristmill.store import socket_bell
from gristmill.store.socket_bell import SocketListener
from tests.make import eventually


class Ear:
    """Counts what it hears."""

    def __init__(self) -> None:
        self.times = 0
        self.heard = threading.Event()

    def __call__(self) -> None:
        self.times += 1
        self.heard.set()


@contextmanager
def bell(context: Context, ear: Ear | None = None) -> Iterator[Bell]:
    made = Bell(context)
    made.start(ear)
    try:
        yield made
    finally:
        made.stop()


def _settled(ear: Ear) -> None:
    """Wait until the ear listens, which it begins by being told of what it may have missed."""
    assert ear.heard.wait(10)
    ear.heard.clear()
    ear.times = 0


def test_a_ring_is_heard_by_others_and_not_by_who_rang(context: Context) -> None:
    mine, other = Ear(), Ear()
    with bell(context, mine) as first, bell(context, other):
        _settled(mine)
        _settled(other)
        first.ring()
        assert other.heard.wait(5)
        assert mine.times == 0


def test_many_rings_at_once_are_few_for_the_database_and_the_last_one_is_not_lost(context: Context) -> None:
    other = Ear()
    with bell(context, other):
        _settled(other)
        with bell(context) as ringing:
            for _ in range(1000):
                ringing.ring()
        assert other.heard.wait(5)
        assert other.times < 100


def test_a_listener_whose_connection_is_cut_listens_again(context: Context) -> None:
    other = Ear()
    with bell(context, other), bell(context) as ringing:
        _settled(other)
        _cut(context)
        assert other.heard.wait(20)
        _settled(other)

        def rung() -> bool:
            ringing.ring()
            return other.heard.wait(0.1)

        eventually(rung, within=20)


def test_the_socket_of_a_process_that_was_killed_is_cleared_away(tmp_path: Path) -> None:
    directory = tmp_path / "bell"
    with SocketListener(directory, "other") as listener:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as killed:
            killed.bind(str(directory / "killed.socket"))
        socket_bell.ring(directory, "me")
        assert listener.heard(within_seconds=5) == {"me"}
        assert [path.name for path in directory.iterdir()] == ["other.socket"]
    assert list(directory.iterdir()) == []


def test_whoever_rings_does_not_wait_for_a_process_that_stands_still(tmp_path: Path) -> None:
    directory = tmp_path / "bell"
    with SocketListener(directory, "other") as listener:
        for _ in range(10_000):
            socket_bell.ring(directory, "me")
        assert listener.heard(within_seconds=5) == {"me"}


def test_a_ring_finds_its_way_below_a_long_path(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    with SocketListener(deep / "bell", "other") as listener:
        assert listener.heard(within_seconds=0) == set()
        socket_bell.ring(deep / "bell", "me")
        assert listener.heard(within_seconds=5) == {"me"}


def _cut(context: Context) -> None:
    """Take away by what rings are heard."""
    if context.database.dialect == "postgresql":
        with context.database.transaction() as connection:
            connection.execute(text(_CUT))
    else:
        for path in _sockets(context).iterdir():
            path.unlink()


def _sockets(context: Context) -> Path:
    return Path(f"{context.database.engine.url.database}-bell")


_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE 'LISTEN%'
"""
