"""A real SQLite database that fails when the dice say so, and lets others act wherever no transaction is open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Protocol

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from gristmill.store.database import Database
from tests.make_faults import Died


class Injected(OperationalError):
    """The database failed because the simulation wanted it."""


class Site(StrEnum):
    """Where a database can fail."""

    BEGIN = "begin"
    BEFORE_STATEMENT = "before a statement"
    AFTER_STATEMENT = "after a statement"
    BEFORE_COMMIT = "before the commit"
    AFTER_COMMIT = "after the commit"


_TEXTS = {
    Site.BEGIN: "database is locked",
    Site.BEFORE_STATEMENT: "disk I/O error",
    Site.AFTER_STATEMENT: "server closed the connection, the statement had been done",
    Site.BEFORE_COMMIT: "disk is full",
    Site.AFTER_COMMIT: "server closed the connection, the commit had been done",
}


class Fate(Protocol):
    """What decides over a database; `world.py` has the real one."""

    def befalls(self, database: FaultyDatabase, site: Site) -> None:
        """Return, or raise ``Injected`` or ``Died``."""

    def interlude(self, database: FaultyDatabase) -> None:
        """Let others act: nothing is locked here."""

    def committed(self, database: FaultyDatabase) -> None:
        """Look at what has just become true."""


class Fair:
    """Lets nothing happen."""

    def befalls(self, database: FaultyDatabase, site: Site) -> None:
        """Return."""

    def interlude(self, database: FaultyDatabase) -> None:
        """Return."""

    def committed(self, database: FaultyDatabase) -> None:
        """Return."""


class FaultyDatabase(Database):
    """The database as one server sees it. A power cut is no subject here, so nothing waits for the disk."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(url)
        self.name = name
        self.fate: Fate = Fair()
        self.open = 0
        event.listen(self.engine, "connect", self._hasten)
        event.listen(self.engine, "before_cursor_execute", self._before)
        event.listen(self.engine, "after_cursor_execute", self._after)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a writing transaction that may fail at its beginning, before and after its commit."""
        self.fate.interlude(self)
        self.fate.befalls(self, Site.BEGIN)
        self.open += 1
        try:
            with super().transaction() as connection:
                yield connection
                self.fate.befalls(self, Site.BEFORE_COMMIT)
        finally:
            self.open -= 1
        self.fate.committed(self)
        self.fate.befalls(self, Site.AFTER_COMMIT)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a reading transaction."""
        self.fate.interlude(self)
        with super().snapshot() as connection:
            yield connection

    def _hasten(self, raw: Any, _record: object) -> None:
        raw.execute("PRAGMA synchronous=OFF")

    def _before(self, *_: object) -> None:
        self.fate.befalls(self, Site.BEFORE_STATEMENT)

    def _after(self, _connection: Connection, cursor: Any, *_: object) -> None:
        if self.open:
            try:
                self.fate.befalls(self, Site.AFTER_STATEMENT)
            except Died:
                # A statement that nobody finishes would keep its lock, as that of a real process that is gone does not.
                cursor.close()
                raise


def failure(site: Site) -> Injected:
    """Return what the driver would say."""
    return Injected(str(site), None, Exception(_TEXTS[site]))


def is_injected(error: BaseException | None) -> bool:
    """Tell whether an error comes from a failure that the simulation wanted."""
    while error is not None:
        if isinstance(error, Injected | Died):
            return True
        error = error.__cause__ or error.__context__
    return False
