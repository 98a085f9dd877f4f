"""Labels and environments of workers, and the labels that the run at the head of a lane asks for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gristmill.store.column_types import Document

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns with defaults, so that servers of the version before go on; let the head tell its labels."""
    op.add_column("runs", sa.Column("labels", sa.Text(), server_default="", nullable=False))
    op.add_column("workers", sa.Column("labels", sa.Text(), server_default="", nullable=False))
    op.add_column("workers", sa.Column("environments", Document, server_default="[]", nullable=False))
    op.add_column("lanes", sa.Column("head_labels", sa.Text()))
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _SQLITE if sqlite else _POSTGRESQL:
        op.execute(statement)


_JOINS_QUEUE = """
UPDATE lanes SET queued = queued + 1,
    head_millicores = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.millicores ELSE head_millicores END,
    head_memory_bytes = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.memory_bytes ELSE head_memory_bytes END,
    head_labels = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.labels ELSE head_labels END,
    head = CASE WHEN head IS NULL OR head > NEW.place THEN NEW.place ELSE head END
WHERE id = NEW.lane_id;
"""
_LEAVES_QUEUE = """
UPDATE lanes SET queued = queued - 1, (head, head_millicores, head_memory_bytes, head_labels) = (
    SELECT place, millicores, memory_bytes, labels FROM runs WHERE lane_id = OLD.lane_id AND state = 'queued'
    ORDER BY place LIMIT 1
) WHERE id = OLD.lane_id;
"""
_TRIGGERS = {
    "runs_created": ("AFTER INSERT ON runs WHEN NEW.state = 'queued'", _JOINS_QUEUE),
    "runs_returned": (
        "AFTER UPDATE OF state ON runs WHEN NEW.state = 'queued' AND OLD.state <> 'queued'",
        _JOINS_QUEUE,
    ),
    "runs_left": ("AFTER UPDATE OF state ON runs WHEN OLD.state = 'queued' AND NEW.state <> 'queued'", _LEAVES_QUEUE),
    "runs_removed": ("AFTER DELETE ON runs WHEN OLD.state = 'queued'", _LEAVES_QUEUE),
}
_SQLITE = tuple(
    statement
    for name, (when, body) in _TRIGGERS.items()
    for statement in (f"DROP TRIGGER {name}", f"CREATE TRIGGER {name} {when} BEGIN {body} END")
)
_POSTGRESQL = tuple(
    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
    for name, (_, body) in _TRIGGERS.items()
)
