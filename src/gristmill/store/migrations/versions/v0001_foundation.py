"""The foundation: identity, spaces, assets, specifications, deployments, jobs, runs, lanes and claims."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gristmill.store.column_types import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, then the triggers that keep the lanes' hints and guard their limits."""
    _tables()
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


def _tables() -> None:
    op.create_table(
        "discarded_contents",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("discarded_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_discarded_contents")),
    )
    op.create_table(
        "spaces",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("tags", Document, nullable=False),
        sa.Column("stage", Document, nullable=False),
        sa.Column("storage", Document, nullable=True),
        sa.Column("compute", Document, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("creator_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spaces")),
    )
    op.create_index("ix_spaces_created", "spaces", ["created_at", "id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.String(length=255), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("administrator", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name", name=op.f("uq_users_name")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("started_at", Instant, nullable=False),
        sa.Column("seen_at", Instant, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("hint", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("last_used_at", Instant, nullable=True),
        sa.Column("revoked_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"], unique=False)
    op.create_table(
        "assets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", Document, nullable=False),
        sa.Column("entity", Document, nullable=False),
        sa.Column("latest_revision", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.Column("deleted_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_assets_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assets")),
    )
    op.create_index("ix_assets_space", "assets", ["space_id", "type", "created_at", "id"], unique=False)
    op.create_table(
        "deployment_job_definitions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("latest_revision", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", Document, nullable=False),
        sa.Column("document", Document, nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name=op.f("fk_deployment_job_definitions_space_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", "revision", name=op.f("pk_deployment_job_definitions")),
    )
    op.create_index(
        op.f("ix_deployment_job_definitions_deployment_id"),
        "deployment_job_definitions",
        ["deployment_id"],
        unique=False,
    )
    op.create_index(
        "ix_deployment_job_definitions_space",
        "deployment_job_definitions",
        ["space_id", "revision", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("document", Document, nullable=False),
        sa.Column("content_key", sa.String(length=80), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.CheckConstraint("kind IN ('export', 'import')", name=op.f("ck_exports_kind")),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_exports_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index("ix_exports_space", "exports", ["space_id", "kind", "created_at", "id"], unique=False)
    op.create_table(
        "hardware_specifications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("nodes", Document, nullable=False),
        sa.Column("cpus", sa.Float(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name=op.f("fk_hardware_specifications_space_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hardware_specifications")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_hardware_specifications_space_id_name")),
    )
    op.create_table(
        "lanes",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("max_running", sa.Integer(), nullable=False),
        sa.Column("queued", sa.Integer(), server_default="0", nullable=False),
        sa.Column("running", sa.Integer(), server_default="0", nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("max_running >= 1", name=op.f("ck_lanes_max_running")),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_lanes_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lanes")),
    )
    op.create_index(
        "ix_lanes_ready",
        "lanes",
        ["head"],
        unique=False,
        sqlite_where=sa.text("queued > 0 AND running < max_running"),
        postgresql_where=sa.text("queued > 0 AND running < max_running"),
    )
    op.create_table(
        "members",
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_members_space_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("space_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.create_table(
        "package_extensions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("content_key", sa.String(length=80), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name=op.f("fk_package_extensions_space_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package_extensions")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_package_extensions_space_id_name")),
    )
    op.create_table(
        "software_specifications",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("base_id", sa.String(length=36), nullable=False),
        sa.Column("package_extension_ids", Document, nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["space_id"], ["spaces.id"], name=op.f("fk_software_specifications_space_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_software_specifications")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_software_specifications_space_id_name")),
    )
    op.create_table(
        "task_credentials",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_task_credentials_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_credentials")),
        sa.UniqueConstraint("user_id", name=op.f("uq_task_credentials_user_id")),
    )
    op.create_table(
        "asset_revisions",
        sa.Column("asset_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", Document, nullable=False),
        sa.Column("entity", Document, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.Column("commit_message", sa.Text(), nullable=True),
        sa.Column("committed_at", Instant, nullable=False),
        sa.CheckConstraint("revision > 0", name=op.f("ck_asset_revisions_frozen")),
        sa.ForeignKeyConstraint(
            ["asset_id"], ["assets.id"], name=op.f("fk_asset_revisions_asset_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("asset_id", "revision", name=op.f("pk_asset_revisions")),
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("asset_id", sa.String(length=36), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime", sa.Text(), nullable=False),
        sa.Column("content_key", sa.String(length=80), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("connection_id", sa.String(length=36), nullable=True),
        sa.Column("connection_path", sa.Text(), nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_attachments_asset_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index("ix_attachments_asset", "attachments", ["asset_id", "revision", "created_at"], unique=False)
    op.create_index(op.f("ix_attachments_content_key"), "attachments", ["content_key"], unique=False)
    op.create_table(
        "deployments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("asset_id", sa.String(length=36), nullable=False),
        sa.Column("asset_type", sa.String(length=60), nullable=False),
        sa.Column("asset_revision", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("tags", Document, nullable=False),
        sa.Column("custom", Document, nullable=False),
        sa.Column("batch", Document, nullable=False),
        sa.Column("hardware", Document, nullable=False),
        sa.Column("hybrid_hardware", Document, nullable=True),
        sa.Column("serving_name", sa.String(length=36), nullable=True),
        sa.Column("max_running", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(["asset_id"], ["assets.id"], name=op.f("fk_deployments_asset_id")),
        sa.ForeignKeyConstraint(["id"], ["lanes.id"], name=op.f("fk_deployments_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_deployments_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
        sa.UniqueConstraint("serving_name", name=op.f("uq_deployments_serving_name")),
    )
    op.create_index(op.f("ix_deployments_asset_id"), "deployments", ["asset_id"], unique=False)
    op.create_index("ix_deployments_space", "deployments", ["space_id", "created_at", "id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("lane_id", sa.String(length=36), nullable=False),
        sa.Column("deployment_id", sa.String(length=36), nullable=True),
        sa.Column("asset_ref", sa.String(length=36), nullable=False),
        sa.Column("asset_ref_type", sa.String(length=60), nullable=False),
        sa.Column("definition_id", sa.String(length=36), nullable=True),
        sa.Column("configuration", Document, nullable=False),
        sa.Column("retention", Document, nullable=True),
        sa.Column("notification", Document, nullable=False),
        sa.Column("sealed_variables", sa.Text(), nullable=True),
        sa.Column("schedule", Document, nullable=True),
        sa.Column("scheduler_id", sa.String(length=36), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("decided_until", Instant, nullable=True),
        sa.Column("next_tick_at", Instant, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.Column("deleted_at", Instant, nullable=True),
        sa.ForeignKeyConstraint(
            ["deployment_id"], ["deployments.id"], name=op.f("fk_jobs_deployment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lane_id"], ["lanes.id"], name=op.f("fk_jobs_lane_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_jobs_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(op.f("ix_jobs_asset_ref"), "jobs", ["asset_ref"], unique=False)
    op.create_index(op.f("ix_jobs_deployment_id"), "jobs", ["deployment_id"], unique=False)
    op.create_index(
        "ix_jobs_due",
        "jobs",
        ["next_tick_at"],
        unique=False,
        sqlite_where=sa.text("next_tick_at IS NOT NULL"),
        postgresql_where=sa.text("next_tick_at IS NOT NULL"),
    )
    op.create_index(op.f("ix_jobs_lane_id"), "jobs", ["lane_id"], unique=False)
    op.create_index("ix_jobs_space", "jobs", ["space_id", "created_at", "id"], unique=False)
    op.create_index(
        "uq_jobs_default",
        "jobs",
        ["deployment_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'default'"),
        postgresql_where=sa.text("kind = 'default'"),
    )
    op.create_table(
        "runs",
        sa.Column("place", Serial, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("deployment_job_id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("lane_id", sa.String(length=36), nullable=False),
        sa.Column("deployment_id", sa.String(length=36), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("worker_id", sa.String(length=36), nullable=True),
        sa.Column("requester_id", sa.String(length=36), nullable=False),
        sa.Column("retention_days", sa.Integer(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("scheduled_for", Instant, nullable=True),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.Column("started_at", Instant, nullable=True),
        sa.Column("finished_at", Instant, nullable=True),
        sa.Column("deleted_at", Instant, nullable=True),
        sa.Column("rows_done", sa.BigInteger(), nullable=True),
        sa.Column("rows_total", sa.BigInteger(), nullable=True),
        sa.Column("warning", sa.Text(), nullable=True),
        sa.Column("cause", Document, nullable=True),
        sa.Column("spec", Document, nullable=False),
        sa.Column("result", Document, nullable=True),
        sa.CheckConstraint(
            "(state IN ('canceled', 'completed', 'failed')) = (finished_at IS NOT NULL)", name=op.f("ck_runs_finished")
        ),
        sa.CheckConstraint(
            "NOT (state IN ('canceling', 'running', 'starting')) OR worker_id IS NOT NULL", name=op.f("ck_runs_claimed")
        ),
        sa.CheckConstraint("state <> 'failed' OR cause IS NOT NULL", name=op.f("ck_runs_cause")),
        sa.CheckConstraint(
            "state IN ('queued', 'starting', 'running', 'canceling', 'completed', 'failed', 'canceled')",
            name=op.f("ck_runs_state"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_runs_job_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["lane_id"], ["lanes.id"], name=op.f("fk_runs_lane_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_runs_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_runs")),
        sa.UniqueConstraint("deployment_job_id", name=op.f("uq_runs_deployment_job_id")),
        sa.UniqueConstraint("id", name=op.f("uq_runs_id")),
        sa.UniqueConstraint("job_id", "scheduled_for", name=op.f("uq_runs_job_id_scheduled_for")),
        sa.UniqueConstraint("requester_id", "idempotency_key", name=op.f("uq_runs_requester_id_idempotency_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_job", "runs", ["job_id", "place"], unique=False)
    op.create_index("ix_runs_space", "runs", ["space_id", "place"], unique=False)
    op.create_index(
        "ix_runs_waiting",
        "runs",
        ["lane_id", "place"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_table(
        "ticks",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("scheduled_for", Instant, nullable=False),
        sa.Column("disposition", sa.String(length=20), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("decided_at", Instant, nullable=False),
        sa.CheckConstraint("(disposition = 'ran') = (run_id IS NOT NULL)", name=op.f("ck_ticks_ran")),
        sa.CheckConstraint(
            "disposition IN ('ran', 'merged', 'overlapped', 'paused', 'missed', 'refused')",
            name=op.f("ck_ticks_disposition"),
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_ticks_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "scheduled_for", name=op.f("pk_ticks")),
    )
    op.create_table(
        "claims",
        sa.Column("lane_id", sa.String(length=36), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("worker_id", sa.String(length=36), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("claimed_at", Instant, nullable=False),
        sa.Column("expires_at", Instant, nullable=False),
        sa.CheckConstraint("slot >= 0", name=op.f("ck_claims_slot")),
        sa.ForeignKeyConstraint(["lane_id"], ["lanes.id"], name=op.f("fk_claims_lane_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_claims_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("lane_id", "slot", name=op.f("pk_claims")),
        sa.UniqueConstraint("run_id", name=op.f("uq_claims_run_id")),
    )
    op.create_index(op.f("ix_claims_expires_at"), "claims", ["expires_at"], unique=False)
    op.create_index(op.f("ix_claims_worker_id"), "claims", ["worker_id"], unique=False)
    op.create_table(
        "run_contents",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_contents_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "key", name=op.f("pk_run_contents")),
    )
    op.create_index(op.f("ix_run_contents_key"), "run_contents", ["key"], unique=False)
    op.create_table(
        "run_history",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "event IN ('claimed', 'started', 'succeeded', 'erred', 'cancel_requested', 'stopped', 'returned', 'lost', 'created')",  # noqa: E501
            name=op.f("ck_run_history_event"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'starting', 'running', 'canceling', 'completed', 'failed', 'canceled')",
            name=op.f("ck_run_history_state"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_history_run_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_run_history")),
    )


_JOINS_QUEUE = """
UPDATE lanes SET queued = queued + 1,
    head = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.place ELSE head END
WHERE id = NEW.lane_id;
"""
_LEAVES_QUEUE = """
UPDATE lanes SET queued = queued - 1,
    head = (SELECT min(place) FROM runs WHERE lane_id = OLD.lane_id AND state = 'queued')
WHERE id = OLD.lane_id;
"""

_SQLITE = (
    f"CREATE TRIGGER runs_created AFTER INSERT ON runs WHEN NEW.state = 'queued' BEGIN {_JOINS_QUEUE} END",
    "CREATE TRIGGER runs_returned AFTER UPDATE OF state ON runs "
    f"WHEN NEW.state = 'queued' AND OLD.state <> 'queued' BEGIN {_JOINS_QUEUE} END",
    "CREATE TRIGGER runs_left AFTER UPDATE OF state ON runs "
    f"WHEN OLD.state = 'queued' AND NEW.state <> 'queued' BEGIN {_LEAVES_QUEUE} END",
    f"CREATE TRIGGER runs_removed AFTER DELETE ON runs WHEN OLD.state = 'queued' BEGIN {_LEAVES_QUEUE} END",
    "CREATE TRIGGER claims_guard BEFORE INSERT ON claims "
    "WHEN NEW.slot >= (SELECT max_running FROM lanes WHERE id = NEW.lane_id) "
    "BEGIN SELECT RAISE(ABORT, 'claims_within_limit'); END",
    "CREATE TRIGGER claims_made AFTER INSERT ON claims "
    "BEGIN UPDATE lanes SET running = running + 1 WHERE id = NEW.lane_id; END",
    "CREATE TRIGGER claims_ended AFTER DELETE ON claims "
    "BEGIN UPDATE lanes SET running = running - 1 WHERE id = OLD.lane_id; END",
)


def _postgresql_trigger(name: str, when: str, body: str, *, returns: str = "NULL") -> tuple[str, str]:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN {returns}; END $$",
        f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()",
    )


_POSTGRESQL = (
    *_postgresql_trigger("runs_created", "AFTER INSERT ON runs FOR EACH ROW WHEN (NEW.state = 'queued')", _JOINS_QUEUE),
    *_postgresql_trigger(
        "runs_returned",
        "AFTER UPDATE OF state ON runs FOR EACH ROW WHEN (NEW.state = 'queued' AND OLD.state <> 'queued')",
        _JOINS_QUEUE,
    ),
    *_postgresql_trigger(
        "runs_left",
        "AFTER UPDATE OF state ON runs FOR EACH ROW WHEN (OLD.state = 'queued' AND NEW.state <> 'queued')",
        _LEAVES_QUEUE,
    ),
    *_postgresql_trigger(
        "runs_removed", "AFTER DELETE ON runs FOR EACH ROW WHEN (OLD.state = 'queued')", _LEAVES_QUEUE
    ),
    *_postgresql_trigger(
        "claims_guard",
        "BEFORE INSERT ON claims FOR EACH ROW",
        "IF NEW.slot >= (SELECT max_running FROM lanes WHERE id = NEW.lane_id) THEN "
        "RAISE EXCEPTION 'claims_within_limit' USING ERRCODE = 'check_violation'; END IF;",
        returns="NEW",
    ),
    *_postgresql_trigger(
        "claims_made",
        "AFTER INSERT ON claims FOR EACH ROW",
        "UPDATE lanes SET running = running + 1 WHERE id = NEW.lane_id;",
    ),
    *_postgresql_trigger(
        "claims_ended",
        "AFTER DELETE ON claims FOR EACH ROW",
        "UPDATE lanes SET running = running - 1 WHERE id = OLD.lane_id;",
    ),
)
