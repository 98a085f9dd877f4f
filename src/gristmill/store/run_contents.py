"""Which content a run refers to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import insert, select

from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.schema import run_contents

_HOLD = Prepared(insert(run_contents))


def hold(connection: Connection, run_id: str, keys: Iterable[str]) -> None:
    """Note that the run needs these contents as long as it exists."""
    hold_all(connection, {run_id: keys})


def hold_all(connection: Connection, keys_of_runs: Mapping[str, Iterable[str]]) -> None:
    """Note the same for many runs, by their ids."""
    rows = [{"run_id": run_id, "key": key} for run_id, keys in keys_of_runs.items() for key in sorted(set(keys))]
    _HOLD.change_all(connection, rows)


def held(connection: Connection, run_id: str) -> list[str]:
    """Return the contents that a run refers to."""
    return list(connection.execute(select(run_contents.c.key).where(run_contents.c.run_id == run_id)).scalars())
