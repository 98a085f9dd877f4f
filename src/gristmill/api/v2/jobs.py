"""`/v2/jobs` and their runs: the Common Core view of what the ML API starts."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from gristmill.api.envelope import instant, milliseconds, page_limit, without_none
from gristmill.api.session import Ctx, Me
from gristmill.domain.errors import Invalid
from gristmill.domain.job import Job
from gristmill.domain.run import ACTIVE, FINAL, Run, RunState
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.service import jobs, runs

router = APIRouter(prefix="/v2/jobs", tags=["jobs"])
PLATFORM_STATES = {
    RunState.QUEUED: "Queued",
    RunState.STARTING: "Starting",
    RunState.RUNNING: "Running",
    RunState.CANCELING: "Canceling",
    RunState.COMPLETED: "Completed",
    RunState.FAILED: "Failed",
    RunState.CANCELED: "Canceled",
}
_ASSET_REF_TYPE = "wml_deployment"
_LOG_LINES = 1_000


@router.get("")
def page(
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    asset_ref: str | None = None,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List jobs."""
    size = page_limit(limit)
    found = jobs.page(ctx, me, space_id, limit=size, start=_start(mark), deployment_id=asset_ref)
    return _list(found.total, [job_document(job) for job in found.items], found.next, size)


@router.get("/{job_id}")
def get(ctx: Ctx, me: Me, job_id: str) -> dict[str, Any]:
    """Return a job."""
    return job_document(jobs.get(ctx, me, job_id))


@router.delete("/{job_id}", status_code=204)
def delete(ctx: Ctx, me: Me, job_id: str) -> None:
    """Delete a job and its runs; a default job goes with its deployment only."""
    jobs.delete(ctx, me, job_id)


