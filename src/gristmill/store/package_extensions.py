"""Package extensions of spaces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from gristmill.domain.page import Page
from gristmill.domain.specification import PackageExtension
from gristmill.store.contents import discard
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import package_extensions

_COLUMNS = columns_of(package_extensions, PackageExtension)


def create(connection: Connection, extension: PackageExtension) -> None:
    """Insert a package extension."""
    connection.execute(insert(package_extensions).values(**values_of(extension, package_extensions)))


def get(connection: Connection, extension_id: str) -> PackageExtension | None:
    """Return a package extension."""
    row = connection.execute(select(*_COLUMNS).where(package_extensions.c.id == extension_id)).first()
    return _extension(row) if row else None


def named(connection: Connection, space_id: str, name: str) -> PackageExtension | None:
    """Return the space's package extension of this name."""
    query = select(*_COLUMNS).where(package_extensions.c.space_id == space_id, package_extensions.c.name == name)
    row = connection.execute(query).first()
    return _extension(row) if row else None


def page(
    connection: Connection, space_id: str, *, name: str | None, limit: int, start: str | None = None
) -> Page[PackageExtension]:
    """List the package extensions of a space, all or those of one name."""
    query = select(*_COLUMNS).where(package_extensions.c.space_id == space_id)
    if name is not None:
        query = query.where(package_extensions.c.name == name)
    return page_by_time(connection, query, package_extensions, _extension, limit=limit, start=start)


def count(connection: Connection, space_id: str) -> int:
    """Count the package extensions of a space."""
    query = select(func.count()).where(package_extensions.c.space_id == space_id)
    return int(connection.execute(query).scalar_one())


def set_content(connection: Connection, extension: PackageExtension, *, key: str, size: int, at: datetime) -> None:
    """Set the content; what was there before goes."""
    statement = update(package_extensions).where(package_extensions.c.id == extension.id)
    connection.execute(statement.values(content_key=key, size=size))
    discard(connection, [extension.content_key], at)


def complete(connection: Connection, extension_id: str) -> None:
    """Mark the upload complete."""
    statement = update(package_extensions).where(package_extensions.c.id == extension_id)
    connection.execute(statement.values(complete=True))


def remove(connection: Connection, extension: PackageExtension, at: datetime) -> None:
    """Delete a package extension with its content."""
    connection.execute(delete(package_extensions).where(package_extensions.c.id == extension.id))
    discard(connection, [extension.content_key], at)


def _extension(row: Row[Any]) -> PackageExtension:
    return PackageExtension(**row._mapping)  # noqa: SLF001 - public API of Row
