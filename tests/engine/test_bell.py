"""The bell between processes: on PostgreSQL it is heard elsewhere, on SQLite everybody polls and nothing breaks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from gristmill.engine.bell import Bell
from gristmill.service.context import Context
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


def _settled(context: Context, ear: Ear) -> None:
    """Wait until the ear listens, which it begins by being told of what it may have missed."""
    if context.database.dialect == "postgresql":
        assert ear.heard.wait(10)
    ear.heard.clear()
    ear.times = 0


def test_a_ring_is_heard_by_others_and_not_by_who_rang(context: Context) -> None:
    postgres = context.database.dialect == "postgresql"
    mine, other = Ear(), Ear()
    with bell(context, mine) as first, bell(context, other):
        _settled(context, mine)
        _settled(context, other)
        first.ring()
        assert other.heard.wait(5 if postgres else 0) is postgres
        assert mine.times == 0


def test_many_rings_at_once_are_few_for_the_database_and_the_last_one_is_not_lost(context: Context) -> None:
    other = Ear()
    with bell(context, other):
        _settled(context, other)
        with bell(context) as ringing:
            for _ in range(1000):
                ringing.ring()
        if context.database.dialect == "postgresql":
            assert other.heard.wait(5)
            assert other.times < 100


def test_a_listener_whose_connection_is_cut_listens_again(context: Context) -> None:
    other = Ear()
    with bell(context, other), bell(context) as ringing:
        if context.database.dialect != "postgresql":
            ringing.ring()
            return
        _settled(context, other)
        with context.database.transaction() as connection:
            connection.execute(text(_CUT))
        assert other.heard.wait(20)
        _settled(context, other)

        def rung() -> bool:
            ringing.ring()
            return other.heard.wait(0.1)

        eventually(rung, within=20)


_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE pid <> pg_backend_pid() AND datname = current_database() AND query LIKE 'LISTEN%'
"""
