"""Runs of a job: started with overrides, and done again exactly as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gristmill.domain.asset import Asset
from gristmill.domain.deployment import DeploymentState
from gristmill.domain.environment_variables import read_variables
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.job import Job, JobKind
from gristmill.domain.run import Run, RunState
from gristmill.domain.run_spec import InlineTable, RunSpec
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import inline_tables, jobs, run_specs, task_credentials
from gristmill.service.context import Context
from gristmill.service.run_specs import RunRequest
from gristmill.store import assets, deployment_job_definitions, deployments, run_contents, runs
from gristmill.store.database import Connection

_DEFAULT_HARDWARE = {"name": "S"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a client wants otherwise for one run; its members win over the job's."""

    name: str | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that was checked as far as it can be outside of a transaction. ``version`` is the job's at that time."""

    request: RunRequest
    version: int


def start(context: Context, actor: Actor, job_id: str, overrides: Overrides) -> tuple[Run, Job]:
    """Queue a run of a job, frozen as the job, its asset and its definition are now.

    Raises:
        Conflict: it is a default job, which gets its input from the ML API, or its asset or deployment is not fit.
        Invalid: a member of the configuration is wrong.
        TaskCredentialMissing: the actor has no valid task credential.

    """
    prepared = prepare(context, actor, job_id, overrides)
    try:
        with context.database.transaction() as connection:
            job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
            run = create(context, connection, actor, job, prepared)
    except BaseException as error:
        discard(context, prepared, error)
        raise
    context.wake()
    return run, job


def prepare(context: Context, actor: Actor, job_id: str, overrides: Overrides) -> Prepared:
    """Read what a run of the job is to do, keep its rows and hold them against the model's schema."""
    with context.database.snapshot() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
        scoring = _scoring(connection, job, overrides)
        asset, _hardware = _asset(connection, job)
    tables = _tables(context, scoring.get("input_data"))
    try:
        request = _request(job, overrides, scoring, tables)
        run_specs.check_shape(request)
        run_specs.check_rows(context, asset, request.inline)
    except BaseException as error:
        inline_tables.discard(context, tables, error)
        raise
    return Prepared(request=request, version=job.version)


def create(  # what is queued, for whom, and when it was due
    context: Context,
    connection: Connection,
    actor: Actor,
    job: Job,
    prepared: Prepared,
    *,
    scheduled_for: datetime | None = None,
) -> Run:
    """Queue a prepared run, within a transaction that is open."""
    task_credentials.require(connection, actor.user_id)
    asset, hardware = _asset(connection, job)
    spec = run_specs.freeze(connection, asset, prepared.request, default_hardware=hardware)
    spec = replace(spec, sealed_variables=job.sealed_variables)
    run = _run(context, actor, job, name=prepared.request.name, kind=spec.kind)
    run = runs.create(connection, replace(run, scheduled_for=scheduled_for), spec)
    run_contents.hold(connection, run.id, _contents(spec))
    return run


def discard(context: Context, prepared: Prepared, error: BaseException | None = None) -> None:
    """Remove the rows of a run that was not queued, because of ``error`` or because its tick was not to run."""
    inline_tables.discard(context, prepared.request.inline, error)


def rerun(context: Context, actor: Actor, job_id: str, run_id: str) -> tuple[Run, Job]:
    """Queue a run with the very specification of an earlier one, whatever has become of its job and assets since."""
    with context.database.transaction() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
        task_credentials.require(connection, actor.user_id)
        earlier = runs.get(connection, run_id)
        if earlier is None or earlier.job_id != job.id or earlier.deleted_at is not None:
            raise Conflict(f"Job {job_id} has no run {run_id} to do again.", code="run_not_found")
        spec = runs.spec(connection, run_id)
        run = runs.create(connection, _run(context, actor, job, name=earlier.name, kind=spec.kind), spec)
        run_contents.hold(connection, run.id, run_contents.held(connection, run_id))
    context.wake()
    return run, job


