"""`/v2/jobs/{id}/runs/{run}/stream` and `/log_lines`: a run's log by the line, and everything of it as it happens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

from fastapi import Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from gristmill.api.open_streams import EventStream
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.job_runs import shown
from gristmill.domain.errors import Invalid, NotFound
from gristmill.service import run_logs
from gristmill.service.run_logs import Follower, Place, Step

router = Router(prefix="/v2/jobs/{job_id}/runs/{run_id}", tag="job runs")
_LOOK_SECONDS = 0.5
_QUIET_SECONDS = 15.0
"""After so long without an event a comment is sent, so that nobody between takes the connection for dead."""
_LONGEST_SECONDS = 300.0
"""Then the reader has to come back, and is asked again who it is."""
_MOST_TAIL = 100_000


class LogLine(BaseModel):
    """A line of a log; ``number`` counts from 1."""

    number: int
    text: str


class LogLines(BaseModel):
    """Lines; ``match_count`` of them there are from the first on, and ``total_count`` lines in all, so far."""

    results: list[LogLine]
    match_count: int
    total_count: int


@router.get("/log_lines")
def log_lines(  # which lines
    ctx: Ctx,
    me: Me,
    job_id: str,
    run_id: str,
    first: Annotated[int, Query(ge=1, description="The number of the first line to look at.")] = 1,
    limit: Annotated[int, Query(ge=1, le=20_000)] = 1_000,
    contains: Annotated[str | None, Query(min_length=1, max_length=1_000)] = None,
    trouble: Annotated[bool, Query(description="Only lines that look like errors.")] = False,
) -> LogLines:
    """Return numbered lines of a run's log: a part, those that hold a text, or those that tell of trouble."""
    found = run_logs.part(ctx, me, job_id, run_id, first=first, limit=limit, contains=contains, trouble=trouble)
    lines = [LogLine(number=line.number, text=line.text) for line in found.lines]
    return LogLines(results=lines, match_count=found.matches, total_count=found.total)


@router.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(  # where the reader was
    request: Request,
    ctx: Ctx,
    me: Me,
    job_id: str,
    run_id: str,
    tail: Annotated[int, Query(ge=0, le=_MOST_TAIL, description="Begin with so many of the last lines.")] = 10_000,
    after: Annotated[str | None, Query(max_length=50, description="As Last-Event-ID, of a new connection.")] = None,
    last_event_id: Annotated[str | None, Header(max_length=50)] = None,
) -> StreamingResponse:
    """Send events (SSE) as they happen: ``run`` whenever it changed, ``log`` for new lines, ``end`` when all is said.

    The id of a ``log`` event is the attempt's fence and the number of its last line, ``7-1234``; sent back as
    ``Last-Event-ID``, also as a number alone, the log goes on behind that line. A user who has 30 open is answered 429.
    """
    follower = Follower(ctx, me, job_id, run_id, tail=tail, place=_place(last_event_id or after))
    first = await run_in_threadpool(follower.step)

    def document(step: Step) -> str:
        return json.dumps(shown(ctx, me, job_id, step.found), ensure_ascii=False)

    over = request.app.state.streams.take(me.user_id)
    events = _events(follower, first, document, request.app.state.stopping)
    return EventStream(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, over=over)


async def _events(
    follower: Follower, step: Step, document: Callable[[Step], str], stopping: Callable[[], bool]
) -> AsyncIterator[str]:
    begun = said = time.monotonic()
    before = ""
    yield "retry: 1000\n\n"
    while True:
        now = await run_in_threadpool(document, step)
        events = "".join(_of(step, follower.fence, document=now if now != before else None))
        if events or time.monotonic() > said + _QUIET_SECONDS:
            yield events or ": still here\n\n"
            before, said = now, time.monotonic()
        if step.ended or stopping() or time.monotonic() > begun + _LONGEST_SECONDS:
            return
        if not step.more:
            await asyncio.sleep(_LOOK_SECONDS)
        try:
            step = await run_in_threadpool(follower.step)
        except NotFound:
            yield _event("end", {"reason": "gone"})
            return


def _of(step: Step, fence: int, *, document: str | None) -> list[str]:
    """Return the events of a step: the lines before what the run says of itself, and its end last."""
    events = []
    if step.lines:
        last = step.first + len(step.lines) - 1
        events.append(f"id: {fence}-{last}\n" + _event("log", {"first": step.first, "lines": list(step.lines)}))
    if document is not None:
        events.append(f"event: run\ndata: {document}\n\n")
    if step.ended:
        events.append(_event("end", {"reason": "ended"}))
    return events


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _place(event_id: str | None) -> Place | None:
    """Read ``7-1234`` or ``1234``."""
    if not event_id:
        return None
    fence, _, line = event_id.rpartition("-")
    if not line.isdecimal() or (fence and not fence.isdecimal()):
        where = "Last-Event-ID"
        raise Invalid(f"{where}: {event_id!r} is not the id of an event of this stream.", field=where)
    return Place(line=int(line), fence=int(fence) if fence else None)
