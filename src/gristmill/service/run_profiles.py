"""Profiles of results: compared with the run of the same job before, and shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gristmill.domain import profile
from gristmill.domain.job import JobKind
from gristmill.domain.row_totals import RowTotals
from gristmill.domain.run import Run
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.domain.user import Actor
from gristmill.service import runs as run_service
from gristmill.service.context import Context
from gristmill.store import jobs, runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """With which run a profile was compared, and what has jumped since."""

    run_id: str
    run_name: str
    finished_at: str | None
    findings: Sequence[str]

    @property
    def warning(self) -> str | None:
        """What the run tells of it."""
        ended = f" ({self.finished_at[:16].replace('T', ' ')} UTC)" if self.finished_at else ""
        return profile.warning(self.findings, since=f"the run before{ended}")

    def document(self) -> dict[str, Any]:
        """Return the document that the run's result keeps."""
        return {**asdict(self), "findings": list(self.findings)}


def compared(
    context: Context, run: Run, spec: RunSpec, found: Sequence[Mapping[str, Any]], *, rows: RowTotals
) -> Compared | None:
    """Compare a profile with that of the newest earlier completed run of the job.

    None where there is nothing to compare: no such run, or one without a profile; previews and runs of rejected rows;
    and what was submitted to a deployment by itself, because nobody said that it is like the one before.
    """
    if not found or spec.row_limit is not None or spec.rejected_of is not None:
        return None
    with context.database.snapshot() as connection:
        job = jobs.get(connection, run.job_id)
        before = runs.completed_before(connection, run) if job and job.kind is not JobKind.DEFAULT else None
    # Of rejected rows alone, too, there is none: `row_harvest` keeps it out.
    if before is None or not before[1].profile:
        return None
    earlier, left = before
    findings = profile.compare(found, left.profile, rows=rows.read, rows_before=earlier.rows_read or 0)
    ended = earlier.finished_at.isoformat() if earlier.finished_at else None
    return Compared(run_id=earlier.id, run_name=earlier.name, finished_at=ended, findings=findings)


def of_run(context: Context, actor: Actor, job_id: str, run_id: str) -> RunResult:
    """Return what a run left, with its profile; nothing while it works."""
    return run_service.get(context, actor, job_id, run_id).result or RunResult()
