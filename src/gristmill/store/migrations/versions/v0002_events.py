"""Events and their deliveries; keys of schedules, pauses of spaces, and what retention and alarms look for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gristmill.store.column_types import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Add the tables of events, then columns and indexes of tables that are there."""
    _events()
    _deliveries()
    _columns()
    _indexes()


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("job_id", sa.String(length=36)),
        sa.Column("run_id", sa.String(length=36)),
        sa.Column("at", Instant, nullable=False),
        sa.Column("document", Document, nullable=False),
        sa.Column("routed_at", Instant),
        sa.CheckConstraint(
            "kind IN ('started', 'succeeded', 'warned', 'failed', 'canceled', 'long_running', 'not_started', "
            "'tick_missed', 'tick_refused', 'tick_overlapped', 'schedule_broken')",
            name=op.f("ck_events_kind"),
        ),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_events_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("subject", name=op.f("uq_events_subject")),
    )
    op.create_table(
        "inbox",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("read_at", Instant),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_inbox_event_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_inbox_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "event_id", name=op.f("pk_inbox")),
    )


def _deliveries() -> None:
    op.create_table(
        "channels",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("settings", Document, nullable=False),
        sa.Column("sealed", sa.Text()),
        sa.Column("owner_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.Column("modified_at", Instant, nullable=False),
        sa.CheckConstraint("type IN ('email', 'webhook', 'apprise')", name=op.f("ck_channels_type")),
        sa.ForeignKeyConstraint(["space_id"], ["spaces.id"], name=op.f("fk_channels_space_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channels")),
        sa.UniqueConstraint("space_id", "name", name=op.f("uq_channels_space_id_name")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("channel_id", sa.String(length=36)),
        sa.Column("target", sa.String(length=320), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", Instant),
        sa.Column("delivered_at", Instant),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name=op.f("ck_deliveries_state")),
        sa.CheckConstraint(
            "(state = 'waiting') = (next_attempt_at IS NOT NULL)", name=op.f("ck_deliveries_next_attempt")
        ),
        sa.ForeignKeyConstraint(
            ["channel_id"], ["channels.id"], name=op.f("fk_deliveries_channel_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["event_id"], ["events.id"], name=op.f("fk_deliveries_event_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("event_id", "target", name=op.f("uq_deliveries_event_id_target")),
    )
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Instant, nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_attempts_delivery_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_delivery_attempts")),
    )


def _columns() -> None:
    op.add_column("users", sa.Column("email", sa.String(length=320)))
    op.add_column("spaces", sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("lanes", sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("jobs", sa.Column("key_id", sa.String(length=36)))
    op.add_column("jobs", sa.Column("serving_name", sa.String(length=36)))
    op.add_column("runs", sa.Column("pinned", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("runs", sa.Column("expires_at", Instant))
    op.add_column("runs", sa.Column("alarm_at", Instant))


def _indexes() -> None:
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_events_job", "events", ["job_id", "at"])
    _partial("ix_events_outbox", "events", ["at"], "routed_at IS NULL")
    op.create_index(op.f("ix_inbox_event_id"), "inbox", ["event_id"])
    op.create_index("ix_inbox_user", "inbox", ["user_id", "at", "event_id"])
    op.create_index(op.f("ix_deliveries_channel_id"), "deliveries", ["channel_id"])
    _partial("ix_deliveries_due", "deliveries", ["next_attempt_at"], "next_attempt_at IS NOT NULL")
    op.create_index(op.f("ix_jobs_key_id"), "jobs", ["key_id"])
    op.create_index("uq_jobs_serving_name", "jobs", ["serving_name"], unique=True)
    _partial("ix_runs_ended", "runs", ["job_id", "finished_at"], "finished_at IS NOT NULL")
    _partial("ix_runs_expiring", "runs", ["expires_at"], "expires_at IS NOT NULL")
    _partial("ix_runs_alarms", "runs", ["alarm_at"], "alarm_at IS NOT NULL")
    op.drop_index("ix_lanes_ready", "lanes")
    not_paused = "paused = 0" if op.get_bind().dialect.name == "sqlite" else "NOT paused"
    _partial("ix_lanes_ready", "lanes", ["head"], f"queued > 0 AND running < max_running AND {not_paused}")


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
