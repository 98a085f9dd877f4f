"""Staging out: what a child left in its run directory, turned into one outcome and into content."""

from __future__ import annotations

import mimetypes
import signal
from collections.abc import Iterator
from pathlib import Path

from gristmill.domain.run import Cause, RunEvent
from gristmill.domain.run_spec import InlineTable, RunResult
from gristmill.engine.staging import output_name
from gristmill.launch.launcher import Ending
from gristmill.service import inline_tables
from gristmill.service.claims import Assignment, Outcome, Publication
from gristmill.service.context import Context
from gristmill_runner import protocol

_FORMAT_MIMES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "jsonl": "application/x-ndjson"}


def harvest(context: Context, assignment: Assignment, directory: Path, ending: Ending, *, canceled: bool) -> Outcome:
    """Return how the run ended; results and log are content by then, but belong to nobody until the run is settled."""
    result = protocol.read_result(directory)
    log_key = keep_log(context, directory)
    if result is None:
        return _without_result(ending, canceled=canceled, log_key=log_key)
    kept = RunResult(
        predictions=tuple(_predictions(context, directory, result)),
        rows_read=result.get("rows", {}).get("read"),
        rows_scored=result.get("rows", {}).get("scored"),
        packages={"python": result.get("python", ""), **result.get("packages", {})},
        log_key=log_key,
    )
    publication = _publication(context, assignment, directory, result)
    match result["outcome"]:
        case "completed":
            return Outcome(
                event=RunEvent.SUCCEEDED, result=kept, publication=publication, warning=result.get("warning")
            )
        case "canceled" if canceled:
            return Outcome(event=RunEvent.STOPPED, result=kept)
        case _:
            cause = _cause(result.get("cause") or {"code": "stopped", "message": "The child was told to stop."})
            return Outcome(event=RunEvent.ERRED, cause=cause, result=kept, publication=publication)


def keep_log(context: Context, directory: Path) -> str | None:
    """Move the run's log into the content store; None where the run said nothing."""
    log = directory / protocol.LOG
    if not log.exists() or log.stat().st_size == 0:
        return None
    return context.content.put_file(log).key


def content_keys(outcome: Outcome) -> list[str]:
    """Return the keys of the content that an outcome brought."""
    keys = outcome.result.content_keys() if outcome.result else []
    return [*keys, *([outcome.publication.stored.key] if outcome.publication else [])]


def _predictions(context: Context, directory: Path, result: protocol.Result) -> Iterator[InlineTable]:
    for table in result.get("predictions", []):
        described = InlineTable(rows=table["rows"], fields=table.get("fields"), members=table.get("members", {}))
        with (directory / table["path"]).open("rb") as lines:
            yield inline_tables.keep_file(context, described, lines)


def _publication(
    context: Context, assignment: Assignment, directory: Path, result: protocol.Result
) -> Publication | None:
    outputs = result.get("outputs", [])
    reference = assignment.spec.output_reference
    if not outputs or reference is None:
        return None
    path = directory / outputs[0]
    name = output_name(assignment.spec)
    return Publication(
        name=name,
        description=str((reference.get("location") or {}).get("description") or ""),
        mime=_mime(assignment, name),
        stored=context.content.put_file(path),
    )


def _mime(assignment: Assignment, name: str) -> str:
    if assignment.spec.kind in {"python_script", "r_script"}:
        return "application/zip"
    return mimetypes.guess_type(name)[0] or _FORMAT_MIMES["csv"]


def _cause(cause: protocol.Cause) -> Cause:
    return Cause(code=cause["code"], message=cause["message"], traceback=cause.get("traceback"))


def _without_result(ending: Ending, *, canceled: bool, log_key: str | None) -> Outcome:
    kept = RunResult(log_key=log_key)
    if canceled:
        return Outcome(event=RunEvent.STOPPED, result=kept)
    return Outcome(event=RunEvent.ERRED, cause=_killed(ending), result=kept)


def _killed(ending: Ending) -> Cause:
    if ending.out_of_memory:
        return Cause(code="out_of_memory", message="The run needed more memory than its hardware specification has.")
    match ending.signal:
        case None:
            message = f"The process exited with code {ending.exit_code} and left no result."
            return Cause(code="process_exited", message=message)
        case signal.SIGSEGV:
            message = "The process died of a segmentation fault (SIGSEGV): native code of a library failed."
            return Cause(code="segmentation_fault", message=message)
        case signal.SIGKILL:
            message = "The process was killed (SIGKILL), as the kernel does when the machine is out of memory."
            return Cause(code="killed", message=message)
        case number:
            return Cause(code="killed", message=f"The process died of signal {signal.Signals(number).name}.")
