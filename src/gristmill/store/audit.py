"""The audit log: written by whoever changes something, in that transaction; read newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, tuple_

from gristmill.domain.audit import AuditEvent, AuditFilter, Outcome
from gristmill.domain.page import Page
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.rows import columns_of, read_mark, values_of, write_mark
from gristmill.store.schema import audit_events

_COLUMNS = columns_of(audit_events, AuditEvent)
_ADD = Prepared(insert(audit_events))
_KEY = (audit_events.c.at, audit_events.c.id)


def add(connection: Connection, events: Sequence[AuditEvent]) -> None:
    """Write lines; the database lets nobody change or delete them afterwards."""
    if events:
        rows = [{**values_of(each, audit_events), "outcome": str(each.outcome)} for each in events]
        _ADD.change_all(connection, rows)


def page(connection: Connection, wanted: AuditFilter, *, limit: int, start: str | None = None) -> Page[AuditEvent]:
    """Return a page of lines, the newest first."""
    where = _conditions(wanted)
    if start:
        where.append(tuple_(*_KEY) < tuple_(*read_mark(start)))
    query = select(*_COLUMNS).where(*where).order_by(*(column.desc() for column in _KEY))
    rows = connection.execute(query.limit(limit + 1)).all()
    mark = write_mark(rows[limit - 1].at, rows[limit - 1].id) if len(rows) > limit else None
    return Page(items=[_event(row) for row in rows[:limit]], next=mark)


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.actor_name:
        found.append(audit_events.c.actor_name == wanted.actor_name)
    if wanted.action and "." in wanted.action:
        found.append(audit_events.c.action == wanted.action)
    elif wanted.action:
        found.append(audit_events.c.action.startswith(f"{wanted.action}.", autoescape=True))
    if wanted.since:
        found.append(audit_events.c.at >= wanted.since)
    if wanted.until:
        found.append(audit_events.c.at < wanted.until)
    return found


def _event(row: Row[Any]) -> AuditEvent:
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    return AuditEvent(**{**values, "outcome": Outcome(values["outcome"])})
