"""What runs: lanes, deployments, jobs, runs, and the claims that workers hold on them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from gristmill.domain.disposition import Disposition
from gristmill.domain.run import ACTIVE, FINAL, RunEvent, RunState
from gristmill.store.column_types import Document, Instant, Serial
from gristmill.store.schema.base import identifier, metadata, of_space, one_of


def _where(condition: str) -> dict[str, Any]:
    """Return the options of a partial index, which are the same on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


lanes = Table(
    "lanes",
    metadata,
    identifier(),
    of_space(),
    Column("max_running", Integer, nullable=False),
    # Of its space, kept here so that one partial index finds the next lane.
    Column("paused", Boolean, nullable=False, server_default=false()),
    # Hints, kept by triggers and repaired by the rescuer: they find a run, they never prove a limit.
    Column("queued", Integer, nullable=False, server_default="0"),
    Column("running", Integer, nullable=False, server_default="0"),
    Column("head", BigInteger),
    # What the run at the head reserves.
    Column("head_millicores", Integer),
    Column("head_memory_bytes", BigInteger),
    # The labels that it asks for, sorted; null and empty: none.
    Column("head_labels", Text),
    CheckConstraint("max_running >= 1", name="max_running"),
    Index(
        "ix_lanes_ready",
        "head",
        sqlite_where=text("queued > 0 AND running < max_running AND paused = 0"),
        postgresql_where=text("queued > 0 AND running < max_running AND NOT paused"),
    ),
)

