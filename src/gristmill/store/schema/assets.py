"""What is stored in spaces, and the content that it refers to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
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

from gristmill.store.column_types import Document, Instant
from gristmill.store.schema.base import identifier, metadata, of_space

_THERE = "deleted_at IS NULL"


def _where(condition: str) -> dict[str, Any]:
    """Return the options of a partial index, which are the same on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


assets = Table(
    "assets",
    metadata,
    identifier(),
    of_space(),
    Column("type", String(60), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Document, nullable=False),
    Column("entity", Document, nullable=False),
    Column("latest_revision", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("owner_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    # Of outputs: the newest run that wrote it, and its job. Both may be gone.
    Column("maker_job_id", String(36)),
    Column("maker_run_id", String(36)),
    Index("ix_assets_space", "space_id", "type", "created_at", "id"),
    # What people brought, and what runs wrote: lists show them apart, however many outputs there are.
    Index("ix_assets_brought", "space_id", "created_at", "id", "type", **_where(f"maker_job_id IS NULL AND {_THERE}")),
    Index(
        "ix_assets_made",
        "space_id",
        "maker_job_id",
        "created_at",
        "id",
        "size",
        **_where(f"maker_job_id IS NOT NULL AND {_THERE}"),
    ),
)

asset_revisions = Table(
    "asset_revisions",
    metadata,
    Column("asset_id", ForeignKey("assets.id", ondelete="CASCADE"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Document, nullable=False),
    Column("entity", Document, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("commit_message", Text),
    Column("committed_at", Instant, nullable=False),
    PrimaryKeyConstraint("asset_id", "revision"),
    CheckConstraint("revision > 0", name="frozen"),
)

attachments = Table(
    "attachments",
    metadata,
    identifier(),
    Column("asset_id", ForeignKey("assets.id", ondelete="CASCADE"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("mime", Text, nullable=False),
    Column("content_key", String(80), index=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", String(64)),
    Column("complete", Boolean, nullable=False),
    Column("connection_id", String(36)),
    Column("connection_path", Text),
    Column("created_at", Instant, nullable=False),
    Index("ix_attachments_asset", "asset_id", "revision", "created_at"),
)

software_specifications = Table(
    "software_specifications",
    metadata,
    identifier(),
    of_space(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("base_id", String(36), nullable=False),
    Column("package_extension_ids", Document, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("space_id", "name"),
)

hardware_specifications = Table(
    "hardware_specifications",
    metadata,
    identifier(),
    of_space(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("nodes", Document, nullable=False),
    Column("cpus", Float, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("space_id", "name"),
)

package_extensions = Table(
    "package_extensions",
    metadata,
    identifier(),
    of_space(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(40), nullable=False),
    Column("content_key", String(80)),
    Column("size", BigInteger, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("space_id", "name"),
)

exports = Table(
    "exports",
    metadata,
    identifier(),
    of_space(),
    Column("kind", String(10), nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("document", Document, nullable=False),
    Column("content_key", String(80)),
    Column("state", String(20), nullable=False),
    Column("owner_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    CheckConstraint("kind IN ('export', 'import')", name="kind"),
    Index("ix_exports_space", "space_id", "kind", "created_at", "id"),
)

# Content that somebody stopped referring to: written with that deletion. The janitor removes the bytes of those that
# nothing else refers to either.
discarded_contents = Table(
    "discarded_contents",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("discarded_at", Instant, nullable=False),
)
