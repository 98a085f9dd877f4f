"""Staging out: what a child left in its run directory, turned into one outcome and into content."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gristmill.content.content import Stored
from gristmill.domain import file_format
from gristmill.domain.run import MAX_ATTEMPTS, REPEATABLE_KINDS, Cause, RunEvent
from gristmill.domain.run_spec import InlineTable, NodeResult, ResultFile, RunResult
from gristmill.engine import free_disk, row_harvest, run_files
from gristmill.engine.flow_harvest import nodes_of
from gristmill.engine.output_place import is_asset, output_name, output_path
from gristmill.engine.run_files import RunFiles
from gristmill.launch.launcher import Ending
from gristmill.service import inline_tables
from gristmill.service.claims import Assignment, Outcome, Publication
from gristmill.service.context import Context
from gristmill_runner import protocol
from gristmill_runner.failure import NO_ROOM


@dataclass(frozen=True, slots=True)
class _Left:
    """What a run left, kept as content: its log, its files, and what becomes a data asset."""

    log_key: str | None
    files: tuple[ResultFile, ...] = ()
    publication: Publication | None = None
    nodes: tuple[NodeResult, ...] = ()

    def result(self, result: RunResult | None = None) -> RunResult:
        return replace(result or RunResult(), log_key=self.log_key, files=self.files, nodes=self.nodes)


def harvest(context: Context, assignment: Assignment, directory: Path, ending: Ending, *, canceled: bool) -> Outcome:
    """Return how the run ended; results and log are content by then, but belong to nobody until the run is settled."""
    spec, result = assignment.spec, row_harvest.judged(assignment.spec, protocol.read_result(directory))
    left = _left(context, assignment, directory, result, canceled=canceled)
    if result is None:
        outcome = _without_result(ending, left, canceled=canceled)
    else:
        outcome = _with_result(context, assignment, directory, ending, result=result, left=left, canceled=canceled)
    if result is not None and outcome.event is RunEvent.SUCCEEDED:
        return row_harvest.completed(context, assignment, directory, outcome=outcome, result=result)
    return row_harvest.with_kept_rows(context, spec, directory, outcome)


def _with_result(  # all that is known of a run
    context: Context,
    assignment: Assignment,
    directory: Path,
    ending: Ending,
    *,
    result: protocol.Result,
    left: _Left,
    canceled: bool,
) -> Outcome:
    kept = left.result(
        replace(
            row_harvest.described(result),
            predictions=tuple(_predictions(context, directory, result)),
            packages={"python": result.get("python", ""), **result.get("packages", {})},
        )
    )
    ended = Outcome(
        event=RunEvent.SUCCEEDED,
        result=kept,
        publication=left.publication,
        rows=row_harvest.counted(assignment.spec, result),
    )
    match result["outcome"]:
        case "completed":
            return replace(ended, warning=result.get("warning"))
        case "canceled" if canceled:
            return replace(ended, event=RunEvent.STOPPED)
        case _:
            cause = _cause(result.get("cause") or {"code": "stopped", "message": "The child was told to stop."})
            if ending.out_of_memory and cause.code != "out_of_memory":
                cause = _short_of_memory(ending, cause)
            return replace(ended, event=RunEvent.ERRED, cause=cause)


def timed_out(context: Context, assignment: Assignment, directory: Path) -> Outcome:
    """Return the outcome of a run that was ended because its time was over; what it said and left is kept."""
    message = f"The run worked for longer than its time limit of {assignment.spec.timeout_seconds} s and was ended."
    left = _left(context, assignment, directory, None, canceled=True)
    cause = Cause(code="timed_out", message=message)
    told = protocol.read_result(directory) if assignment.spec.kind == "model" else None
    result = left.result(row_harvest.described(told) if told else None)
    rows = row_harvest.counted(assignment.spec, told) if told else None
    outcome = Outcome(event=RunEvent.ERRED, cause=cause, result=result, publication=left.publication, rows=rows)
    return row_harvest.with_kept_rows(context, assignment.spec, directory, outcome)


def disk_full(context: Context, assignment: Assignment, directory: Path, *, limit_bytes: int) -> Outcome:
    """Return the outcome of a run that was ended because it filled the disk; what it said is kept, its files not."""
    message = (
        f"The run had more than {limit_bytes / 2**20:,.0f} MiB on disk, its inputs and outputs included, and was "
        "ended. The administrator can raise GRISTMILL_RUN_DISK_BYTES."
    )
    nodes = nodes_of(context, assignment.spec, directory, canceled=True, save=False)
    result = RunResult(log_key=keep_log(context, directory), nodes=nodes)
    return Outcome(event=RunEvent.ERRED, cause=Cause(code="disk_full", message=message), result=result)


def no_room(context: Context, directory: Path) -> Outcome:
    """Return the outcome of user code that ended on a full disk; what it said is kept if there is room for that."""
    message = (
        "The disk was full when the run's code ended: what it said is kept, not what it left. It is not repeated "
        "unasked; submit it again when there is room."
    )
    try:
        log_key = keep_log(context, directory)
    except OSError:
        log_key = None
    cause = Cause(code=NO_ROOM, message=message)
    return Outcome(event=RunEvent.ERRED, cause=cause, result=RunResult(log_key=log_key))


def met_full_disk(assignment: Assignment, directory: Path, ending: Ending) -> bool:
    """Tell whether a child ended because the disk itself is full, which is to cost its run an attempt, not more.

    What says itself that it found no room fails with that where it cannot be repeated, or need not be tried again.
    """
    result = protocol.read_result(directory)
    if result is None:
        # There may be room again by now, because others have ended, too.
        return ending.exit_code == protocol.EXIT_NO_ROOM or free_disk.is_full(directory.parent)
    again = assignment.spec.kind in REPEATABLE_KINDS and assignment.run.attempt < MAX_ATTEMPTS
    return again and result.get("cause", {}).get("code") == NO_ROOM


def keep_log(context: Context, directory: Path) -> str | None:
    """Move the run's log into the content store; None where the run said nothing."""
    log = directory / protocol.LOG
    if log.is_symlink() or not log.is_file() or log.stat().st_size == 0:
        return None
    return context.content.put_file(log).key


