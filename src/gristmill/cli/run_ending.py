"""What a command shows of a run that has ended: its predictions, where its result is, or why it failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gristmill.cli.output import Column, Form, at
from gristmill.cli.run_state import judge, place_of

if TYPE_CHECKING:
    from gristmill.cli.client import Json
    from gristmill.cli.command import Session

_LAST_LINES = 20
_MOST_ROWS_ON_A_TERMINAL = 100
LISTED = (
    Column("ID", "metadata.id"),
    Column("NAME", "metadata.name"),
    Column("STATE", "entity.scoring.status.state"),
    Column("DEPLOYMENT", "entity.deployment.id"),
    Column("ROWS", "entity.scoring.status.progress.rows_done"),
    Column("REJECTED", "entity.scoring.status.rows.rejected"),
    Column("CREATED", "metadata.created_at"),
    Column("ENDED", "entity.scoring.status.completed_at"),
)
SHOWN = (
    *LISTED,
    Column("STARTED", "entity.scoring.status.running_at"),
    Column("HARDWARE", "entity.hardware_spec.name"),
    Column("JOB", "entity.platform_job.job_id"),
    Column("RUN", "entity.platform_job.run_id"),
    Column("OF ROWS", "entity.scoring.status.progress.rows_total"),
    Column("ROWS A SECOND", "entity.scoring.status.progress.rows_per_second"),
    Column("PROBABLE END", "entity.scoring.status.progress.estimated_end"),
    Column("SCORED", "entity.scoring.status.rows.scored"),
    Column("NOT ATTEMPTED", "entity.scoring.status.rows.not_attempted"),
    Column("RESULT", "entity.scoring.output_data_reference.location.name"),
    Column("RESULT ID", "entity.scoring.output_data_reference.location.id"),
    Column("SCHEMA", "entity.scoring.output_data_reference.location.schema_name"),
    Column("TABLE", "entity.scoring.output_data_reference.location.table_name"),
    Column("BUCKET", "entity.scoring.output_data_reference.location.bucket"),
    Column("FILE", "entity.scoring.output_data_reference.location.file_name"),
    Column("MESSAGE", "entity.scoring.status.message.text"),
)


def end(session: Session, run_id: str, status: Json) -> None:
    """Show a run that has ended.

    Raises:
        CommandFailed: it failed or was canceled; the exit code tells which.

    """
    document = session.client.get(f"/ml/v4/deployment_jobs/{run_id}")
    completed = status["state"] == "completed"
    tables = at(document, "entity.scoring.predictions") if completed else None
    if session.screen.form is Form.TABLE and tables:
        for table in tables:
            _predictions(session, table)
    elif completed or session.screen.form is not Form.TABLE:
        session.screen.document(document, SHOWN)
    if rows := status.get("rows"):
        session.screen.remark(rows_said(rows))
    if completed and (warning := at(status, "message.text")):
        session.screen.remark(f"Warning: {warning}")
    if status["state"] == "failed":
        _last_lines(session, document)
    judge(run_id, status["state"], next(iter(at(status, "failure.errors") or []), None))


def rows_said(rows: Json) -> str:
    """Say what became of the rows of a run; what there is none of is left out."""
    others = ((rows["rejected"], "rejected"), (rows["not_attempted"], "not attempted"))
    parts = [f"{rows['scored']:,} scored", *(f"{number:,} {what}" for number, what in others if number)]
    noun = "row" if rows["read"] == 1 else "rows"
    return f"{rows['read']:,} {noun}: {', '.join(parts)}."


def _predictions(session: Session, table: Json) -> None:
    rows = [row if isinstance(row, list) else [row] for row in table.get("values") or []]
    width = max(map(len, rows), default=0)
    titles = [str(field) for field in table.get("fields") or []]
    titles += [str(number) for number in range(len(titles) + 1, width + 1)]
    shown = rows[:_MOST_ROWS_ON_A_TERMINAL] if session.screen.out.isatty() else rows
    session.screen.rows(titles, [_filled(row, len(titles)) for row in shown])
    if len(shown) < len(rows):
        session.screen.remark(f"... and {len(rows) - len(shown)} more; --output json, or a pipe, has all of them.")


def _filled(row: list[Any], width: int) -> list[Any]:
    return row + [None] * (width - len(row))


def _last_lines(session: Session, document: Json) -> None:
    found = session.client.get(f"{place_of(document).path}/logs", limit=_LAST_LINES)
    if found["results"]:
        session.screen.complain("The last lines of its log:")
    for line in found["results"]:
        session.screen.complain(f"  {line}")
