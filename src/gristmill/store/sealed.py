"""Every place where encrypted secrets are stored, so that they can be encrypted anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, select, tuple_, update

from gristmill.domain.asset_document import SEALED
from gristmill.store import runs as run_store
from gristmill.store.database import Connection
from gristmill.store.schema import asset_revisions, assets, channels, jobs, runs, task_credentials

Reseal = Callable[[str], str]
_VARIABLES = "sealed_variables"


@dataclass(frozen=True)
class Place:
    """A column; ``member`` is where the secret, or an object of secrets, is in a document."""

    table: Table
    column: str
    member: str | None = None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.table.name}.{self.column}"

    def holds(self) -> ColumnElement[bool]:
        """Whether a row has a secret there."""
        column = self.table.c[self.column]
        return column[self.member].as_string().is_not(None) if self.member else column.is_not(None)


PLACES = (
    Place(task_credentials, "secret"),
    Place(jobs, "sealed_variables"),
    Place(channels, "sealed"),
    Place(assets, "entity", SEALED),
    Place(asset_revisions, "entity", SEALED),
    Place(runs, "spec", _VARIABLES),
)


def reseal(
    connection: Connection, place: Place, seal: Reseal, *, after: tuple[Any, ...] | None, limit: int
) -> tuple[tuple[Any, ...] | None, int]:
    """Give each secret of the next rows to ``seal``, and write what it returns where that differs.

    Returns the mark to go on after, None at the end, and how many rows were changed. The rows stay locked until the
    transaction ends.
    """
    table = place.table
    key = tuple(table.primary_key.columns)
    query = select(*key, table.c[place.column]).where(place.holds()).order_by(*key).limit(limit).with_for_update()
    if after:
        query = query.where(tuple_(*key) > after)
    rows = connection.execute(query).all()
    changed = [(row[:-1], new) for row in rows if (new := _sealed(row[-1], place.member, seal)) != row[-1]]
    for where, value in changed:
        _write(connection, place, where, value)
    return (tuple(rows[-1][:-1]) if len(rows) == limit else None), len(changed)


def _sealed(value: Any, member: str | None, seal: Reseal) -> Any:  # noqa: ANN401 - a text or a document
    if member is None:
        return seal(value)
    inner = value[member]
    fresh = {name: seal(each) for name, each in inner.items()} if isinstance(inner, Mapping) else seal(inner)
    return {**value, member: fresh}


def _write(connection: Connection, place: Place, where: tuple[Any, ...], value: Any) -> None:  # noqa: ANN401 - see above
    if place.table is runs:
        run_store.reseal(connection, where[0], value)
        return
    key = zip(place.table.primary_key.columns, where, strict=True)
    statement = update(place.table).where(*(column == each for column, each in key))
    connection.execute(statement.values({place.column: bindparam("sealed_value")}), {"sealed_value": value})
