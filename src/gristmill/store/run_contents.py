"""Which content a run refers to."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, select

from gristmill.store.database import Connection
from gristmill.store.schema import run_contents


def hold(connection: Connection, run_id: str, keys: Iterable[str]) -> None:
    """Note that the run needs these contents as long as it exists."""
    rows = [{"run_id": run_id, "key": key} for key in sorted(set(keys))]
    if rows:
        connection.execute(insert(run_contents), rows)


def held(connection: Connection, run_id: str) -> list[str]:
    """Return the contents that a run refers to."""
    return list(connection.execute(select(run_contents.c.key).where(run_contents.c.run_id == run_id)).scalars())
