"""Who there is, and who may do what where."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
    text,
)

from gristmill.domain.data_key import Purpose
from gristmill.store.column_types import Document, Instant
from gristmill.store.schema.base import identifier, metadata, of_space, one_of

users = Table(
    "users",
    metadata,
    identifier(),
    Column("name", String(255), nullable=False, unique=True),
    Column("display_name", String(255), nullable=False),
    Column("email", String(320)),
    Column("password_hash", Text),
    Column("administrator", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    identifier(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("hint", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

# Browsers that are signed in. The secret is in their cookie; here is its digest.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("proof", String(80), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
)


def _lockouts(name: str, whose: Column[str]) -> Table:
    return Table(
        name,
        metadata,
        whose,
        Column("failures", Integer, nullable=False),
        Column("failed_at", Instant, nullable=False, index=True),
        Column("locked_until", Instant),
    )


# Wrong passwords in a row: by the name that was given, whether there is such a user or not, and by the address that
# they came from, whatever the name.
lockouts = _lockouts("lockouts", Column("user_name", String(255), primary_key=True))
address_lockouts = _lockouts("address_lockouts", Column("address", String(64), primary_key=True))

# Keys, each wrapped by the server's secret key, which is not here.
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", String(16), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("wrapped", Text, nullable=False),
    Column("wrapped_by", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("retired_at", Instant),
    PrimaryKeyConstraint("id", "purpose"),
    CheckConstraint(one_of("purpose", Purpose), name="purpose"),
    # One in use at a time, so that servers which start at once agree.
    Index(
        "ix_data_keys_used",
        "purpose",
        unique=True,
        sqlite_where=text("retired_at IS NULL"),
        postgresql_where=text("retired_at IS NULL"),
    ),
)

task_credentials = Table(
    "task_credentials",
    metadata,
    identifier(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(40), nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
)

spaces = Table(
    "spaces",
    metadata,
    identifier(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(40), nullable=False),
    Column("tags", Document, nullable=False),
    Column("stage", Document, nullable=False),
    Column("storage", Document),
    Column("compute", Document, nullable=False),
    Column("state", String(20), nullable=False),
    Column("paused", Boolean, nullable=False, server_default=false()),
    # For runs of jobs that have no policy of their own.
    Column("retention", Document),
    Column("creator_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Index("ix_spaces_created", "created_at", "id"),
)

members = Table(
    "members",
    metadata,
    of_space(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("space_id", "user_id"),
)
