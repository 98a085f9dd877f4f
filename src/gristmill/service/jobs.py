"""Jobs: defined once, changed, looked at, and deleted with all their runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gristmill.domain.asset import AssetType
from gristmill.domain.deployment import DEFAULT_MAX_RUNNING
from gristmill.domain.environment_variables import read_variables
from gristmill.domain.error_threshold import read_of_configuration
from gristmill.domain.errors import Conflict, Invalid, NotFound
from gristmill.domain.job import DEPLOYMENT_REF, Job, JobKind
from gristmill.domain.job_configuration import check_configuration, read_object
from gristmill.domain.job_parameters import PARAMETER_SETS, PARAMETERS
from gristmill.domain.page import Page
from gristmill.domain.retention import read_retention
from gristmill.domain.run import Run
from gristmill.domain.schedule import Schedule
from gristmill.domain.schedule_document import of_document, to_document
from gristmill.domain.serving_name import read_serving_name
from gristmill.domain.space import Permission
from gristmill.domain.tick import next_tick
from gristmill.domain.user import Actor
from gristmill.service import job_changes, job_references, notifications, schedule_keys
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.service.deployments import visible as visible_deployment
from gristmill.store import assets, deployment_job_definitions, jobs, lanes, runs
from gristmill.store.database import Connection

NOT_SELF_CONTAINED = frozenset({AssetType.MODEL, AssetType.FUNCTION, AssetType.DATA_ASSET, AssetType.CONNECTION})
SECRETS = "secret_env_variables"
MOST_AT_ONCE = 20
"""How many jobs one bulk deletion takes (the original's own limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a client asks to be kept as a job."""

    space_id: str | None
    name: str
    description: str = ""
    asset_ref: str | None = None
    asset_ref_type: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    retention: Mapping[str, Any] | None = None
    notification: Mapping[str, Any] = field(default_factory=dict)
    schedule: Schedule | None = None
    serving_name: str | None = None
    paused: bool = False


def create(context: Context, actor: Actor, new: NewJob) -> Job:
    """Define a job: of a deployment by a definition, or of a self-contained asset.

    Raises:
        Invalid: what it refers to is unknown or unfit, or a member of its configuration is wrong.
        ConstraintViolated: another job has this serving name.

    """
    with context.database.transaction() as connection:
        return add(context, connection, actor, new)


def add(context: Context, connection: Connection, actor: Actor, new: NewJob) -> Job:
    """Do so within a transaction."""
    now = context.now()
    configuration, secrets = without_secrets(new.configuration)
    job_id = context.new_id()
    space = authorize(connection, actor, new.space_id, Permission.EDIT)
    target = target_of(connection, actor, new, space.id, job_id)
    job_references.check(connection, space.id, target["kind"], target["asset_ref"], configuration)
    described: dict[str, Any] = {
        "serving_name": read_serving_name(new.serving_name),
        "retention": read_retention(new.retention),
        "notification": notifications.checked(context, connection, space.id, new.notification),
        "sealed_variables": _sealed(context, secrets),
        **schedule_columns(context, connection, actor, new.schedule, job_name=new.name),
    }
    if target["kind"] is JobKind.ASSET:
        limit = configuration.get("max_running", DEFAULT_MAX_RUNNING)
        lanes.create(connection, job_id, space.id, max_running=limit)
    job = Job(
        id=job_id,
        space_id=space.id,
        name=new.name,
        description=new.description,
        configuration=configuration,
        paused=new.paused,
        **described,
        owner_id=actor.user_id,
        created_at=now,
        modified_at=now,
        **target,
    )
    jobs.create(connection, job)
    job_changes.note(connection, actor, job, before=None)
    return job


def get(context: Context, actor: Actor, job_id: str) -> Job:
    """Return a job that the actor can see."""
    with context.database.snapshot() as connection:
        return visible(connection, actor, job_id, Permission.VIEW)


def page(  # the filters of the wire
    context: Context,
    actor: Actor,
    space_id: str | None,
    *,
    limit: int,
    start: str | None = None,
    filters: Mapping[str, str | None],
) -> Page[Job]:
    """List the jobs of a space, with their number."""
    given = {column: value for column, value in filters.items() if value}
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        return jobs.page(connection, space.id, limit=limit, start=start, filters=given)


def change(context: Context, actor: Actor, job_id: str, wanted: Mapping[str, Any]) -> Job:
    """Change a job; runs that wait or work keep what they were frozen with.

    ``wanted`` maps ``name``, ``description``, ``retention_policy``, ``notification/<member>``, ``configuration`` and
    ``configuration/<member>`` to their new values; None takes a member away. ``schedule`` is a `Schedule` or None, and
    ``paused`` says whether its ticks are left out.
    """
    with context.database.transaction() as connection:
        job = visible(connection, actor, job_id, Permission.EDIT)
        _refuse_default(job)
        values = _changed(context, job, wanted)
        if "configuration" in values:
            job_references.check(connection, job.space_id, job.kind, job.asset_ref, values["configuration"])
        values |= _notification(context, connection, job, wanted)
        if "schedule" in wanted and not _has_schedule(connection, job, wanted["schedule"], actor):
            schedule_keys.revoke(context, connection, job.id)
            name = values.get("name", job.name)
            values |= schedule_columns(context, connection, actor, wanted["schedule"], job_name=name)
        jobs.change(connection, job.id, context.now(), values)
        if job.kind is JobKind.ASSET and "configuration" in values:
            limit = values["configuration"].get("max_running", DEFAULT_MAX_RUNNING)
            lanes.set_limit(connection, job.lane_id, limit)
        changed = jobs.get(connection, job.id)
        assert changed is not None
        job_changes.note(connection, actor, changed, before=job)
    context.wake()
    return changed


def delete(context: Context, actor: Actor, job_ids: Sequence[str]) -> None:
    """Delete jobs with all their runs: hidden at once, runs at work are stopped, and the engine purges the rest.

    Raises:
        Conflict: one is the default job of a deployment; then none is deleted.

    """
    if not 1 <= len(job_ids) <= MOST_AT_ONCE:
        raise Invalid(f"job_ids: name 1 to {MOST_AT_ONCE} jobs, not {len(job_ids)}.", field="job_ids")
    now = context.now()
    with context.database.transaction() as connection:
        for job_id in job_ids:
            job = visible(connection, actor, job_id, Permission.EDIT)
            _refuse_default(job)
            schedule_keys.revoke(context, connection, job.id)
            jobs.change(connection, job.id, now, {"deleted_at": now})
    context.wake()


def schedule_columns(
    context: Context, connection: Connection, actor: Actor, schedule: Schedule | None, *, job_name: str
) -> dict[str, Any]:
    """Return a job's columns under a new schedule, with a key of its own.

    No tick from before now is ever looked at again.

    Raises:
        Invalid: nothing would ever run, because all of its times are over.

    """
    if schedule is None:
        return dict.fromkeys(("schedule", "scheduler_id", "key_id", "decided_until", "next_tick_at"))
    now = context.now()
    return {
        "next_tick_at": first_tick(schedule, now),
        "schedule": to_document(schedule),
        "scheduler_id": actor.user_id,
        "key_id": schedule_keys.make(context, connection, actor, job_name),
        "decided_until": now,
    }


def first_tick(schedule: Schedule, now: datetime) -> datetime:
    """Return the first tick that is still to come.

    Raises:
        Invalid: nothing would ever run, because all of its times are over.

    """
    coming = next_tick(schedule, now)
    if coming is None:
        where = (
            "schedule_info.startOn" if not schedule.repeat else "schedule_info.endOn" if schedule.end else "schedule"
        )
        raise Invalid(f"{where}: nothing would run, because all times of this schedule are over.", field=where)
    return coming


def last_runs(context: Context, found: Sequence[Job]) -> dict[str, Run]:
    """Return the newest run of each of these jobs, by job; jobs that were never run are absent."""
    with context.database.snapshot() as connection:
        return {run.job_id: run for run in runs.newest(connection, [job.id for job in found])}


def named(context: Context, job_ids: Sequence[str]) -> list[Job]:
    """Return the jobs with these ids, which a search had found for the actor."""
    with context.database.snapshot() as connection:
        return jobs.these(connection, job_ids)


def serving_name_is_free(context: Context, name: str) -> bool:
    """Tell whether no job has this serving name."""
    read_serving_name(name)
    with context.database.snapshot() as connection:
        return jobs.by_serving_name(connection, name) is None


def visible(connection: Connection, actor: Actor, job_id: str, permission: Permission) -> Job:
    """Return the job, by its id or its serving name, if the actor may do this to it.

    Raises:
        NotFound: it is not there, or not the actor's to see.

    """
    job = jobs.get(connection, job_id) or jobs.by_serving_name(connection, job_id)
    if job is not None:
        authorize(connection, actor, job.space_id, permission)
    if job is None or job.deleted_at is not None:
        raise NotFound(f"There is no job {job_id} that you can see.", code="job_not_found")
    return job


def secret_variables(context: Context, job: Job) -> dict[str, str]:
    """Return a job's secret environment variables in the clear, for freezing a run."""
    if job.sealed_variables is None:
        return {}
    opened: dict[str, str] = json.loads(context.secrets.decrypt(job.sealed_variables))
    return opened


def target_of(connection: Connection, actor: Actor, new: NewJob, space_id: str, job_id: str) -> dict[str, Any]:
    """Return what the job runs, and the lane that its runs wait in."""
    definition_id = new.configuration.get("deployment_job_definition_id")
    if definition_id:
        return _by_definition(connection, actor, new, space_id, str(definition_id))
    if new.asset_ref_type == DEPLOYMENT_REF:
        where = "configuration.deployment_job_definition_id"
        raise Invalid(f"{where}: a job of a deployment needs a definition of what it is to do.", field=where)
    asset = assets.get(connection, new.asset_ref) if new.asset_ref else None
    if asset is None or asset.space_id != space_id or asset.deleted_at is not None:
        raise Invalid(
            f"asset_ref: there is no asset {new.asset_ref} in this space.", code="asset_not_found", field="asset_ref"
        )
    if asset.type in NOT_SELF_CONTAINED:
        raise Invalid(
            f"asset_ref: {asset.name} is a {asset.type}; deploy it, and make a job of the deployment.",
            code="asset_not_self_contained",
            field="asset_ref",
        )
    if new.asset_ref_type and new.asset_ref_type != asset.type:
        raise Invalid(
            f"asset_ref_type: {asset.name} is a {asset.type}, not a {new.asset_ref_type}.", field="asset_ref_type"
        )
    return {"kind": JobKind.ASSET, "asset_ref": asset.id, "asset_ref_type": asset.type, "lane_id": job_id}


def _by_definition(
    connection: Connection, actor: Actor, new: NewJob, space_id: str, definition_id: str
) -> dict[str, Any]:
    where = "configuration.deployment_job_definition_id"
    definition = deployment_job_definitions.get(connection, definition_id)
    if definition is None or definition.space_id != space_id:
        raise Invalid(f"{where}: there is no definition {definition_id} in this space.", field=where)
    deployment = visible_deployment(connection, actor, space_id, definition.deployment_id, Permission.EDIT)
    if new.asset_ref and new.asset_ref != deployment.id:
        raise Invalid(
            f"asset_ref: the definition is for deployment {deployment.id}, not for {new.asset_ref}.", field="asset_ref"
        )
    return {
        "kind": JobKind.DEPLOYMENT,
        "asset_ref": deployment.id,
        "asset_ref_type": DEPLOYMENT_REF,
        "lane_id": deployment.id,
        "deployment_id": deployment.id,
        "definition_id": definition_id,
    }


def without_secrets(configuration: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Part the secret variables from the rest, and check both; None where no secrets were given."""
    plain = {name: value for name, value in configuration.items() if name != SECRETS and value is not None}
    check_configuration(plain)
    read_of_configuration(plain)
    limit = plain.get("max_running", DEFAULT_MAX_RUNNING)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        where = "configuration.max_running"
        raise Invalid(f"{where}: {limit!r} is not a whole number from 1 up.", field=where)
    if SECRETS not in configuration:
        return plain, None
    return plain, read_variables(configuration[SECRETS], where=f"configuration.{SECRETS}")


def _sealed(context: Context, secrets: Mapping[str, str] | None) -> str | None:
    return context.secrets.encrypt(json.dumps(secrets)) if secrets else None


def _changed(context: Context, job: Job, wanted: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    configuration = dict(job.configuration)
    for path, value in wanted.items():
        section, _, member = path.partition("/")
        if section in {"schedule", "notification"}:
            continue
        if member:
            configuration = {**configuration, member: value}
        elif section == "configuration":
            # The wire has these two beside the configuration.
            kept = {name: configuration[name] for name in (PARAMETERS, PARAMETER_SETS) if name in configuration}
            configuration = kept | dict(read_object(value, "configuration"))
        else:
            values |= _member(section, value)
    if any(path.startswith("configuration") for path in wanted):
        values["configuration"], secrets = without_secrets(configuration)
        if secrets is not None:
            values["sealed_variables"] = _sealed(context, secrets)
    return values


def _notification(context: Context, connection: Connection, job: Job, wanted: Mapping[str, Any]) -> dict[str, Any]:
    parts = [path.partition("/") for path in wanted]
    given = {member: wanted[f"{section}/{member}"] for section, _, member in parts if section == "notification"}
    if not given:
        return {}
    document = notifications.checked(context, connection, job.space_id, given, before=job.notification)
    return {"notification": document}


def _member(name: str, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    match name:
        case "retention_policy":
            return {"retention": None if value is None else read_retention(read_object(value, "retention_policy"))}
        case "serving_name":
            return {"serving_name": read_serving_name(value)}
        case "paused" if not isinstance(value, bool | None):
            raise Invalid(f"paused: {value!r} is neither true nor false.", field="paused")
        case "paused":
            return {"paused": bool(value)}
        case "name" if not value:
            raise Invalid("name: a job needs a name.", field="name")
        case _ if not isinstance(value, str | None):
            raise Invalid(f"{name}: {value!r} is no text.", field=name)
        case _:
            return {name: value or ""}


def _has_schedule(connection: Connection, job: Job, schedule: Schedule | None, actor: Actor) -> bool:
    """Tell whether the actor set this very schedule before and it still stands: setting it again changes nothing."""
    if schedule is None or job.scheduler_id != actor.user_id or not job.schedule:
        return False
    return of_document(job.schedule) == schedule and schedule_keys.stands(connection, job.id)


def _refuse_default(job: Job) -> None:
    if job.kind is JobKind.DEFAULT:
        raise Conflict(
            f"{job.name} is the default job of deployment {job.deployment_id}: it cannot be edited or deleted on its "
            "own. Delete the deployment, or delete its runs.",
            code="default_job",
        )