@router.get("/{job_id}/runs")
def run_page(
    ctx: Ctx,
    me: Me,
    job_id: str,
    states: str | None = None,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List a job's runs, the newest first."""
    size = page_limit(limit)
    job = jobs.get(ctx, me, job_id)
    found = runs.page(
        ctx, me, job.space_id, limit=size, start=_start(mark), job_id=job.id, states=_states(states), count=True
    )
    return _list(found.total, [run_document(run, job) for run in found.items], found.next, size)


@router.get("/{job_id}/runs/{run_id}")
def get_run(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """Return a run."""
    found = runs.get(ctx, me, job_id, run_id)
    return run_document(found.run, jobs.get(ctx, me, job_id), spec=found.spec, result=found.result)


@router.post("/{job_id}/runs/{run_id}/refresh_state")
def refresh(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """Return a run; its state is always fresh here."""
    return get_run(ctx, me, job_id, run_id)


@router.get("/{job_id}/runs/{run_id}/history")
def history(ctx: Ctx, me: Me, job_id: str, run_id: str) -> dict[str, Any]:
    """Return every change of a run's state: what happened, when, under which fence, and who did it."""
    found = runs.history(ctx, me, job_id, run_id)
    rows = [
        {"event": str(row.event), "state": str(row.state), "at": instant(row.at), "fence": row.fence, "by": row.actor}
        for row in found
    ]
    return {"results": rows, "total_count": len(rows)}


@router.post("/{job_id}/runs/{run_id}/cancel", status_code=204)
def cancel(ctx: Ctx, me: Me, job_id: str, run_id: str) -> None:
    """Stop a run."""
    runs.cancel_of_job(ctx, me, job_id, run_id)


@router.delete("/{job_id}/runs/{run_id}", status_code=204)
def delete_run(ctx: Ctx, me: Me, job_id: str, run_id: str) -> None:
    """Stop a run if it works, and take it away."""
    runs.delete_of_job(ctx, me, job_id, run_id)


@router.get("/{job_id}/runs/{run_id}/logs")
def logs(
    ctx: Ctx, me: Me, job_id: str, run_id: str, limit: Annotated[int, Query(ge=1, le=100_000)] = _LOG_LINES
) -> dict[str, Any]:
    """Return the last lines of a run's log, also while it runs; ``total_count`` counts all lines."""
    tail: list[bytes] = []
    total, rest = 0, b""
    for block in runs.log(ctx, me, job_id, run_id):
        *lines, rest = (rest + block).split(b"\n")
        total += len(lines)
        tail = (tail + lines)[-limit:]
    if rest:
        total, tail = total + 1, [*tail, rest][-limit:]
    return {"results": [line.decode(errors="replace") for line in tail], "total_count": total}


@router.get("/{job_id}/runs/{run_id}/log")
def raw_log(ctx: Ctx, me: Me, job_id: str, run_id: str, start: Annotated[int, Query(ge=0)] = 0) -> Response:
    """Stream the whole log as text from byte ``start`` on; ask again from where it ended to follow a run."""
    return StreamingResponse(runs.log(ctx, me, job_id, run_id, start=start), media_type="text/plain; charset=utf-8")


def job_document(job: Job) -> dict[str, Any]:
    """Return a job as the wire shows it."""
    entity: dict[str, Any] = {
        "asset_ref": job.deployment_id,
        "asset_ref_type": _ASSET_REF_TYPE,
        "configuration": dict(job.configuration),
        "last_run_initiator": "None",
        "last_run_time": "",
        "last_run_status": "None",
        "last_run_status_timestamp": 0,
        "schedule": "",
        "schedule_info": {},
        "schedule_id": "",
        "schedule_creator_id": "",
        "future_scheduled_runs": [],
        "enable_notifications": False,
        "project_name": "",
        "task_credentials_support": True,
    }
    metadata = _metadata(job.id, job.name, job.owner_id, job.description) | {
        "asset_type": "job",
        "space_id": job.space_id,
        "version": 0,
        "created": milliseconds(job.created_at),
        "created_at": instant(job.created_at),
        "usage": {"last_update_time": milliseconds(job.modified_at), "last_updated_at": instant(job.modified_at)},
    }
    href = f"/v2/jobs/{job.id}?space_id={job.space_id}"
    return {"entity": {"job": entity}, "metadata": metadata, "href": href, "asset_id": job.id}


def run_document(run: Run, job: Job, *, spec: RunSpec | None = None, result: RunResult | None = None) -> dict[str, Any]:
    """Return a run as the wire shows it; the platform's states are mapped here and nowhere else."""
    entity = {
        "job_ref": run.job_id,
        "job_name": job.name,
        "job_type": _ASSET_REF_TYPE,
        "state": platform_state(run),
        "isScheduledRun": False,
        "configuration": _configuration(spec),
        "runtime_job_id": run.deployment_job_id,
        "duration": _duration_seconds(run),
        "queue_start": milliseconds(run.created_at),
        "queue_end": milliseconds(run.started_at) if run.started_at else 0,
        "execution_start": milliseconds(run.started_at) if run.started_at else 0,
        "execution_end": milliseconds(run.finished_at) if run.finished_at else 0,
        "last_state_change_timestamp": instant(run.modified_at),
        "attempt": run.attempt,
        "failure": {"code": run.cause.code, "message": run.cause.message} if run.cause else None,
        "warning": run.warning,
        "rows": without_none({"done": run.rows_done, "total": run.rows_total}) or None,
        "packages": dict(result.packages) if result and result.packages else None,
    }
    metadata = _metadata(run.id, run.name, run.requester_id, "") | {
        "asset_type": "job_run",
        "space_id": run.space_id,
        "created": milliseconds(run.created_at),
        "created_at": instant(run.created_at),
        "usage": {"last_update_time": milliseconds(run.modified_at), "last_updated_at": instant(run.modified_at)},
    }
    href = f"/v2/jobs/{run.job_id}/runs/{run.id}?space_id={run.space_id}"
    return {"entity": {"job_run": without_none(entity)}, "metadata": metadata, "href": href, "asset_id": run.id}


def platform_state(run: Run) -> str:
    """Return the Common Core's name for the run's state."""
    if run.state is RunState.COMPLETED and run.warning:
        return "CompletedWithWarnings"
    return PLATFORM_STATES[run.state]


def _states(text: str | None) -> list[RunState]:
    by_name = {name: state for state, name in PLATFORM_STATES.items()}
    by_name |= {"CompletedWithWarnings": RunState.COMPLETED, "CompletedWithErrors": RunState.COMPLETED}
    names = [name.strip() for name in text.split(",") if name.strip()] if text else []
    unknown = [name for name in names if name not in {*by_name, "Paused", "Resuming", "Pending"}]
    if unknown:
        raise Invalid(f"states: {unknown[0]} is none of {', '.join(by_name)}.", field="states")
    return [by_name[name] for name in names if name in by_name]


def _configuration(spec: RunSpec | None) -> dict[str, Any]:
    variables = spec.environment_variables if spec else {}
    return {"env_variables": [f"{name}={value}" for name, value in variables.items()]}


def _duration_seconds(run: Run) -> int:
    if run.started_at is None or run.state in ACTIVE:
        return 0
    assert run.finished_at is not None or run.state not in FINAL
    return int(((run.finished_at or run.modified_at) - run.started_at).total_seconds())


def _metadata(identifier: str, name: str, owner_id: str, description: str) -> dict[str, Any]:
    return {"name": name, "description": description, "asset_id": identifier, "owner_id": owner_id}


def _list(total: int | None, results: list[dict[str, Any]], mark: str | None, limit: int) -> dict[str, Any]:
    answer: dict[str, Any] = {"total_rows": total or 0, "results": results}
    if mark:
        answer["next"] = {"start": mark, "limit": limit}
    return answer


def _start(mark: str | None) -> str | None:
    """Read the ``next`` object that the client sends back as JSON text."""
    if not mark:
        return None
    try:
        return str(json.loads(mark)["start"])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("next: send back the object next of the page before, as JSON.", field="next") from error
