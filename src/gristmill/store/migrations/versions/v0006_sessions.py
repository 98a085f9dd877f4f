"""Browsers that are signed in, wrong passwords in a row, and the next tick of a space."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gristmill.store.column_types import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables, and the index that finds which job of a space comes next."""
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(36), nullable=False),
        sa.Column("proof", sa.String(80), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_table(
        "lockouts",
        sa.Column("user_name", sa.String(255), nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed_at", Instant, nullable=False),
        sa.Column("locked_until", Instant),
        sa.PrimaryKeyConstraint("user_name", name=op.f("pk_lockouts")),
    )
    for table, column in (("sessions", "user_id"), ("sessions", "expires_at"), ("lockouts", "failed_at")):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    some = sa.text("next_tick_at IS NOT NULL")
    op.create_index("ix_jobs_space_due", "jobs", ["space_id", "next_tick_at"], sqlite_where=some, postgresql_where=some)
