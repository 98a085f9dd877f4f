"""Submitting a deployment job: everything that can be known now is checked now, then the run is frozen and queued."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gristmill.domain.asset import Asset
from gristmill.domain.deployment import Deployment, DeploymentState
from gristmill.domain.errors import Conflict
from gristmill.domain.network import read_network
from gristmill.domain.run import Run, RunState
from gristmill.domain.run_spec import RunSpec
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import environments, inline_tables, run_specs, task_credentials
from gristmill.service.access import SpacePaused
from gristmill.service.context import Context
from gristmill.service.deployments import visible, visible_in
from gristmill.service.run_sources import RunSources
from gristmill.service.run_specs import RunRequest
from gristmill.store import assets, jobs, runs
from gristmill.store.database import Connection, ConstraintViolated


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeploymentJob(RunRequest):
    """What a client asks to run, and where."""

    space_id: str | None
    deployment_id: str
    idempotency_key: str | None = None


def submit(context: Context, actor: Actor, new: NewDeploymentJob) -> tuple[Run, RunSpec]:
    """Queue a run. The same idempotency key of the same user gives the same run again.

    Raises:
        Invalid: the request does not fit the deployment, its asset or the model's schema; the field is named.
        TaskCredentialMissing: the actor has no valid task credential.
        Conflict: the deployment failed.

    """
    run_specs.check_shape(new)
    if not inline_tables.are_few(new.inline) and (again := _check_rows_first(context, actor, new)):
        return again
    try:
        with context.database.transaction() as connection:
            run, spec = _create(context, connection, actor, new)
    except ConstraintViolated:
        # The same key came twice at the same moment; the other one was first.
        with context.database.snapshot() as connection:
            again = _seen_before(connection, actor, new)
        if again is None:
            raise
        return again
    context.wake()
    return run, spec


def _check_rows_first(context: Context, actor: Actor, new: NewDeploymentJob) -> tuple[Run, RunSpec] | None:
    """Check rows that are many outside of the transaction, so that nobody waits for it; or return what came before."""
    with context.database.snapshot() as connection:
        again = _seen_before(connection, actor, new)
        if again:
            return again
        deployment = visible(connection, actor, new.space_id, new.deployment_id, Permission.EDIT)
        asset = _asset(connection, deployment)
    run_specs.check_rows(context, asset, new.inline)
    return None


def _create(context: Context, connection: Connection, actor: Actor, new: NewDeploymentJob) -> tuple[Run, RunSpec]:
    again = _seen_before(connection, actor, new)
    if again:
        return again
    deployment, space = visible_in(connection, actor, new.space_id, new.deployment_id, Permission.EDIT)
    asset = _asset(connection, deployment)
    if inline_tables.are_few(new.inline):
        run_specs.check_rows(context, asset, new.inline)
    if deployment.state is not DeploymentState.READY:
        raise Conflict(f"Deployment {deployment.name} is not ready: {deployment.failure}", code="deployment_not_ready")
    if space.paused:
        raise SpacePaused
    task_credentials.require(connection, actor.user_id)
    spec = run_specs.freeze(
        RunSources(connection),
        asset,
        replace(new, parameters=deployment.batch.get("parameters")),
        default_hardware=deployment.hardware,
        default_network=read_network(deployment.batch, where="batch"),
    )
    run = _run(context, connection, actor, deployment, new, kind=spec.kind)
    held = [spec.asset_content_key, *inline_tables.content_keys(spec.inline), *(i.content_key for i in spec.inputs)]
    held += environments.content_keys(spec)
    return runs.create(connection, run, spec, contents=held, idempotency_key=new.idempotency_key), spec


def _seen_before(connection: Connection, actor: Actor, new: NewDeploymentJob) -> tuple[Run, RunSpec] | None:
    if not new.idempotency_key:
        return None
    run = runs.by_idempotency_key(connection, actor.user_id, new.idempotency_key)
    return (run, runs.spec(connection, run.id)) if run else None


def _asset(connection: Connection, deployment: Deployment) -> Asset:
    asset = assets.get(connection, deployment.asset_id, revision=deployment.asset_revision or 0)
    if asset is None:
        raise Conflict("The deployment's asset is gone.", code="asset_not_found")
    return asset


def _run(
    context: Context,
    connection: Connection,
    actor: Actor,
    deployment: Deployment,
    new: NewDeploymentJob,
    *,
    kind: str,
) -> Run:
    job = jobs.default_of(connection, deployment.id)
    assert job is not None, "every deployment has its default job"
    now = context.now()
    return Run(
        id=context.new_id(),
        deployment_job_id=context.new_id(),
        job_id=job.id,
        space_id=deployment.space_id,
        lane_id=job.lane_id,
        deployment_id=deployment.id,
        place=0,
        name=new.name,
        kind=kind,
        state=RunState.QUEUED,
        requester_id=actor.user_id,
        created_at=now,
        modified_at=now,
        retention_days=new.retention_days,
    )