deployments = Table(
    "deployments",
    metadata,
    identifier(),
    of_space(),
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
    of_space(),
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
    identifier(),
    of_space(),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("lane_id", ForeignKey("lanes.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("deployment_id", ForeignKey("deployments.id", ondelete="CASCADE"), index=True),
    Column("asset_ref", String(36), nullable=False, index=True),
    Column("asset_ref_type", String(60), nullable=False),
    Column("definition_id", String(36)),
    Column("configuration", Document, nullable=False),
    Column("retention", Document),
    Column("notification", Document, nullable=False),
    Column("sealed_variables", Text),
    Column("schedule", Document),
    Column("scheduler_id", String(36)),
    Column("key_id", String(36), index=True),
    Column("serving_name", String(36)),
    Column("paused", Boolean, nullable=False),
    Column("decided_until", Instant),
    Column("next_tick_at", Instant),
    Column("version", Integer, nullable=False),
    Column("owner_id", String(36), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("deleted_at", Instant),
    Index(
        "uq_jobs_default",
        "deployment_id",
        unique=True,
        sqlite_where=text("kind = 'default'"),
        postgresql_where=text("kind = 'default'"),
    ),
    Index("uq_jobs_serving_name", "serving_name", unique=True),
    Index("ix_jobs_space", "space_id", "deleted_at", "created_at", "id"),
    Index("ix_jobs_space_due", "space_id", "next_tick_at", **_where("next_tick_at IS NOT NULL")),
    Index("ix_jobs_deleting", "deleted_at", **_where("deleted_at IS NOT NULL")),
    Index(
        "ix_jobs_due",
        "next_tick_at",
        sqlite_where=text("next_tick_at IS NOT NULL"),
        postgresql_where=text("next_tick_at IS NOT NULL"),
    ),
)

# The newest changes of a job; its version makes each one.
job_changes = Table(
    "job_changes",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor_id", String(36), nullable=False),
    Column("changes", Document, nullable=False),
    PrimaryKeyConstraint("job_id", "version"),
)

# One tick, one row: its key outlives the run, so that no tick runs again after its run is gone.
ticks = Table(
    "ticks",
    metadata,
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("scheduled_for", Instant, nullable=False),
    Column("disposition", String(20), nullable=False),
    Column("run_id", String(36)),
    Column("reason", Text),
    Column("decided_at", Instant, nullable=False),
    Column("local_time", String(100)),
    PrimaryKeyConstraint("job_id", "scheduled_for"),
    CheckConstraint(one_of("disposition", Disposition), name="disposition"),
    CheckConstraint("(disposition = 'ran') = (run_id IS NOT NULL)", name="ran"),
)

runs = Table(
    "runs",
    metadata,
    Column("place", Serial, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("deployment_job_id", String(36), nullable=False, unique=True),
    of_space(),
    Column("job_id", ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("lane_id", ForeignKey("lanes.id", ondelete="CASCADE"), nullable=False),
    Column("deployment_id", String(36)),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("kind", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("worker_id", String(36)),
    Column("requester_id", String(36), nullable=False),
    Column("retention_days", Integer),
    Column("idempotency_key", String(255)),
    Column("scheduled_for", Instant),
    Column("created_at", Instant, nullable=False),
    Column("modified_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("finished_at", Instant),
    Column("deleted_at", Instant),
    # Whatever its retention, a pinned run stays. ``expires_at`` is set where the run itself asks for a number of days.
    Column("pinned", Boolean, nullable=False, server_default=false()),
    Column("expires_at", Instant),
    # When to look whether it has not started, or still works.
    Column("alarm_at", Instant),
    # What its hardware specification makes it reserve of a worker.
    Column("millicores", Integer, nullable=False, server_default="0"),
    Column("memory_bytes", BigInteger, nullable=False, server_default="0"),
    # What it asks of its worker: sorted, with a space between two.
    Column("labels", Text, nullable=False, server_default=""),
    Column("rows_done", BigInteger),
    Column("rows_total", BigInteger),
    # While it works: rejected rows, bytes, rate and probable end.
    Column("pace", Document),
    # When it has ended.
    Column("rows_read", BigInteger),
    Column("rows_scored", BigInteger),
    Column("rows_rejected", BigInteger),
    Column("rows_not_attempted", BigInteger),
    Column("warning", Text),
    Column("cause", Document),
    # The two heavy columns: lists never select them.
    Column("spec", Document, nullable=False),
    Column("result", Document),
    CheckConstraint(one_of("state", RunState), name="state"),
    CheckConstraint(f"({one_of('state', sorted(FINAL))}) = (finished_at IS NOT NULL)", name="finished"),
    CheckConstraint(f"NOT ({one_of('state', sorted(ACTIVE))}) OR worker_id IS NOT NULL", name="claimed"),
    CheckConstraint("state <> 'failed' OR cause IS NOT NULL", name="cause"),
    CheckConstraint(
        "(rows_read IS NULL AND rows_scored IS NULL AND rows_rejected IS NULL AND rows_not_attempted IS NULL) OR "
        "(coalesce(rows_scored, -1) >= 0 AND coalesce(rows_rejected, -1) >= 0 "
        "AND coalesce(rows_not_attempted, -1) >= 0 "
        "AND coalesce(rows_read, -1) = rows_scored + rows_rejected + rows_not_attempted)",
        name="rows_add_up",
    ),
    Index("ix_runs_lane", "lane_id", "state", "place"),
    # Whom a job's retention may take, and whom their own: the conditions of store/retention.py, word for word.
    Index(
        "ix_runs_ended",
        "job_id",
        "finished_at",
        "place",
        sqlite_where=text("finished_at IS NOT NULL AND retention_days IS NULL AND pinned = 0"),
        postgresql_where=text("finished_at IS NOT NULL AND retention_days IS NULL AND NOT pinned"),
    ),
    Index(
        "ix_runs_expiring",
        "expires_at",
        sqlite_where=text("expires_at IS NOT NULL AND pinned = 0"),
        postgresql_where=text("expires_at IS NOT NULL AND NOT pinned"),
    ),
    Index("ix_runs_alarms", "alarm_at", **_where("alarm_at IS NOT NULL")),
    UniqueConstraint("requester_id", "idempotency_key"),
    UniqueConstraint("job_id", "scheduled_for"),
    Index("ix_runs_space", "space_id", "place"),
    Index("ix_runs_space_state", "space_id", "state", "place"),
    Index("ix_runs_job", "job_id", "place"),
    # With deleted_at, so that runs are counted from the index alone.
    Index("ix_runs_job_state", "job_id", "state", "place", "deleted_at"),
    sqlite_autoincrement=True,
)

# How many visible runs there are, kept by triggers. PostgreSQL: each connection adds to a shard of its own, so writers
# neither wait for each other nor deadlock; what counts is the sum, and the rescuer folds the shards into shard 0.
# No foreign key: the rows of a job that goes come down to zero with its runs, in any order.
run_counts = Table(
    "run_counts",
    metadata,
    Column("job_id", String(36), nullable=False),
    Column("state", String(20), nullable=False),
    Column("shard", Integer, nullable=False),
    Column("space_id", String(36), nullable=False),
    Column("number", Integer, nullable=False),
    PrimaryKeyConstraint("job_id", "state", "shard"),
    Index("ix_run_counts_space", "space_id", "state"),
    Index("ix_run_counts_shards", "job_id", **_where("shard <> 0")),
    sqlite_with_rowid=False,
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
    CheckConstraint(one_of("event", [*RunEvent, "created"]), name="event"),
    CheckConstraint(one_of("state", RunState), name="state"),
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
    identifier(),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("slots", Integer, nullable=False),
    # What it offers to runs; null: whatever they ask for.
    Column("millicores", Integer),
    Column("memory_bytes", BigInteger),
    # Sorted, each with a space on both sides, for `LIKE`.
    Column("labels", Text, nullable=False, server_default=""),
    # Versions of Python, as 3.12, and R, where it has them.
    Column("environments", Document, nullable=False, server_default="[]"),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
