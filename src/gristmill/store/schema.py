"""The map of the data: every table, its constraints and its indexes. Migrations follow it; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql

from gristmill.domain.run import ACTIVE, FINAL, RunEvent, RunState


class Instant(TypeDecorator[datetime]):
    """A moment in UTC. SQLite has no zones, so it keeps the naive UTC time; both give back an aware one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times, which would be silently read in somebody's zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the zone back."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Document = JSON().with_variant(postgresql.JSONB(), "postgresql")
# SQLite counts up by itself only in a column of exactly this type.
Serial = BigInteger().with_variant(Integer(), "sqlite")
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(**options: Any) -> Column[str]:  # noqa: ANN401 - passed through to Column
    return Column("id", String(36), primary_key=True, **options)


def _space() -> Column[str]:
    return Column("space_id", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False)


def _one_of(column: str, values: Any) -> str:  # noqa: ANN401 - any enum
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


users = Table(
    "users",
    metadata,
    _id(),
    Column("name", String(255), nullable=False, unique=True),
    Column("display_name", String(255), nullable=False),
    Column("password_hash", Text),
    Column("administrator", Boolean, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("hint", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)

task_credentials = Table(
    "task_credentials",
    metadata,
    _id(),
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
    _id(),
    Column("name", String(255), nullable=False),
    Column("description", Text, nullable=False),
    Column("type", String(40), nullable=False),
    Column("tags", Document, nullable=False),
    Column("stage", Document, nullable=False),
    Column("storage", Document),
    Column("compute", Document, nullable=False),
    Column("state", String(20), nullable=False),
    Column("creator_id", ForeignKey("users.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Index("ix_spaces_created", "created_at", "id"),
)

members = Table(
    "members",
    metadata,
    _space(),
    Column("user_id", ForeignKey("users.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("space_id", "user_id"),
)

assets = Table(
    "assets",
    metadata,
    _id(),
    _space(),
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
    Index("ix_assets_space", "space_id", "type", "created_at", "id"),
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
    _id(),
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
    _id(),
    _space(),
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
    _id(),
    _space(),
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
    _id(),
    _space(),
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
    _id(),
    _space(),
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

lanes = Table(
    "lanes",
    metadata,
    _id(),
    _space(),
    Column("max_running", Integer, nullable=False),
    # Hints, kept by triggers and repaired by the rescuer: they find a run, they never prove a limit.
    Column("queued", Integer, nullable=False, server_default="0"),
    Column("running", Integer, nullable=False, server_default="0"),
    Column("head", BigInteger),
    CheckConstraint("max_running >= 1", name="max_running"),
    Index(
        "ix_lanes_ready",
        "head",
        sqlite_where=text("queued > 0 AND running < max_running"),
        postgresql_where=text("queued > 0 AND running < max_running"),
    ),
)

deployments = Table(
    "deployments",
    metadata,
    _id(),
    _space(),
    Column("asset_id", ForeignKey("assets.id"), nullable=False, index=True),
    Column("asset_type", String(60), nullable=False),
    Column("asset_revision", Integer),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Document, nullable=False),
    Column("custom", Document, nullable=False),
    Column("batch", Document, nullable=False),
    Column("hardware", Document, nullable=False),
    Column("hybrid_hardware", Document),
    Column("serving_name", String(36), unique=True),
    Column("max_running", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("failure", Text),
    Column("owner_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    ForeignKeyConstraint(["id"], ["lanes.id"], ondelete="CASCADE"),
    Index("ix_deployments_space", "space_id", "created_at", "id"),
)

deployment_job_definitions = Table(
    "deployment_job_definitions",
    metadata,
    Column("id", String(36), nullable=False),
    _space(),
    Column("revision", Integer, nullable=False),
    Column("latest_revision", Integer, nullable=False),
    Column("deployment_id", String(36), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("tags", Document, nullable=False),
    Column("document", Document, nullable=False),
    Column("owner_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    PrimaryKeyConstraint("id", "revision"),
    Index("ix_deployment_job_definitions_space", "space_id", "revision", "created_at", "id"),
)

jobs = Table(
    "jobs",
    metadata,
    _id(),
    _space(),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("lane_id", ForeignKey("lanes.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), index=True),
    Column("configuration", Document, nullable=False),
    Column("owner_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Index(
        "uq_jobs_default",
        "deployment_id",
        unique=True,
        sqlite_where=text("kind = 'default'"),
        postgresql_where=text("kind = 'default'"),
    ),
    Index("ix_jobs_space", "space_id", "created_at", "id"),
)

runs = Table(
    "runs",
    metadata,
    Column("place", Serial, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("deployment_job_id", String(36), nullable=False, unique=True),
    _space(),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("lane_id", ForeignKey("lanes.id", ondelete="CASCADE"), nullable=False),
    Column("deployment_id", String(36)),
    Column("name", Text, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("worker_id", String(36)),
    Column("requester_id", String(36), nullable=False),
    Column("retention_days", Integer),
    Column("idempotency_key", String(255)),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("deleted_at", Instant),
    Column("rows_done", BigInteger),
    Column("rows_total", BigInteger),
    Column("warning", Text),
    Column("cause", Document),
    # The two heavy columns: lists never select them.
    Column("spec", Document, nullable=False),
    Column("result", Document),
    CheckConstraint(_one_of("state", RunState), name="state"),
    CheckConstraint(f"({_one_of('state', sorted(FINAL))}) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint(f"NOT ({_one_of('state', sorted(ACTIVE))}) OR worker_id IS NOT NULL", name="claimed"),
    CheckConstraint("state <> 'failed' OR cause IS NOT NULL", name="cause"),
    Index(
        "ix_runs_waiting",
        "lane_id",
        "place",
        sqlite_where=text("state = 'queued'"),
        postgresql_where=text("state = 'queued'"),
    ),
    UniqueConstraint("requester_id", "idempotency_key"),
    Index("ix_runs_space", "space_id", "place"),
    Index("ix_runs_job", "job_id", "place"),
    sqlite_autoincrement=True,
)

run_history = Table(
    "run_history",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("event", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("actor", String(80), nullable=False),
    PrimaryKeyConstraint("run_id", "number"),
    CheckConstraint(_one_of("event", [*RunEvent, "created"]), name="event"),
    CheckConstraint(_one_of("state", RunState), name="state"),
)

# What a run reads or left: its content stays as long as the run does, whatever becomes of the assets.
run_contents = Table(
    "run_contents",
    metadata,
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("key", String(80), nullable=False, index=True),
    PrimaryKeyConstraint("run_id", "key"),
)

# A limit is this key: (lane, slot) with slot below the lane's limit, which a trigger checks.
claims = Table(
    "claims",
    metadata,
    Column("lane_id", ForeignKey("lanes.id", ondelete="CASCADE"), nullable=False),
    Column("slot", Integer, nullable=False),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("worker_id", String(36), nullable=False, index=True),
    Column("fence", Integer, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("lane_id", "slot"),
    CheckConstraint("slot >= 0", name="slot"),
)

workers = Table(
    "workers",
    metadata,
    _id(),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# Content that somebody stopped referring to: written with that deletion. The janitor removes the bytes of those that
# nothing else refers to either.
discarded_contents = Table(
    "discarded_contents",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("discarded_at", Instant, nullable=False),
)
