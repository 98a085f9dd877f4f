"""The hardware specifications that spaces have made; the predefined ones are not rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam, delete, func, insert, select

from gristmill.domain.page import Page
from gristmill.domain.specification import HardwareSpecification
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import hardware_specifications

_COLUMNS = columns_of(hardware_specifications, HardwareSpecification)
_NAMED = Prepared(
    select(*_COLUMNS).where(
        hardware_specifications.c.space_id == bindparam("of_space"),
        (hardware_specifications.c.id == bindparam("id_or_name"))
        | (hardware_specifications.c.name == bindparam("id_or_name")),
    )
)


def create(connection: Connection, specification: HardwareSpecification) -> None:
    """Insert a custom specification."""
    connection.execute(insert(hardware_specifications).values(**values_of(specification, hardware_specifications)))


def find(connection: Connection, space_id: str, id_or_name: str) -> HardwareSpecification | None:
    """Return the space's specification of this id, else of this name."""
    found = _NAMED.all(connection, {"of_space": space_id, "id_or_name": id_or_name})
    rows = sorted(found, key=lambda row: row.id != id_or_name)
    return _specification(rows[0]) if rows else None


def page(
    connection: Connection, space_id: str, *, name: str | None, limit: int, start: str | None = None
) -> Page[HardwareSpecification]:
    """List the specifications of a space, all or those of one name."""
    query = select(*_COLUMNS).where(hardware_specifications.c.space_id == space_id)
    if name is not None:
        query = query.where(hardware_specifications.c.name == name)
    return page_by_time(connection, query, hardware_specifications, _specification, limit=limit, start=start)


def count(connection: Connection, space_id: str) -> int:
    """Count the specifications of a space."""
    query = select(func.count()).where(hardware_specifications.c.space_id == space_id)
    return int(connection.execute(query).scalar_one())


def remove(connection: Connection, specification_id: str) -> None:
    """Delete a specification."""
    connection.execute(delete(hardware_specifications).where(hardware_specifications.c.id == specification_id))


def _specification(row: Row[Any]) -> HardwareSpecification:
    return HardwareSpecification(**row._mapping)  # noqa: SLF001 - public API of Row
