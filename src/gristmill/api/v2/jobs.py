"""`/v2/jobs`: what is defined once and run again and again."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from gristmill.api.envelope import WireResponse, page_limit
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.job_document import job_document
from gristmill.domain import json_patch
from gristmill.domain.errors import Invalid
from gristmill.service import jobs
from gristmill.service.jobs import NewJob

router = APIRouter(prefix="/v2/jobs", tags=["jobs"])
_CONFIGURATION = (
    "deployment_job_definition_id",
    "entrypoint",
    "env_id",
    "env_type",
    "env_variables",
    "flow_limits",
    "hardware_spec",
    "max_running",
    "scoring",
    "secret_env_variables",
    "version",
)
_PATCHABLE = {
    "metadata/name": "name",
    "metadata/description": "description",
    "entity/job/name": "name",
    "entity/job/description": "description",
    "entity/job/configuration": "configuration",
    "entity/job/retention_policy": "retention_policy",
    "entity/job/notification_types": "notification_types",
    "entity/job/schedule": "schedule",
    "entity/job/schedule_info": "schedule_info",
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
    notification_types: dict[str, bool] | None = None


class NewJobBody(BaseModel):
    """The wire wraps a job."""

    job: JobBody


@router.post("", status_code=201)
def create(ctx: Ctx, me: Me, body: NewJobBody, space_id: str | None = None) -> Response:
    """Define a job."""
    job = body.job
    _no_schedule(job.schedule, job.schedule_info)
    new = NewJob(
        space_id=space_id,
        name=job.name,
        description=job.description or "",
        asset_ref=job.asset_ref,
        asset_ref_type=job.asset_ref_type,
        configuration=job.configuration,
        retention=_policy(job.retention_policy),
        notification=job.notification_types or {},
    )
    return WireResponse(job_document(jobs.create(ctx, me, new)), status_code=201)


@router.get("")
def page(  # the wire's parameters
    ctx: Ctx,
    me: Me,
    space_id: str | None = None,
    asset_ref: str | None = None,
    asset_ref_type: str | None = None,
    run_id: str | None = None,
    limit: int | None = None,
    mark: Annotated[str | None, Query(alias="next")] = None,
) -> dict[str, Any]:
    """List jobs."""
    size = page_limit(limit)
    filters = {"asset_ref": asset_ref, "asset_ref_type": asset_ref_type, "run_id": run_id}
    found = jobs.page(ctx, me, space_id, limit=size, start=start_of(mark), filters=filters)
    return listed(found.total, [job_document(job) for job in found.items], found.next, size)


@router.post("/bulk_delete", status_code=204)
def bulk_delete(ctx: Ctx, me: Me, job_ids: Annotated[list[str], Body(embed=True)]) -> None:
    """Delete up to 20 jobs, all or none."""
    jobs.delete(ctx, me, job_ids)


@router.get("/{job_id}")
def get(ctx: Ctx, me: Me, job_id: str) -> dict[str, Any]:
    """Return a job."""
    return job_document(jobs.get(ctx, me, job_id))


@router.patch("/{job_id}")
def change(ctx: Ctx, me: Me, job_id: str, operations: Annotated[list[dict[str, Any]], Body()]) -> dict[str, Any]:
    """Change a job by JSON patch."""
    paths = json_patch.changes(operations, allowed=_PATCHABLE)
    wanted = {_PATCHABLE[path]: value for path, value in paths.items()}
    _no_schedule(wanted.pop("schedule", None), wanted.pop("schedule_info", None))
    if "retention_policy" in wanted:
        wanted["retention_policy"] = _policy(wanted["retention_policy"])
    return job_document(jobs.change(ctx, me, job_id, wanted))


@router.delete("/{job_id}", status_code=204)
def delete(ctx: Ctx, me: Me, job_id: str) -> None:
    """Delete a job and its runs; a default job goes with its deployment only."""
    jobs.delete(ctx, me, [job_id])


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


def _policy(policy: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the policy; the wire sends an empty object, or one of nulls, for none."""
    return policy if policy and any(value is not None for value in policy.values()) else None


def _no_schedule(schedule: str | None, info: dict[str, Any] | None) -> None:
    if schedule or (info and info.get("startOn")):
        raise Invalid(
            "schedule: this version runs jobs by hand only; leave schedule and schedule_info out.",
            code="schedule_not_supported",
            field="schedule",
        )
