"""In whose service a thread or task is at work: the request, the run and the span, for log lines and traces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_request: ContextVar[str | None] = ContextVar("request", default=None)
_run: ContextVar[str | None] = ContextVar("run", default=None)
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def request_id() -> str | None:
    """Return the id of the request that is being answered."""
    return _request.get()


def traceparent() -> str | None:
    """Return the W3C ``traceparent`` of the span that this is beneath."""
    return _traceparent.get()


def begin_request(request_id: str, traceparent: str | None = None) -> None:
    """Say whose the rest of this task is; a request has a task of its own, so it ends with that."""
    _request.set(request_id)
    _traceparent.set(traceparent)


@contextmanager
def of_run(run_id: str, traceparent: str | None = None) -> Iterator[None]:
    """Say which run this thread is at while the block lasts."""
    tokens = _run.set(run_id), _traceparent.set(traceparent)
    try:
        yield
    finally:
        _run.reset(tokens[0])
        _traceparent.reset(tokens[1])


def fields() -> dict[str, str]:
    """Return what is known, by the names that log lines have for it; of the span, which trace it is in."""
    span = _traceparent.get()
    known = {"request": _request.get(), "run": _run.get(), "trace": span.split("-")[1] if span else None}
    return {name: value for name, value in known.items() if value}
