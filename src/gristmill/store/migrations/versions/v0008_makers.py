"""Which run wrote an asset, and lists that show outputs apart from what people brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns and their indexes; outputs of before are not told apart."""
    op.add_column("assets", sa.Column("maker_job_id", sa.String(36)))
    op.add_column("assets", sa.Column("maker_run_id", sa.String(36)))
    brought = sa.text("maker_job_id IS NULL AND deleted_at IS NULL")
    made = sa.text("maker_job_id IS NOT NULL AND deleted_at IS NULL")
    columns = ["space_id", "created_at", "id", "type"]
    op.create_index("ix_assets_brought", "assets", columns, sqlite_where=brought, postgresql_where=brought)
    columns = ["space_id", "maker_job_id", "created_at", "id", "size"]
    op.create_index("ix_assets_made", "assets", columns, sqlite_where=made, postgresql_where=made)
