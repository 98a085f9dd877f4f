"""The search over assets: conditions, any of four orders, and paging by a mark."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, Subquery, and_, func, or_, select, text

from gristmill.domain.asset import Asset
from gristmill.domain.errors import Invalid
from gristmill.domain.page import Page
from gristmill.domain.search_query import SearchField, Term
from gristmill.store.assets import asset_of
from gristmill.store.column_types import Instant
from gristmill.store.database import Connection
from gristmill.store.searched import searched


def search(
    connection: Connection,
    space_id: str,
    type_name: str,
    terms: Sequence[Term],
    *,
    sort: tuple[str, bool],
    limit: int,
    start: str | None,
) -> Page[Asset]:
    """Return a page of the assets that meet every condition, and how many there are in all."""
    source = searched(space_id, type_name)
    conditions = [_condition(term, source, connection.dialect.name) for term in terms]
    found = select(source).where(*conditions)
    total = int(connection.execute(select(func.count()).select_from(found.subquery())).scalar_one())
    column, downwards = source.c[sort[0]], sort[1]
    query = _ordered(found, column, source.c.id, downwards=downwards, start=start)
    rows = connection.execute(query.limit(limit + 1)).all()
    items = [asset_of(row) for row in rows[:limit]]
    mark = _write_mark(getattr(items[-1], sort[0]), items[-1].id) if len(rows) > limit else None
    return Page(items=items, next=mark, total=total)


def _condition(term: Term, source: Subquery, dialect: str) -> ColumnElement[bool]:
    match term.field:
        case SearchField.NAME:
            return _like(source.c.name, term.parts)
        case SearchField.DESCRIPTION:
            return _like(source.c.description, term.parts)
        case SearchField.ID:
            return _like(source.c.id, term.parts)
        case SearchField.TYPE:
            return _like(source.c.type, term.parts)
        case SearchField.TAG:
            return _tagged(term.parts, dialect)


def _like(column: ColumnElement[Any], parts: Sequence[str]) -> ColumnElement[bool]:
    # Both sides are lowered by the database: which letters it knows depends on it and on its locale.
    return func.lower(column).like(func.lower(_pattern(parts)), escape="\\")


def _pattern(parts: Sequence[str]) -> str:
    return "%".join(part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for part in parts)


def _tagged(parts: Sequence[str], dialect: str) -> ColumnElement[bool]:
    # The two unfold a JSON list by functions of different names.
    on_postgresql, on_sqlite = "jsonb_array_elements_text(assets.tags) AS tag(value)", "json_each(assets.tags) AS tag"
    unfold = on_postgresql if dialect == "postgresql" else on_sqlite
    query = f"EXISTS (SELECT 1 FROM {unfold} WHERE lower(tag.value) LIKE lower(:tag) ESCAPE '\\')"  # noqa: S608
    return text(query).bindparams(tag=_pattern(parts))  # type: ignore[return-value]


def _ordered(
    query: Select[Any], column: ColumnElement[Any], ids: ColumnElement[Any], *, downwards: bool, start: str | None
) -> Select[Any]:
    if start:
        value, identifier = _read_mark(start, column)
        beyond = column < value if downwards else column > value
        behind = ids < identifier if downwards else ids > identifier
        query = query.where(or_(beyond, and_(column == value, behind)))
    if downwards:
        return query.order_by(column.desc(), ids.desc())
    return query.order_by(column, ids)


def _write_mark(value: object, identifier: str) -> str:
    plain = value.isoformat() if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([plain, identifier]).encode()).decode().rstrip("=")


def _read_mark(mark: str, column: ColumnElement[Any]) -> tuple[Any, str]:
    try:
        value, identifier = json.loads(base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4)))
        if isinstance(column.type, Instant):
            return datetime.fromisoformat(value), str(identifier)
        return (int(value) if isinstance(column.type, Integer) else str(value)), str(identifier)
    except (ValueError, TypeError) as error:
        raise Invalid(
            "This bookmark is not one that a page before gave. Begin again without it.", field="bookmark"
        ) from error
