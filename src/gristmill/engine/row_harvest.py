"""Staging out of a model: its rows are accounted for, what it tells of them becomes warnings, what it did is kept."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from gristmill.domain.error_threshold import ErrorThreshold
from gristmill.domain.preview import estimate
from gristmill.domain.row_totals import RowTotals, mismatch, rejection_warning, totals
from gristmill.domain.run import RunEvent
from gristmill.domain.run_spec import ResultFile, RunResult, RunSpec
from gristmill.engine import kept_rows
from gristmill.engine.heard import until_heard
from gristmill.engine.run_files import RunFiles
from gristmill.engine.scorers import scorers
from gristmill.launch.run_log import Masks
from gristmill.service import run_profiles
from gristmill.service.claims import Assignment, Outcome
from gristmill.service.context import Context
from gristmill_runner import protocol

COUNTED = frozenset({"model", "function"})
"""Kinds that count rows; notebooks and flows count something else."""
_MODEL = "model"
_MOST_REJECTIONS = 20
_MOST_COLUMNS = 1_000


def judged(spec: RunSpec, result: protocol.Result | None) -> protocol.Result | None:
    """Return what a child says, held against its own numbers: a model's run whose rows do not add up has failed."""
    if result is None or spec.kind != _MODEL or result["outcome"] != "completed":
        return result
    why = mismatch(result.get("rows", {}), ErrorThreshold.of(spec.error_threshold))
    if why is None:
        return result
    failed: protocol.Result = {**result, "outcome": "failed", "outputs": [], "predictions": []}
    failed["cause"] = {"code": "ledger_mismatch", "message": f"{why} Nothing was published."}
    return failed


def counted(spec: RunSpec, result: protocol.Result) -> RowTotals | None:
    """Return the rows of a run that counts them, where they add up."""
    return totals(result.get("rows", {})) if spec.kind in COUNTED else None


def described(result: protocol.Result) -> RunResult:
    """Return what a child tells of its rows and columns, no more than a run should keep."""
    rows = result.get("rows", {})
    return RunResult(
        rows_read=rows.get("read"),
        rows_scored=rows.get("scored"),
        rows_resumed=rows.get("resumed"),
        rejections=tuple(dict(each) for each in result.get("rejections", [])[:_MOST_REJECTIONS]),
        profile=tuple(dict(each) for each in result.get("profile", [])[:_MOST_COLUMNS]),
        columns=tuple(dict(each) for each in result.get("fields", [])[:_MOST_COLUMNS]),
    )


def completed(
    context: Context, assignment: Assignment, directory: Path, *, outcome: Outcome, result: protocol.Result
) -> Outcome:
    """Add the warnings of a completed run: rejected rows, and a profile that has jumped; and what a preview found."""
    spec, rows, kept = assignment.spec, outcome.rows, outcome.result
    if spec.kind != _MODEL or rows is None or kept is None:
        return outcome
    quarantine = next((file.name for file in kept.files if file.name.startswith(protocol.REJECTED)), None)
    # The run has ended: a database that is away for a moment must not cost it its outcome.
    ask = partial(run_profiles.compared, context, assignment.run, spec, kept.profile, rows=rows)
    compared = until_heard(ask, run_id=assignment.run.id, what="compared")
    jumped = compared.warning if compared else None
    warnings = [outcome.warning, rejection_warning(rows, kept.rejections, quarantine), jumped]
    preview = _preview(spec, directory, result, rows) if spec.row_limit is not None else None
    # What was scored after the rest is not like a whole run: the next one must not be compared with it.
    profile = () if spec.rejected_of else kept.profile
    kept = replace(kept, compared=compared.document() if compared else None, preview=preview, profile=profile)
    return replace(outcome, result=kept, warning=" ".join(filter(None, warnings)) or None)


def with_kept_rows(context: Context, spec: RunSpec, directory: Path, outcome: Outcome) -> Outcome:
    """Keep what a model's run had done that does not complete, and let its message tell of it."""
    if spec.kind != _MODEL or spec.row_limit is not None:
        return outcome
    outcome = outcome if outcome.rows else replace(outcome, rows=kept_rows.totals(directory))
    kept = kept_rows.keep(context, directory)
    if kept is None:
        return outcome
    result = replace(outcome.result or RunResult(), kept_rows=kept)
    if outcome.event is RunEvent.ERRED and outcome.cause is not None:
        cause = replace(outcome.cause, message=f"{outcome.cause.message} {kept.said()}")
        return replace(outcome, result=result, cause=cause)
    return replace(outcome, result=result, warning=" ".join(filter(None, [outcome.warning, kept.said()])))


def masked(result: RunResult, masks: Masks) -> RunResult:
    """Return a result without secrets in why its rows were rejected."""
    texts = ("reason", "value")
    rejections = [
        {**each, **{name: masks.masked(str(each[name])) for name in texts if each.get(name)}}
        for each in result.rejections
    ]
    return replace(result, rejections=tuple(rejections))


def files(context: Context, directory: Path) -> tuple[ResultFile, ...]:
    """Return the files of a model's run: its rejected rows, however it ended."""
    return RunFiles(context, directory, output_path=None).all()


def _preview(spec: RunSpec, directory: Path, result: protocol.Result, rows: RowTotals) -> dict[str, Any]:
    """Return what a preview found; its seconds are those from the staged specification to the result."""
    begun, ended = ((directory / name).stat().st_mtime for name in (protocol.SPEC, protocol.RESULT))
    whole = sum(table.rows for table in spec.inline) if spec.inline else result.get("input_rows")
    seconds = max(0.0, ended - begun)
    found = estimate(
        rows=rows.done,
        seconds=seconds,
        scoring_seconds=result.get("scoring_seconds"),
        rows_total=whole,
        scorers=scorers(spec),
    )
    return {"row_limit": spec.row_limit, "rows": rows.read, "seconds": round(seconds, 3), "estimate": found}
