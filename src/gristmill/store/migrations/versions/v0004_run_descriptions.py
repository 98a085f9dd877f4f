"""Runs have descriptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; runs from before have none."""
    op.add_column("runs", sa.Column("description", sa.Text(), nullable=False, server_default=""))
