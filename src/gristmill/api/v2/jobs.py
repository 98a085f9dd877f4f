"""`/v2/jobs`: what is defined once and run again and again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from gristmill.api.envelope import WireResponse, instant, page_limit, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me, Scope
from gristmill.api.v2.job_document import job_document
from gristmill.domain import json_patch
from gristmill.domain.errors import Invalid
from gristmill.domain.job import Job
from gristmill.domain.job_configuration import read_object
from gristmill.domain.job_parameters import PARAMETER_SETS, PARAMETERS
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_wire import of_wire, to_wire
from gristmill.domain.user import Actor
from gristmill.service import job_checks, jobs, schedules
from gristmill.service.context import Context
from gristmill.service.jobs import NewJob

router = Router(prefix="/v2/jobs", tag="jobs")
_CONFIGURATION = (
    "deployment_job_definition_id",
    "entrypoint",
    "env_id",
    "env_type",
    "env_variables",
    "error_threshold",
    "flow_limits",
    "hardware_spec",
    "max_running",
    "network",
    "parameters",
    "scoring",
    "secret_env_variables",
    "timeout_seconds",
    "version",
)
_PATCHABLE = {
    "metadata/name": "name",
    "metadata/description": "description",
    "entity/job/name": "name",
    "entity/job/description": "description",
    "entity/job/configuration": "configuration",
    "entity/job/retention_policy": "retention_policy",
    "entity/job/enable_notifications": "notification/enabled",
    "entity/job/notification_types": "notification/types",
    "entity/job/notification_channels": "notification/channels",
    "entity/job/notification_recipients": "notification/recipients",
    "entity/job/long_running_minutes": "notification/long_running_minutes",
    "entity/job/not_started_minutes": "notification/not_started_minutes",
    "entity/job/schedule": "schedule",
    "entity/job/schedule_info": "schedule_info",
    "entity/job/paused": "paused",
    "entity/job/job_parameters": "configuration/job_parameters",
    "entity/job/parameter_sets": "configuration/parameter_sets",
    "entity/job/serving_name": "serving_name",
    **{f"entity/job/configuration/{member}": f"configuration/{member}" for member in _CONFIGURATION},
}


class JobBody(BaseModel):
    """What a client sends to define a job; members that are not known are left aside."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(min_length=1)
    description: str | None = None
    asset_ref: str | None = None
    asset_ref_type: str | None = None
    configuration: dict[str, Any]
    schedule: str | None = None
    schedule_info: dict[str, Any] | None = None
    retention_policy: dict[str, Any] | None = None
    enable_notifications: bool | None = None
    notification_types: dict[str, Any] | None = None
    notification_channels: list[str] | None = None
    notification_recipients: list[str] | None = None
    long_running_minutes: int | None = None
    not_started_minutes: int | None = None
    serving_name: str | None = None
    job_parameters: list[Any] | None = None
    parameter_sets: list[Any] | None = None


class NewJobBody(BaseModel):
    """The wire wraps a job."""

    job: JobBody


@router.post("", status_code=201)
def create(ctx: Ctx, me: Me, body: NewJobBody, space_id: Scope, *, dry_run: bool = False) -> Response:
    """Define a job; with ``dry_run`` only look whether that would be refused, and answer 204 where it would not."""
    job = body.job
    new = NewJob(
        space_id=space_id,
        name=job.name,
        description=job.description or "",
        asset_ref=job.asset_ref,
        asset_ref_type=job.asset_ref_type,
        configuration={**job.configuration, **_parameters(job)},
        retention=job.retention_policy,
        notification=_notification(job),
        schedule=of_wire(job.schedule, job.schedule_info),
        serving_name=job.serving_name or None,
    )
    if dry_run:
        job_checks.check(ctx, me, new)
        return Response(status_code=204)
    return WireResponse(job_document(jobs.create(ctx, me, new), now=ctx.now()), status_code=201)


