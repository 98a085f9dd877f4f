"""Publishing results behind a connection: once and whole, before the run is settled, and again without harm."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from gristmill.data import arrow_file
from gristmill.data.source import DataFailed, FileName, Files, TableName, Tables, WriteMode
from gristmill.domain.data_reference import ConnectedData
from gristmill.domain.run import Cause, RunEvent
from gristmill.domain.run_spec import ResultFile, RunResult
from gristmill.engine import row_harvest
from gristmill.engine.attended import Interrupted, Look, attended
from gristmill.engine.harvest import output_file
from gristmill.engine.output_place import connected_output
from gristmill.engine.run_files import KINDS
from gristmill.service import connected_sources
from gristmill.service.claims import Assignment, Outcome
from gristmill.service.connected_sources import Access
from gristmill.service.context import Context
from gristmill_runner import protocol
from gristmill_runner.scoring.staged import OUTPUT

_ARCHIVE_NAME = "outputs.zip"


def is_due(assignment: Assignment, outcome: Outcome) -> bool:
    """Tell whether the run went well and has results that go behind a connection."""
    return assignment.spec.connected_output is not None and outcome.event is RunEvent.SUCCEEDED


def announcement(assignment: Assignment, directory: Path) -> str | None:
    """Return the last line of the log of a run whose results are to be written next."""
    result = protocol.read_result(directory)
    if assignment.spec.connected_output is None or result is None or result["outcome"] != "completed":
        return None
    return f"Writing the results to {connected_output(assignment).name}."


def publish(
    context: Context, assignment: Assignment, directory: Path, outcome: Outcome, *, look: Look, must_look: Look
) -> Outcome:
    """Write the results of a run that went well; a failure makes it a run that failed.

    The run's id is the publication, so that another attempt at the same run adds nothing twice. ``look`` interrupts
    as long as nothing has been committed, ``must_look`` always.

    Raises:
        Interrupted: the run is no longer wanted; nothing was written.

    """
    file = output_file(context, assignment, directory)
    if file is None:
        return outcome
    try:
        data = connected_output(assignment)
        access = connected_sources.of_run(context, assignment.run.space_id, data.connection_id)
        location = _Writing(assignment, data, file, access, look=look, must_look=must_look).done()
    except DataFailed as error:
        return unpublished(context, assignment, directory, _failed(context, assignment, outcome, file, error))
    return replace(outcome, result=replace(outcome.result or RunResult(), output_location=location))


def unpublished(context: Context, assignment: Assignment, directory: Path, outcome: Outcome) -> Outcome:
    """Keep the rows of a model whose results were not written, so that a repair has only that left to do."""
    staged = directory / protocol.STAGED / OUTPUT
    file = output_file(context, assignment, directory) if assignment.spec.kind == "model" else None
    if file is not None and staged.parent.is_dir() and not staged.exists():
        # Where the output is what was staged, it has been moved.
        file.replace(staged)
    return row_harvest.with_kept_rows(context, assignment.spec, directory, outcome)


class _Writing:
    """One write at work. It may be interrupted until all of its data is handed over: then it may be committed."""

    def __init__(
        self, assignment: Assignment, data: ConnectedData, file: Path, access: Access, *, look: Look, must_look: Look
    ) -> None:
        self._assignment, self._data, self._file, self._access = assignment, data, file, access
        self._look, self._must_look = look, must_look
        self._lock = threading.Lock()
        self._given_up = False
        self._handed_over = False

    def done(self) -> dict[str, Any]:
        """Write, and return where it is now, in the wire's words."""
        begun = time.monotonic()
        try:
            rows = attended(lambda _unwanted: self._written(), self._look_as_needed)
        except DataFailed as error:
            what = f"{self._data.name} of connection {self._access.name}"
            message = self._access.masked(f"The results cannot be written to {what}: {error.message}")
            raise DataFailed(error.code, message) from error
        found = {"location": self._data.location(), "seconds": round(time.monotonic() - begun, 3)}
        return found if rows is None else {**found, "rows": rows}

    def _look_as_needed(self) -> None:
        with self._lock:
            if self._handed_over:
                self._must_look()
                return
            try:
                self._look()
            except Interrupted:
                self._given_up = True
                raise

    def _written(self) -> int | None:
        with self._access.open() as source:
            if self._data.table is None:
                name = FileName(bucket=self._data.bucket, name=str(self._data.file))
                cast("Files", source).store(name, self._file, self)
                return None
            output = self._assignment.spec.connected_output
            written = cast("Tables", source).write(
                TableName(schema=self._data.schema, table=self._data.table),
                self._batches(),
                schema=arrow_file.schema(self._file),
                mode=cast("WriteMode", output.write_mode if output else "append"),
                publication=self._assignment.run.id,
            )
            return written.rows

    def look(self) -> None:
        """Raise ``Interrupted`` if it has been given up."""
        if self._given_up:
            raise Interrupted

    def commit(self) -> None:
        """Raise ``Interrupted`` if it has been given up, and let nobody do so from now on."""
        with self._lock:
            self.look()
            self._handed_over = True

    def _batches(self) -> Iterator[Any]:
        for batch in arrow_file.read(self._file):
            self.look()
            yield batch
        self.commit()


def _failed(context: Context, assignment: Assignment, outcome: Outcome, file: Path, error: DataFailed) -> Outcome:
    """Return the outcome of a run whose results could not be written; what code left is kept with the run instead."""
    result = outcome.result or RunResult()
    if assignment.spec.kind in KINDS:
        stored = context.content.put_file(file)
        kept = ResultFile(name=_ARCHIVE_NAME, mime="application/zip", size=stored.size, content_key=stored.key)
        result = replace(result, files=(*result.files, kept))
    cause = Cause(code=error.code, message=error.message)
    return replace(outcome, event=RunEvent.ERRED, cause=cause, result=result, warning=None)
