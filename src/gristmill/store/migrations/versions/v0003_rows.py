"""Rows of runs, accounted for: how many were read, scored, rejected and not attempted, and how fast a run goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = "ck_runs_rows_add_up"
_ADD_UP = (
    "(rows_read IS NULL AND rows_scored IS NULL AND rows_rejected IS NULL AND rows_not_attempted IS NULL) OR "
    "(coalesce(rows_scored, -1) >= 0 AND coalesce(rows_rejected, -1) >= 0 AND coalesce(rows_not_attempted, -1) >= 0 "
    "AND coalesce(rows_read, -1) = rows_scored + rows_rejected + rows_not_attempted)"
)


def upgrade() -> None:
    """Add the columns, and the condition that they add up. Runs from before have none of them."""
    for name in ("rows_read", "rows_scored", "rows_rejected"):
        op.add_column("runs", sa.Column(name, sa.BigInteger()))
    if op.get_bind().dialect.name == "sqlite":
        # A condition can be added to a table that is there only together with a column; it may speak of others.
        op.execute(f"ALTER TABLE runs ADD COLUMN rows_not_attempted BIGINT CONSTRAINT {_NAME} CHECK ({_ADD_UP})")
    else:
        op.add_column("runs", sa.Column("rows_not_attempted", sa.BigInteger()))
        op.create_check_constraint(op.f(_NAME), "runs", _ADD_UP)
    op.add_column("runs", sa.Column("pace", sa.JSON().with_variant(postgresql.JSONB(), "postgresql")))
