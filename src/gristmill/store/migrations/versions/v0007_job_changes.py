"""What was changed of a job, when and by whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gristmill.store.column_types import Document, Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; of jobs from before it only what is changed from now on is told."""
    op.create_table(
        "job_changes",
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("actor_id", sa.String(36), nullable=False),
        sa.Column("changes", Document, nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_changes_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "version", name=op.f("pk_job_changes")),
    )