@router.get("")
def page(  # the wire's parameters
    ctx: Ctx,
    me: Me,
    space_id: Scope,
    asset_ref: str | None = None,
    asset_ref_type: str | None = None,
    run_id: str | None = None,
    serving_name: str | None = None,
    conflict: bool = False,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> Any:  # noqa: ANN401 - a page, or an answer without a body
    """List jobs; with ``conflict`` and a serving name: 204 when that is free, 409 when it is taken."""
    if conflict and serving_name:
        return Response(status_code=204 if jobs.serving_name_is_free(ctx, serving_name) else 409)
    size = page_limit(limit)
    filters = {"asset_ref": asset_ref, "asset_ref_type": asset_ref_type, "run_id": run_id, "serving_name": serving_name}
    found = jobs.page(ctx, me, space_id, limit=size, start=start_of(mark), filters=filters)
    return listed(found.total, documents(ctx, found.items), found.next, size)


@router.post("/bulk_delete", status_code=204)
def bulk_delete(ctx: Ctx, me: Me, job_ids: Annotated[list[str], Body(embed=True)]) -> None:
    """Delete up to 20 jobs, all or none."""
    jobs.delete(ctx, me, job_ids)


@router.get("/{job_id}")
def get(ctx: Ctx, me: Me, job_id: str) -> dict[str, Any]:
    """Return a job."""
    return documents(ctx, [jobs.get(ctx, me, job_id)])[0]


@router.patch("/{job_id}")
def change(ctx: Ctx, me: Me, job_id: str, operations: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
    """Change a job by JSON patch."""
    paths = json_patch.changes(operations, allowed=_PATCHABLE)
    wanted = {_PATCHABLE[path]: value for path, value in paths.items()}
    if "schedule" in wanted or "schedule_info" in wanted:
        wanted["schedule"] = _patched_schedule(ctx, me, job_id, wanted)
    return documents(ctx, [jobs.change(ctx, me, job_id, wanted)])[0]


@router.get("/{job_id}/schedule_preview")
def preview(ctx: Ctx, me: Me, job_id: str, count: Annotated[int, Query(ge=1, le=100)] = 20) -> dict[str, Any]:
    """Return a job's next ticks, with a note where a clock change moves one."""
    found = schedules.upcoming(ctx, me, job_id, count=count)
    rows = [without_none({"at": instant(t.at), "local": t.local.isoformat(), "note": t.note or None}) for t in found]
    return {"results": rows, "total_count": len(rows)}


@router.get("/{job_id}/ticks")
def ticks(ctx: Ctx, me: Me, job_id: str, limit: Annotated[int, Query(ge=1, le=200)] = 100) -> dict[str, Any]:
    """Return what became of a job's newest ticks: every one that was due has a disposition."""
    rows = [
        without_none(
            {
                "scheduled_for": instant(tick.scheduled_for),
                "disposition": str(tick.disposition),
                "run_id": tick.run_id,
                "reason": tick.reason,
                "decided_at": instant(tick.decided_at),
            }
        )
        for tick in schedules.decided(ctx, me, job_id, limit=limit)
    ]
    return {"results": rows, "total_count": len(rows)}


@router.delete("/{job_id}", status_code=204)
def delete(ctx: Ctx, me: Me, job_id: str) -> None:
    """Delete a job and its runs; a default job goes with its deployment only."""
    jobs.delete(ctx, me, [job_id])


def documents(ctx: Context, found: Sequence[Job]) -> list[dict[str, Any]]:
    """Return jobs as the wire shows them, each with what is known of its newest run."""
    newest = jobs.last_runs(ctx, found)
    return [job_document(job, now=ctx.now(), last=newest.get(job.id)) for job in found]


def listed(total: int | None, results: list[dict[str, Any]], mark: str | None, limit: int) -> dict[str, Any]:
    """Return the Common Core's page; the client sends ``next`` back as JSON text."""
    answer: dict[str, Any] = {"total_rows": total or 0, "results": results}
    if mark:
        answer["next"] = {"start": mark, "limit": limit}
    return answer


def start_of(mark: str | None) -> str | None:
    """Read the ``next`` object that the client sends back.

    Raises:
        Invalid: it is not one that a page before gave.

    """
    if not mark:
        return None
    try:
        return str(json.loads(mark)["start"])
    except (ValueError, KeyError, TypeError) as error:
        raise Invalid("next: send back the object next of the page before, as JSON.", field="next") from error


def _parameters(job: JobBody) -> dict[str, Any]:
    """Return a job's parameters, which are kept with its configuration."""
    return without_none({PARAMETERS: job.job_parameters, PARAMETER_SETS: job.parameter_sets})


def _notification(job: JobBody) -> dict[str, Any]:
    """Return what the job wants to be told, without what was left out."""
    return without_none(
        {
            "enabled": job.enable_notifications,
            "types": job.notification_types,
            "channels": job.notification_channels,
            "recipients": job.notification_recipients,
            "long_running_minutes": job.long_running_minutes,
            "not_started_minutes": job.not_started_minutes,
        }
    )


def _patched_schedule(ctx: Context, me: Actor, job_id: str, wanted: dict[str, Any]) -> Schedule | None:
    """Read a schedule of which the client may have sent only one half; an empty text or a null ends it."""
    text, info = to_wire(schedules.of_job(jobs.get(ctx, me, job_id)), at=ctx.now())
    # A rule that is sent now says enough by itself; one that was there goes with the expression that ends.
    sent = read_object(wanted.get("schedule_info"), "schedule_info")
    ended = "schedule" in wanted
    given_text = wanted.pop("schedule") if "schedule" in wanted else text
    given_info = wanted.pop("schedule_info") if "schedule_info" in wanted else info
    once = (given_info or {}).get("repeat") is False and (given_info or {}).get("startOn")
    if not given_text and not once and not sent.get("rule") and (ended or not sent.get("repeat")):
        return None
    return of_wire(given_text, given_info)
