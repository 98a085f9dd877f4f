"""`/v2/jobs/{id}/runs`: started, looked at, followed, stopped, done again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from gristmill.api.envelope import WireResponse, instant, page_limit
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.job_document import run_document, states_of
from gristmill.api.v2.jobs import listed, start_of
from gristmill.domain import log_tail
from gristmill.domain.user import Actor
from gristmill.service import flow_nodes, job_runs, jobs, run_profiles, run_repairs, runs
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides
from gristmill.service.runs import RunDetails

router = Router(prefix="/v2/jobs/{job_id}/runs", tag="job runs")
_LINES_FOUND = 1_000
_WRITTEN_BYTES = 64 * 1024


class RunBody(BaseModel):
    """What a client wants otherwise for one run."""

    model_config = ConfigDict(extra="ignore")

    name: str | None = None
    description: str | None = None
    configuration: dict[str, Any] | None = None
    job_parameters: list[Any] | None = None
    parameter_sets: list[Any] | None = None


class NewRunBody(BaseModel):
    """The wire wraps a run; nothing at all is fine too."""

    job_run: RunBody | None = None


@router.post("", status_code=201)
def start(
    ctx: Ctx,
    me: Me,
    job_id: str,
    body: NewRunBody | None = None,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> Response:
    """Start a run of a job. ``Idempotency-Key`` makes a repeated request give the same run."""
    run, job = job_runs.start(ctx, me, job_id, _overrides(body, idempotency_key or None))
    return WireResponse(run_document(run, job), status_code=201)


@router.get("")
def page(  # the wire's parameters
    ctx: Ctx,
    me: Me,
    job_id: str,
    states: str | None = None,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List a job's runs, the newest first."""
    size, wanted = page_limit(limit), states_of(states)
    job = jobs.get(ctx, me, job_id)
    if wanted == []:
        return listed(0, [], None, size)
    found = runs.page(
        ctx, me, job.space_id, limit=size, start=start_of(mark), job_id=job.id, states=wanted or (), count=True
    )
    return listed(found.total, [run_document(run, job) for run in found.items], found.next, size)


@router.get("/{run_id}")
def get(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """Return a run; one that waits says why, its place and its probable start."""
    return shown(ctx, me, job_id, runs.get(ctx, me, job_id, run_id))


def shown(ctx: Context, me: Actor, job_id: str, found: RunDetails) -> dict[str, Any]:
    """Return a run that was read with everything that is known of it now."""
    waits = runs.why_waiting(ctx, found)
    nodes, job = flow_nodes.of_run(ctx, found), jobs.get(ctx, me, job_id)
    return run_document(found.run, job, spec=found.spec, result=found.result, waits=waits, nodes=nodes)


@router.post("/{run_id}/refresh_state")
def refresh(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """Return a run; its state is always fresh here."""
    return get(ctx, me, job_id, run_id)


@router.post("/{run_id}/rerun", status_code=201)
def rerun(ctx: Ctx, me: Me, job_id: str, run_id: str) -> Response:
    """Start a run with the very specification of an earlier one."""
    run, job = job_runs.rerun(ctx, me, job_id, run_id)
    return WireResponse(run_document(run, job), status_code=201)


@router.post("/{run_id}/repair", status_code=201)
def repair(ctx: Ctx, me: Me, job_id: str, run_id: str, body: NewRunBody | None = None) -> Response:
    """Start a run that does what another one did not, and keeps the rest: nodes of a flow, rows of a model."""
    run, job, spec = run_repairs.repair(ctx, me, job_id, run_id, _overrides(body))
    return WireResponse(run_document(run, job, spec=spec), status_code=201)


@router.get("/{run_id}/nodes/{node_id:path}/log")
def node_log(ctx: Ctx, me: Me, job_id: str, run_id: str, node_id: str) -> Response:
    """Stream what one node of a flow has printed, as far as it is written; its short name may stand for its id."""
    lines = flow_nodes.log(ctx, me, job_id, run_id, node_id)
    return StreamingResponse(lines, media_type="text/plain; charset=utf-8")


@router.get("/{run_id}/profile")
def profile(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """Return the summary of a run's predictions, a column each, and how they differ from the run before.

    ``compared`` is null where there was nothing to compare with; its ``findings`` are sentences, none if all is alike.
    """
    found = run_profiles.of_run(ctx, me, job_id, run_id)
    columns = [dict(column) for column in found.profile]
    return {"results": columns, "total_count": len(columns), "compared": found.compared}


@router.get("/{run_id}/history")
def history(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """Return every change of a run's state: what happened, when, under which fence, and who did it."""
    found = runs.history(ctx, me, job_id, run_id)
    rows = [
        {"event": str(row.event), "state": str(row.state), "at": instant(row.at), "fence": row.fence, "by": row.actor}
        for row in found
    ]
    return {"results": rows, "total_count": len(rows)}


@router.post("/{run_id}/cancel", status_code=204)
def cancel(ctx: Ctx, me: Me, job_id: str, run_id: str) -> None:
    """Stop a run."""
    runs.cancel_of_job(ctx, me, job_id, run_id)


@router.delete("/{run_id}", status_code=204)
def delete(ctx: Ctx, me: Me, job_id: str, run_id: str) -> None:
    """Stop a run if it works, and take it away."""
    runs.delete_of_job(ctx, me, job_id, run_id)


@router.get("/{run_id}/logs")
def logs(
    ctx: Ctx,
    me: Me,
    job_id: str,
    run_id: str,
    limit: Annotated[int | None, Query(ge=1, le=100_000)] = None,
    contains: Annotated[str | None, Query(min_length=1, max_length=1_000)] = None,
) -> Any:  # noqa: ANN401 - a document, or a stream of one
    """Return the lines of a run's log, also while it runs: all, the last so many, or those that hold a text.

    The text is found whatever its case; without a limit its last thousand lines are returned. ``total_count`` counts
    all lines, or all that hold the text.
    """
    blocks = runs.log(ctx, me, job_id, run_id)
    if limit is None and not contains:
        return StreamingResponse(_written(log_tail.lines(blocks)), media_type="application/json")
    most = limit or _LINES_FOUND
    lines, total = log_tail.holding(blocks, contains, most) if contains else log_tail.tail(blocks, most)
    return {"results": [line.decode(errors="replace") for line in lines], "total_count": total}


@router.get("/{run_id}/log")
def raw_log(ctx: Ctx, me: Me, job_id: str, run_id: str, start: Annotated[int, Query(ge=0)] = 0) -> Response:
    """Stream the whole log as text from byte ``start`` on; ask again from where it ended to follow a run."""
    return StreamingResponse(runs.log(ctx, me, job_id, run_id, start=start), media_type="text/plain; charset=utf-8")


def _written(lines: Iterator[bytes]) -> Iterator[str]:
    """Write the document of a whole log part by part: a log may be longer than memory."""
    part, count = '{"results": [', 0
    for line in lines:
        part += (", " if count else "") + json.dumps(line.decode(errors="replace"))
        count += 1
        if len(part) >= _WRITTEN_BYTES:
            yield part
            part = ""
    yield f'{part}], "total_count": {count}}}'


def _overrides(body: NewRunBody | None, idempotency_key: str | None = None) -> Overrides:
    asked = (body.job_run if body else None) or RunBody()
    return Overrides(
        name=asked.name,
        description=asked.description or "",
        job_parameters=asked.job_parameters,
        parameter_sets=asked.parameter_sets,
        configuration=asked.configuration or {},
        idempotency_key=idempotency_key,
    )