def output_file(context: Context, assignment: Assignment, directory: Path) -> Path | None:
    """Return the file of a completed run that goes behind a connection, None where the run left none."""
    if assignment.spec.kind in run_files.KINDS:
        return RunFiles(context, directory, output_path=output_path(assignment)).main_path()
    outputs = (protocol.read_result(directory) or {}).get("outputs", [])
    return _inside(directory, outputs[0]) if outputs else None


def content_keys(outcome: Outcome) -> list[str]:
    """Return the keys of the content that an outcome brought."""
    keys = outcome.result.content_keys() if outcome.result else []
    return [*keys, *([outcome.publication.stored.key] if outcome.publication else [])]


def _predictions(context: Context, directory: Path, result: protocol.Result) -> Iterator[InlineTable]:
    for table in result.get("predictions", []):
        described = InlineTable(rows=table["rows"], fields=table.get("fields"), members=table.get("members", {}))
        with _inside(directory, table["path"]).open("rb") as lines:
            yield inline_tables.keep_file(context, described, lines)


def _left(
    context: Context, assignment: Assignment, directory: Path, result: protocol.Result | None, *, canceled: bool
) -> _Left:
    """Keep what the run left: of user code all of its files, however it ended, of a model what it calls its output."""
    spec, log_key = assignment.spec, keep_log(context, directory)
    if spec.kind not in run_files.KINDS:
        # Of a model or a function nothing is published by halves.
        outputs = result.get("outputs", []) if result and result["outcome"] == "completed" else []
        stored = _taken_in(context, directory, outputs[0]) if outputs and is_asset(spec) else None
        mime = file_format.mime_of_output(output_name(assignment))
        files = row_harvest.files(context, directory) if spec.kind == "model" else ()
        return _Left(log_key, files, publication=_publication(assignment, mime, stored) if stored else None)
    # What is not published behind a connection after all is kept with the run.
    asked = is_asset(spec) or (result is not None and result["outcome"] == "completed")
    left = RunFiles(context, directory, output_path=output_path(assignment) if asked else None)
    main = left.main() if is_asset(spec) else None
    nodes = nodes_of(context, spec, directory, canceled=canceled)
    return _Left(log_key, left.all(), _publication(assignment, *main) if main else None, nodes)


def _taken_in(context: Context, directory: Path, name: str) -> Stored:
    """Move an output that is to be an asset into the content store."""
    # What is staged is a second name of it, from which another attempt goes on if this one is killed before its end.
    return context.content.put_file(_inside(directory, name), own_names=2)


def _inside(directory: Path, name: str) -> Path:
    """Return a file that the run names; user code could name one of the server's.

    Raises:
        FileNotFoundError: it is not a plain file of the run directory.

    """
    path, place = (directory / name).resolve(), directory.resolve()
    if not path.is_relative_to(place) or not path.is_file():
        raise FileNotFoundError(f"the run named {name!r}, which is no file of its directory")
    return path


def _publication(assignment: Assignment, mime: str, stored: Stored) -> Publication:
    location = (assignment.spec.output_reference or {}).get("location") or {}
    name, description = output_name(assignment), str(location.get("description") or "")
    return Publication(name=name, description=description, mime=mime, stored=stored)


def _cause(cause: protocol.Cause) -> Cause:
    return Cause(code=cause["code"], message=cause["message"], traceback=cause.get("traceback"))


def _without_result(ending: Ending, left: _Left, *, canceled: bool) -> Outcome:
    if canceled:
        return Outcome(event=RunEvent.STOPPED, result=left.result(), publication=left.publication)
    return Outcome(event=RunEvent.ERRED, cause=_killed(ending), result=left.result(), publication=left.publication)


def _short_of_memory(ending: Ending, told: Cause) -> Cause:
    """Return the cause of a run of which the kernel ended a process; which node of a flow that was is still told."""
    cause = replace(_out_of_memory(ending), traceback=told.traceback)
    return replace(cause, message=f"{cause.message} {told.message}") if told.code == "node_failed" else cause


def _out_of_memory(ending: Ending) -> Cause:
    peak = f" It held {ending.peak_bytes / 2**20:,.0f} MiB at its peak." if ending.peak_bytes else ""
    message = f"The run needed more memory than its hardware specification has.{peak}"
    return Cause(code="out_of_memory", message=message)


def _killed(ending: Ending) -> Cause:
    if ending.out_of_memory:
        return _out_of_memory(ending)
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
