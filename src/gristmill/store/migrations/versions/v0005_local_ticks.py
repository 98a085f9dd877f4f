"""Ticks have the local time that they came at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of ticks from before it is not known."""
    op.add_column("ticks", sa.Column("local_time", sa.String(100)))
