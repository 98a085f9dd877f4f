"""What was done by whom, and which loops are alive."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, String, Table, Text

from gristmill.domain.audit import Outcome
from gristmill.store.column_types import Document, Instant
from gristmill.store.schema.base import identifier, metadata, one_of

# Triggers refuse to change or delete rows. No foreign keys: a line outlives whom and what it tells of.
audit_events = Table(
    "audit_events",
    metadata,
    identifier(),
    Column("at", Instant, nullable=False),
    Column("actor_id", String(36)),
    Column("actor_name", String(255), nullable=False),
    Column("address", String(64)),
    Column("action", String(40), nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("target_id", String(80)),
    Column("target_name", Text),
    Column("space_id", String(36)),
    Column("details", Document, nullable=False),
    CheckConstraint(one_of("outcome", Outcome), name="outcome"),
    Index("ix_audit_events_at", "at", "id"),
    Index("ix_audit_events_actor", "actor_name", "at", "id"),
    Index("ix_audit_events_action", "action", "at", "id"),
)

# When a loop, of which any number of servers may run one, was last at work anywhere.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("seen_at", Instant, nullable=False),
)
