"""The spans of one attempt of a run: its wait in the queue, its stages, and the chunks that its ledger tells of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from gristmill.domain.run import RunEvent
from gristmill.engine.kept_rows import committed_at
from gristmill.service.claims import Assignment, Outcome
from gristmill.service.context import Context
from gristmill.telemetry.traces import Attributes, Span
from gristmill_runner import protocol

_MOST_CHUNKS = 200


class RunTrace:
    """Begins when the run was queued, beneath the request that did so, and ends when it is closed."""

    def __init__(self, context: Context, assignment: Assignment) -> None:
        run = assignment.run
        self._traces = context.traces
        self._failed: str | None = None
        # Of a later attempt nobody knows any more when it was queued again.
        queued_at = run.created_at if run.attempt <= 1 else run.modified_at
        told: Attributes = {
            "id": run.id,
            "job": run.job_id,
            "space": run.space_id,
            "kind": run.kind,
            "attempt": run.attempt,
        }
        self._whole = self._traces.begin(
            "run",
            parent=assignment.spec.traceparent,
            at=queued_at,
            attributes={f"gristmill.run.{name}": value for name, value in told.items()},
        )
        self.traceparent = self._whole.traceparent
        if queued_at < run.modified_at:
            self._traces.begin("queue", parent=self.traceparent, at=queued_at).end(at=run.modified_at)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Have a span for what the block does."""
        span = self._traces.begin(name, parent=self.traceparent)
        try:
            yield
        except BaseException as error:
            span.end(failed=type(error).__name__)
            raise
        span.end()

    @contextmanager
    def child(self, directory: Path) -> Iterator[None]:
        """Have a span for the child at work, and one beneath it for each of the first chunks that it commits."""
        began = datetime.now(UTC)
        span = self._traces.begin("child", parent=self.traceparent, at=began)
        try:
            yield
        finally:
            if self._traces.keeps:
                self._chunks(directory, span, began)
            span.end()

    def ended(self, outcome: Outcome) -> Outcome:
        """Note how it went; return that."""
        if outcome.event is not RunEvent.SUCCEEDED:
            self._failed = outcome.cause.code if outcome.cause else str(outcome.event)
        return outcome

    def close(self) -> None:
        """End the whole."""
        self._whole.end(failed=self._failed)

    def _chunks(self, directory: Path, above: Span, began: datetime) -> None:
        for at, rows in islice(committed_at(directory / protocol.LEDGER, since=began), _MOST_CHUNKS):
            told = {"gristmill.chunk.rows": rows}
            self._traces.begin("score chunk", parent=above.traceparent, at=began, attributes=told).end(at=at)
            began = at
