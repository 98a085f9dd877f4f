"""From rows to domain types and back, and paging by a mark: what every table here does alike."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row, Select, Table, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from gristmill.domain.errors import Invalid
from gristmill.domain.page import Page
from gristmill.store.database import Connection

T = TypeVar("T")


def columns_of(table: Table, kind: type[Any]) -> list[ColumnElement[Any]]:
    """Return the table's columns that are fields of the domain type."""
    return [table.c[field.name] for field in fields(kind) if field.name in table.c]


def values_of(thing: Any, table: Table) -> dict[str, Any]:  # noqa: ANN401 - any frozen dataclass
    """Return the thing's fields that are columns of the table; sequences become lists, as JSON wants them."""
    values = {field.name: getattr(thing, field.name) for field in fields(thing) if field.name in table.c}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, key: Sequence[str]) -> None:
    """Insert rows; one whose key is there already is left as it is."""
    if rows:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(table).on_conflict_do_nothing(index_elements=list(key)), list(rows))


def page_by_time(
    connection: Connection,
    query: Select[Any],
    table: Table,
    make: Callable[[Row[Any]], T],
    *,
    limit: int,
    start: str | None,
    newest_first: bool = False,
) -> Page[T]:
    """Page a query by (created_at, id), the oldest first. ``start`` is the mark that the page before gave."""
    key = (table.c.created_at, table.c.id)
    if start:
        mark = tuple_(*read_mark(start))
        query = query.where(tuple_(*key) < mark if newest_first else tuple_(*key) > mark)
    order = [column.desc() if newest_first else column for column in key]
    rows = connection.execute(query.order_by(*order).limit(limit + 1)).all()
    items = rows[:limit]
    last = items[-1]._mapping if len(rows) > limit else None  # noqa: SLF001 - public API of Row
    return Page(items=[make(row) for row in items], next=write_mark(last["created_at"], last["id"]) if last else None)


def write_mark(created_at: datetime, identifier: str) -> str:
    """Return the mark after a row, opaque to clients."""
    return base64.urlsafe_b64encode(json.dumps([created_at.isoformat(), identifier]).encode()).decode().rstrip("=")


def read_mark(mark: str) -> tuple[datetime, str]:
    """Return the key of the row before a page.

    Raises:
        Invalid: it is not a mark that `write_mark` made.

    """
    try:
        created_at, identifier = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        return datetime.fromisoformat(created_at), str(identifier)
    except (ValueError, TypeError) as error:
        raise Invalid(
            "This start mark is not one that a page before gave. Begin again without it.", field="start"
        ) from error
