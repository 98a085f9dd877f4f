"""Wrapped keys; wrong passwords by address; an audit log that is not written over either."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gristmill.store.column_types import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and the trigger. The first server that starts makes the keys: only it has the secret key."""
    op.create_table(
        "data_keys",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("wrapped", sa.Text, nullable=False),
        sa.Column("wrapped_by", sa.String(16), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("retired_at", Instant),
        sa.CheckConstraint(
            "purpose IN ('encryption', 'digests', 'tokens', 'links')", name=op.f("ck_data_keys_purpose")
        ),
        sa.PrimaryKeyConstraint("id", "purpose", name=op.f("pk_data_keys")),
    )
    used = sa.text("retired_at IS NULL")
    op.create_index(
        "ix_data_keys_used", "data_keys", ["purpose"], unique=True, sqlite_where=used, postgresql_where=used
    )
    op.create_table(
        "address_lockouts",
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_at", Instant, nullable=False),
        sa.Column("locked_until", Instant),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_address_lockouts")),
    )
    op.create_index("ix_address_lockouts_failed_at", "address_lockouts", ["failed_at"])
    if op.get_bind().dialect.name == "sqlite":
        op.execute(_NOT_WRITTEN_OVER)


# SQLite's INSERT OR REPLACE deletes a row without asking the trigger that guards deletions.
_NOT_WRITTEN_OVER = (
    "CREATE TRIGGER audit_events_insert BEFORE INSERT ON audit_events "
    "WHEN EXISTS (SELECT 1 FROM audit_events WHERE id = NEW.id OR rowid = NEW.rowid) "
    "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
)
