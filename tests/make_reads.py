"""How much of a database is read: rows and index entries on PostgreSQL, steps of its machine on SQLite; no time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, event

_STEPS = 50
_READ = """
SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid)), 0)
FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace = 'public'::regnamespace
"""


@dataclass
class Reads:
    """Counts from its making on, over all connections of an engine; the unit is the database's own."""

    engine: Engine
    count: int = 0

    def __post_init__(self) -> None:
        """Listen."""
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "checkout", self._follow)
            return
        event.listen(self.engine, "begin", self._begin)
        event.listen(self.engine, "commit", self._end)
        event.listen(self.engine, "rollback", self._end)

    def _follow(self, raw: Any, _record: object, _proxy: object) -> None:
        raw.set_progress_handler(self._step, _STEPS)

    def _step(self) -> None:
        self.count += _STEPS

    def _begin(self, connection: Connection) -> None:
        connection.info["read before"] = _read(connection)

    def _end(self, connection: Connection) -> None:
        self.count += _read(connection) - connection.info["read before"]


def _read(connection: Connection) -> int:
    """Ask by the driver alone, so that it is no statement to those who listen."""
    raw: Any = connection.connection.dbapi_connection
    return int(raw.execute(_READ).fetchone()[0])
