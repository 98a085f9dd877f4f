"""Events, written in the transaction that makes them true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy.dialects import postgresql, sqlite

from gristmill.domain.event import Event
from gristmill.store.database import Connection
from gristmill.store.schema import events


def record(connection: Connection, happened: Sequence[Event]) -> None:
    """Write events; one whose subject is there already changes nothing."""
    if not happened:
        return
    rows = [
        {"id": event.id, **{field.name: getattr(event, field.name) for field in fields(event)}} for event in happened
    ]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(events).on_conflict_do_nothing(index_elements=["subject"]), rows)
