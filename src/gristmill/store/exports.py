"""Exports and imports of spaces."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select

from gristmill.domain.export import Export, ExportKind, ExportState
from gristmill.domain.page import Page
from gristmill.store.contents import discard
from gristmill.store.database import Connection
from gristmill.store.rows import columns_of, page_by_time, values_of
from gristmill.store.schema import exports

_COLUMNS = columns_of(exports, Export)


def create(connection: Connection, export: Export) -> None:
    """Insert an export or import."""
    values = values_of(export, exports)
    connection.execute(insert(exports).values(**{**values, "kind": str(export.kind), "state": str(export.state)}))


def get(connection: Connection, export_id: str) -> Export | None:
    """Return an export or import."""
    row = connection.execute(select(*_COLUMNS).where(exports.c.id == export_id)).first()
    return _export(row) if row else None


def page(
    connection: Connection, space_id: str, kind: ExportKind, *, limit: int, start: str | None = None
) -> Page[Export]:
    """List the exports, or the imports, of a space."""
    query = select(*_COLUMNS).where(exports.c.space_id == space_id, exports.c.kind == str(kind))
    return page_by_time(connection, query, exports, _export, limit=limit, start=start)


def remove(connection: Connection, export: Export, at: datetime) -> None:
    """Delete an export or import with its content."""
    connection.execute(delete(exports).where(exports.c.id == export.id))
    discard(connection, [export.content_key], at)


def _export(row: Row[Any]) -> Export:
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    return Export(**{**values, "kind": ExportKind(values["kind"]), "state": ExportState(values["state"])})
