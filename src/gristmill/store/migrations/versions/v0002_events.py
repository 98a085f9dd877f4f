"""Events and deliveries; keys of schedules, pauses of spaces, counts of runs, what retention and alarms look for."""

from __future__ import annotations

import secrets
import uuid

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from gristmill.store.column_types import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


# Runs that ended before this version knew when they go.
_EXPIRES_SQLITE = """
UPDATE runs SET expires_at = strftime('%Y-%m-%d %H:%M:%f000', finished_at, '+' || retention_days || ' days')
WHERE finished_at IS NOT NULL AND retention_days >= 0
"""
_EXPIRES_POSTGRESQL = """
UPDATE runs SET expires_at = finished_at + make_interval(days => retention_days)
WHERE finished_at IS NOT NULL AND retention_days >= 0
"""


def upgrade() -> None:
    """Add the tables of events, then columns and indexes of tables that are there, then the counts of runs."""
    _events()
    _deliveries()
    _columns()
    _indexes()
    _schedule_keys()
    _run_counts()


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
        sa.Column("audience", Document),
        sa.Column("routed_at", Instant),
        sa.CheckConstraint(
            "kind IN ('started', 'succeeded', 'warned', 'failed', 'canceled', 'long_running', 'not_started', "
            "'tick_missed', 'tick_refused', 'tick_overlapped', 'schedule_broken', 'undelivered')",
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
    op.execute(_EXPIRES_SQLITE if op.get_bind().dialect.name == "sqlite" else _EXPIRES_POSTGRESQL)
    op.add_column("runs", sa.Column("alarm_at", Instant))
    _capacities()


def _capacities() -> None:
    """Let the head of a lane tell what it reserves; runs that wait already reserve nothing."""
    op.add_column("runs", sa.Column("millicores", sa.Integer(), server_default="0", nullable=False))
    op.add_column("runs", sa.Column("memory_bytes", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("workers", sa.Column("millicores", sa.Integer()))
    op.add_column("workers", sa.Column("memory_bytes", sa.BigInteger()))
    op.add_column("lanes", sa.Column("head_millicores", sa.Integer()))
    op.add_column("lanes", sa.Column("head_memory_bytes", sa.BigInteger()))
    op.execute("UPDATE lanes SET head_millicores = 0, head_memory_bytes = 0 WHERE head IS NOT NULL")
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _HEADS_SQLITE if sqlite else _HEADS_POSTGRESQL:
        op.execute(statement)


_JOINS_QUEUE = """
UPDATE lanes SET queued = queued + 1,
    head_millicores = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.millicores ELSE head_millicores END,
    head_memory_bytes = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.memory_bytes ELSE head_memory_bytes END,
    head = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.place ELSE head END
WHERE id = NEW.lane_id;
"""
_LEAVES_QUEUE = """
UPDATE lanes SET queued = queued - 1, (head, head_millicores, head_memory_bytes) = (
    SELECT place, millicores, memory_bytes FROM runs WHERE lane_id = OLD.lane_id AND state = 'queued'
    ORDER BY place LIMIT 1
) WHERE id = OLD.lane_id;
"""
_QUEUE_TRIGGERS = {
    "runs_created": ("AFTER INSERT ON runs WHEN NEW.state = 'queued'", _JOINS_QUEUE),
    "runs_returned": (
        "AFTER UPDATE OF state ON runs WHEN NEW.state = 'queued' AND OLD.state <> 'queued'",
        _JOINS_QUEUE,
    ),
    "runs_left": ("AFTER UPDATE OF state ON runs WHEN OLD.state = 'queued' AND NEW.state <> 'queued'", _LEAVES_QUEUE),
    "runs_removed": ("AFTER DELETE ON runs WHEN OLD.state = 'queued'", _LEAVES_QUEUE),
}
_HEADS_SQLITE = tuple(
    statement
    for name, (when, body) in _QUEUE_TRIGGERS.items()
    for statement in (f"DROP TRIGGER {name}", f"CREATE TRIGGER {name} {when} BEGIN {body} END")
)
_HEADS_POSTGRESQL = tuple(
    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
    for name, (_, body) in _QUEUE_TRIGGERS.items()
)


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
    not_pinned = "pinned = 0" if op.get_bind().dialect.name == "sqlite" else "NOT pinned"
    ended = f"finished_at IS NOT NULL AND retention_days IS NULL AND {not_pinned}"
    _partial("ix_runs_ended", "runs", ["job_id", "finished_at", "place"], ended)
    _partial("ix_runs_expiring", "runs", ["expires_at"], f"expires_at IS NOT NULL AND {not_pinned}")
    _partial("ix_runs_alarms", "runs", ["alarm_at"], "alarm_at IS NOT NULL")
    op.drop_index("ix_jobs_space", "jobs")
    op.create_index("ix_jobs_space", "jobs", ["space_id", "deleted_at", "created_at", "id"])
    _partial("ix_jobs_deleting", "jobs", ["deleted_at"], "deleted_at IS NOT NULL")
    op.drop_index("ix_runs_waiting", "runs")
    op.create_index("ix_runs_lane", "runs", ["lane_id", "state", "place"])
    op.create_index("ix_runs_space_state", "runs", ["space_id", "state", "place"])
    op.create_index("ix_runs_job_state", "runs", ["job_id", "state", "place", "deleted_at"])
    op.drop_index("ix_lanes_ready", "lanes")
    not_paused = "paused = 0" if op.get_bind().dialect.name == "sqlite" else "NOT paused"
    _partial("ix_lanes_ready", "lanes", ["head"], f"queued > 0 AND running < max_running AND {not_paused}")


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _run_counts() -> None:
    op.create_table(
        "run_counts",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("space_id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("job_id", "state", "shard", name=op.f("pk_run_counts")),
        sqlite_with_rowid=False,
        # PostgreSQL: room on the page, so that an update needs no new entries in the indexes.
        postgresql_with={"fillfactor": 50},
    )
    op.create_index("ix_run_counts_space", "run_counts", ["space_id", "state"])
    _partial("ix_run_counts_shards", "run_counts", ["job_id"], "shard <> 0")
    op.execute(
        f"{_ADD} SELECT job_id, state, 0, space_id, count(*) FROM runs "  # noqa: S608 - ours, from below
        "WHERE deleted_at IS NULL GROUP BY job_id, state, space_id"
    )
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)


_ADD = "INSERT INTO run_counts (job_id, state, shard, space_id, number)"
_TO_WHAT_IS_THERE = "ON CONFLICT (job_id, state, shard) DO UPDATE SET number = run_counts.number + excluded.number"


def _sqlite_one(row: str, number: int) -> str:
    return (
        f"{_ADD} SELECT {row}.job_id, {row}.state, 0, {row}.space_id, {number} WHERE {row}.deleted_at IS NULL "
        f"{_TO_WHAT_IS_THERE};"
    )


_SQLITE = (
    f"CREATE TRIGGER runs_counted_in AFTER INSERT ON runs BEGIN {_sqlite_one('NEW', 1)} END",
    f"CREATE TRIGGER runs_counted_out AFTER DELETE ON runs BEGIN {_sqlite_one('OLD', -1)} END",
    "CREATE TRIGGER runs_counted_over AFTER UPDATE OF state, deleted_at ON runs "
    "WHEN OLD.state <> NEW.state OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL) "
    f"BEGIN {_sqlite_one('OLD', -1)} {_sqlite_one('NEW', 1)} END",
)


def _postgresql_trigger(name: str, when: str, source: str) -> tuple[str, str]:
    body = f"{_ADD} {source} {_TO_WHAT_IS_THERE}; RETURN NULL;"
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$",
        f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()",
    )


def _postgresql_many(rows: str, number: str) -> str:
    return (
        f"SELECT job_id, state, pg_backend_pid(), space_id, {number} FROM {rows} "  # noqa: S608 - ours, from below
        "WHERE deleted_at IS NULL GROUP BY job_id, state, space_id"
    )


# Many rows come and go in one statement, and are counted in one; a state changes for one run at a time.
_POSTGRESQL = (
    *_postgresql_trigger(
        "runs_counted_in",
        "AFTER INSERT ON runs REFERENCING NEW TABLE AS added FOR EACH STATEMENT",
        _postgresql_many("added", "count(*)"),
    ),
    *_postgresql_trigger(
        "runs_counted_out",
        "AFTER DELETE ON runs REFERENCING OLD TABLE AS removed FOR EACH STATEMENT",
        _postgresql_many("removed", "-count(*)"),
    ),
    *_postgresql_trigger(
        "runs_counted_over",
        "AFTER UPDATE OF state, deleted_at ON runs FOR EACH ROW "
        "WHEN (OLD.state <> NEW.state OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))",
        "SELECT NEW.job_id, moved.state, pg_backend_pid(), NEW.space_id, moved.number "
        "FROM (VALUES (OLD.state, -1, OLD.deleted_at), (NEW.state, 1, NEW.deleted_at)) "
        "AS moved (state, number, deleted_at) WHERE moved.deleted_at IS NULL",
    ),
)


def _schedule_keys() -> None:
    """Make the keys of schedules that were set before schedules had one, for whoever set them."""
    names = ("id", "user_id", "name", "hint", "digest")
    keys = sa.table("api_keys", *(sa.column(name) for name in names), sa.column("created_at", Instant))
    jobs = sa.table("jobs", *(sa.column(name) for name in ("id", "name", "scheduler_id", "key_id", "deleted_at")))
    at, users = sa.column("modified_at", Instant), sa.table("users", sa.column("id"))
    query = sa.select(jobs.c.id, jobs.c.name, jobs.c.scheduler_id, at).where(jobs.c.deleted_at.is_(None))
    for job in op.get_bind().execute(query.where(jobs.c.scheduler_id.in_(sa.select(users.c.id)))).all():
        key_id, name = str(uuid.uuid4()), f"Schedule of {job.name}"[:255]
        values = (key_id, job.scheduler_id, name, "", secrets.token_hex(32), job.modified_at)
        op.get_bind().execute(keys.insert().values(dict(zip((*names, "created_at"), values, strict=True))))
        op.get_bind().execute(jobs.update().where(jobs.c.id == job.id).values(key_id=key_id))
