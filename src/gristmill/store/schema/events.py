"""What is told to people: events (the outbox), their deliveries, where they go, and everyone's inbox."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gristmill.domain.channel import ChannelType
from gristmill.domain.delivery import DeliveryState
from gristmill.domain.event import EventKind
from gristmill.store.column_types import Document, Instant
from gristmill.store.schema.base import identifier, metadata, of_space, one_of

# An event is written in the transaction that makes it true. ``subject`` names the transition: one event each.
events = Table(
    "events",
    metadata,
    identifier(),
    of_space(),
    Column("subject", String(120), nullable=False, unique=True),
    Column("kind", String(30), nullable=False),
    Column("job_id", String(36)),
    Column("run_id", String(36)),
    Column("at", Instant, nullable=False),
    Column("document", Document, nullable=False),
    # Whom to tell, as it was then; without it the job says so when the event is routed.
    Column("audience", Document),
    # When its deliveries were made of it: an event without is what the outbox holds.
    Column("routed_at", Instant),
    CheckConstraint(one_of("kind", EventKind), name="kind"),
    Index("ix_events_at", "at"),
    Index("ix_events_job", "job_id", "at"),
    Index(
        "ix_events_outbox",
        "at",
        sqlite_where=text("routed_at IS NULL"),
        postgresql_where=text("routed_at IS NULL"),
    ),
)

channels = Table(
    "channels",
    metadata,
    identifier(),
    of_space(),
    Column("name", String(255), nullable=False),
    Column("type", String(20), nullable=False),
    Column("settings", Document, nullable=False),
    Column("sealed", Text),
    Column("owner_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    CheckConstraint(one_of("type", ChannelType), name="type"),
    UniqueConstraint("space_id", "name"),
)

# ``target`` is the channel's id, or the e-mail address; it keeps one event from going to one place twice.
deliveries = Table(
    "deliveries",
    metadata,
    identifier(),
    Column("event_id", ForeignKey("events.id", ondelete="CASCADE"), nullable=False),
    Column("channel_id", ForeignKey("channels.id", ondelete="CASCADE"), index=True),
    Column("target", String(320), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", Instant),
    Column("delivered_at", Instant),
    CheckConstraint(one_of("state", DeliveryState), name="state"),
    CheckConstraint("(state = 'waiting') = (next_attempt_at IS NOT NULL)", name="next_attempt"),
    UniqueConstraint("event_id", "target"),
    Index(
        "ix_deliveries_due",
        "next_attempt_at",
        sqlite_where=text("next_attempt_at IS NOT NULL"),
        postgresql_where=text("next_attempt_at IS NOT NULL"),
    ),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column("delivery_id", ForeignKey("deliveries.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("error", Text),
    PrimaryKeyConstraint("delivery_id", "number"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("event_id", ForeignKey("events.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("read_at", Instant),
    PrimaryKeyConstraint("user_id", "event_id"),
    Index("ix_inbox_user", "user_id", "at", "event_id"),
)