def _scoring(connection: Connection, job: Job, overrides: Overrides) -> dict[str, Any]:
    """Return the scoring section: the definition's, under the job's, under the run's own."""
    if job.kind is JobKind.DEFAULT:
        raise Conflict(
            f"{job.name} has no input of its own: start its runs with POST /ml/v4/deployment_jobs, or make a job with "
            "a deployment job definition.",
            code="default_job",
        )
    definition = deployment_job_definitions.get(connection, job.definition_id) if job.definition_id else None
    if job.definition_id and definition is None:
        raise Conflict("The definition of the job is gone; give it another.", code="definition_not_found")
    layers = [definition.document.get("scoring") if definition else None]
    layers += [job.configuration.get("scoring"), overrides.configuration.get("scoring")]
    return {name: value for layer in layers for name, value in (layer or {}).items()}


def _tables(context: Context, elements: Any) -> list[InlineTable]:  # noqa: ANN401 - any JSON
    """Keep the rows of the section's ``input_data``."""
    tables: list[InlineTable] = []
    for number, element in enumerate(elements or []):
        values = element.get("values") if isinstance(element, dict) else None
        if not isinstance(values, list):
            where = f"scoring.input_data[{number}].values"
            raise Invalid(f"{where}: an array of rows is missing.", field=where)
        members = {name: value for name, value in element.items() if name not in {"fields", "values"}}
        lines = (json.dumps(row, ensure_ascii=False) for row in values)
        tables.append(inline_tables.keep(context, lines, fields=element.get("fields"), members=members))
    return tables


def _request(job: Job, overrides: Overrides, scoring: Mapping[str, Any], tables: Sequence[InlineTable]) -> RunRequest:
    references = scoring.get("input_data_references")
    known = {"input_data", "input_data_references", "output_data_reference", "environment_variables"}
    return RunRequest(
        name=overrides.name or job.name,
        inline=tuple(tables),
        # A script may need no input; what needs some says so when it is frozen.
        input_references=references if references is not None or tables else [],
        output_reference=scoring.get("output_data_reference"),
        environment_variables=_variables(job, overrides, scoring),
        hardware=overrides.configuration.get("hardware_spec") or job.configuration.get("hardware_spec"),
        scoring={name: value for name, value in scoring.items() if name not in known},
    )


def _variables(job: Job, overrides: Overrides, scoring: Mapping[str, Any]) -> dict[str, str]:
    own = read_variables(job.configuration.get("env_variables"), where="configuration.env_variables")
    of_run = read_variables(overrides.configuration.get("env_variables"), where="configuration.env_variables")
    defined = {name: str(value) for name, value in (scoring.get("environment_variables") or {}).items()}
    return {**defined, **own, **of_run}


def _asset(connection: Connection, job: Job) -> tuple[Asset, Mapping[str, Any]]:
    """Return what the job runs, as it is now (or at the version that the job names), and its default hardware."""
    if job.kind is JobKind.DEPLOYMENT:
        deployment = deployments.get(connection, job.asset_ref)
        if deployment is None or deployment.state is not DeploymentState.READY:
            raise Conflict("The deployment of the job is gone or not ready.", code="deployment_not_ready")
        revision, asset_id, hardware = deployment.asset_revision, deployment.asset_id, deployment.hardware
    else:
        revision, asset_id, hardware = _version(job), job.asset_ref, _DEFAULT_HARDWARE
    asset = assets.get(connection, asset_id, revision=revision or 0)
    if asset is None or asset.deleted_at is not None:
        raise Conflict("The asset of the job is gone.", code="asset_not_found")
    return asset, hardware


def _version(job: Job) -> int | None:
    """Return the revision that the job names; empty means the newest content."""
    version = str(job.configuration.get("version") or "")
    if version and not version.isdigit():
        where = "configuration.version"
        raise Invalid(f"{where}: {version!r} is not the number of a revision.", field=where)
    return int(version) if version else None


def _contents(spec: RunSpec) -> list[str]:
    inputs = [asset.content_key for asset in spec.inputs]
    return [spec.asset_content_key, *inline_tables.content_keys(spec.inline), *inputs]


def _run(context: Context, actor: Actor, job: Job, *, name: str, kind: str) -> Run:
    now = context.now()
    return Run(
        id=context.new_id(),
        deployment_job_id=context.new_id(),
        job_id=job.id,
        space_id=job.space_id,
        lane_id=job.lane_id,
        deployment_id=job.deployment_id,
        place=0,
        name=name,
        kind=kind,
        state=RunState.QUEUED,
        requester_id=actor.user_id,
        created_at=now,
        modified_at=now,
    )
