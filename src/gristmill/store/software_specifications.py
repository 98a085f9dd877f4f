"""The software specifications that spaces have made; the predefined ones are not rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from gristmill.domain.page import Page
from gristmill.domain.specification import SoftwareSpecification
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import assets, software_specifications

_COLUMNS = columns_of(software_specifications, SoftwareSpecification)


def create(connection: Connection, specification: SoftwareSpecification) -> None:
    """Insert a custom specification."""
    connection.execute(insert(software_specifications).values(**values_of(specification, software_specifications)))


def find(connection: Connection, space_id: str, id_or_name: str) -> SoftwareSpecification | None:
    """Return the space's specification of this id, else of this name."""
    table = software_specifications
    query = select(*_COLUMNS).where(
        table.c.space_id == space_id, (table.c.id == id_or_name) | (table.c.name == id_or_name)
    )
    rows = sorted(connection.execute(query), key=lambda row: row.id != id_or_name)
    return _specification(rows[0]) if rows else None


def page(
    connection: Connection, space_id: str, *, name: str | None, limit: int, start: str | None = None
) -> Page[SoftwareSpecification]:
    """List the specifications of a space, all or those of one name."""
    query = select(*_COLUMNS).where(software_specifications.c.space_id == space_id)
    if name is not None:
        query = query.where(software_specifications.c.name == name)
    return page_by_time(connection, query, software_specifications, _specification, limit=limit, start=start)


def count(connection: Connection, space_id: str) -> int:
    """Count the specifications of a space."""
    query = select(func.count()).where(software_specifications.c.space_id == space_id)
    return int(connection.execute(query).scalar_one())


def set_package_extensions(connection: Connection, specification_id: str, extension_ids: list[str]) -> None:
    """Set which package extensions a specification adds to its base."""
    statement = update(software_specifications).where(software_specifications.c.id == specification_id)
    connection.execute(statement.values(package_extension_ids=extension_ids))


def remove(connection: Connection, specification_id: str) -> None:
    """Delete a specification."""
    connection.execute(delete(software_specifications).where(software_specifications.c.id == specification_id))


def extending(connection: Connection, space_id: str, package_extension_id: str) -> list[str]:
    """Return the names of the specifications that add this package extension."""
    query = select(software_specifications.c.name, software_specifications.c.package_extension_ids)
    rows = connection.execute(query.where(software_specifications.c.space_id == space_id))
    return sorted(row.name for row in rows if package_extension_id in row.package_extension_ids)


def assets_using(connection: Connection, space_id: str, specification_id: str) -> list[str]:
    """Return the names of the models, functions and scripts that run with a specification; the trash counts too."""
    references = (
        assets.c.entity["software_spec"]["id"],
        assets.c.entity["script"]["software_spec"]["id"],
        assets.c.entity["script"]["software_spec"]["base_id"],
    )
    matches = [reference.as_string() == specification_id for reference in references]
    query = select(assets.c.name).where(assets.c.space_id == space_id, matches[0] | matches[1] | matches[2])
    return list(connection.execute(query.order_by(assets.c.name)).scalars())


def derived_from(connection: Connection, space_id: str, base_id: str) -> list[str]:
    """Return the names of the specifications that are based on this one."""
    query = select(software_specifications.c.name).where(
        software_specifications.c.space_id == space_id, software_specifications.c.base_id == base_id
    )
    return list(connection.execute(query.order_by(software_specifications.c.name)).scalars())


def _specification(row: Row[Any]) -> SoftwareSpecification:
    return SoftwareSpecification(**row._mapping)  # noqa: SLF001 - public API of Row
