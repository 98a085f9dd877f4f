"""Runs of a job: started with overrides, and done again exactly as they were."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gristmill.domain.asset import Asset, Attachment
from gristmill.domain.deployment import DeploymentState
from gristmill.domain.entry_point import read_entry_point
from gristmill.domain.environment_variables import read_variables
from gristmill.domain.error_threshold import ErrorThreshold, read_of_configuration, read_of_scoring
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.event import EventKind
from gristmill.domain.job import Job, JobKind
from gristmill.domain.job_configuration import check_configuration, check_scoring, read_version
from gristmill.domain.job_parameters import (
    PARAMETER_SETS,
    PARAMETERS,
    ParameterLayer,
    read_job_parameters,
    read_parameter_sets,
)
from gristmill.domain.network import read_network
from gristmill.domain.notebook_parameters import read_parameters
from gristmill.domain.notification import alarm_at
from gristmill.domain.run import Run, RunState
from gristmill.domain.run_spec import InlineTable, RunSpec
from gristmill.domain.space import Permission
from gristmill.domain.time_limit import read_time_limit
from gristmill.domain.user import Actor
from gristmill.service import environments, flows, inline_tables, jobs, run_specs, task_credentials
from gristmill.service.access import refuse_paused
from gristmill.service.asset_contents import check_beginning
from gristmill.service.context import Context
from gristmill.service.run_sources import RunSources
from gristmill.service.run_specs import RunRequest
from gristmill.store import jobs as job_store
from gristmill.store import run_contents, runs
from gristmill.store.database import Connection, ConstraintViolated

_DEFAULT_HARDWARE = {"name": "S"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """What a client wants otherwise for one run; its members win over the job's.

    ``job_parameters`` and ``parameter_sets`` are lists as the wire has them.
    A repeated request with the same ``idempotency_key`` of the same user gives the same run again.
    """

    name: str | None = None
    description: str = ""
    job_parameters: Sequence[Any] | None = None
    parameter_sets: Sequence[Any] | None = None
    configuration: Mapping[str, Any] = field(default_factory=dict)
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that was checked as far as it can be outside of a transaction. ``version`` is the job's at that time."""

    request: RunRequest
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What a run is to be, whoever it is for."""

    name: str
    spec: RunSpec


def start(context: Context, actor: Actor, job_id: str, overrides: Overrides) -> tuple[Run, Job]:
    """Queue a run of a job, frozen as the job, its asset and its definition are now.

    Raises:
        Conflict: it is a default job, which gets its input from the ML API, or its asset or deployment is not fit.
        Invalid: a member of the configuration is wrong.
        TaskCredentialMissing: the actor has no valid task credential.

    """
    again = _seen_before(context, actor, job_id, overrides)
    if again:
        return again
    prepared = prepare(context, actor, job_id, overrides)
    try:
        with context.database.transaction() as connection:
            job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
            run = create(context, connection, actor, job, prepared, overrides=overrides)
    except BaseException as error:
        discard(context, prepared, error)
        # The same key came twice at the same moment; the other one was first.
        again = _seen_before(context, actor, job_id, overrides) if isinstance(error, ConstraintViolated) else None
        if again is None:
            raise
        return again
    context.wake()
    return run, job


def prepare(context: Context, actor: Actor, job_id: str, overrides: Overrides) -> Prepared:
    """Read what a run of the job is to do, keep its rows and hold them against the model's schema."""
    with context.database.snapshot() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
        sources = RunSources(connection)
        check_configuration(overrides.configuration)
        scoring = _scoring(sources, job, overrides)
        asset, _hardware = _asset(sources, job)
        content = sources.content(asset.id, asset.revision)
    return Prepared(request=_checked(context, job, overrides, scoring, asset, content), version=job.version)


def freeze(context: Context, sources: RunSources, job: Job) -> Frozen:
    """Freeze what a run of the job is now, for a tick of its schedule.

    Raises:
        GristmillError: its asset, deployment, definition or configuration is not fit.

    """
    overrides = Overrides()
    scoring = _scoring(sources, job, overrides)
    asset, _hardware = _asset(sources, job)
    request = _checked(context, job, overrides, scoring, asset, sources.content(asset.id, asset.revision))
    try:
        spec = _spec(sources, job, request)
    except BaseException as error:
        inline_tables.discard(context, request.inline, error)
        raise
    return Frozen(name=request.name, spec=spec)


def queue(connection: Connection, new: Sequence[tuple[Run, RunSpec]]) -> None:
    """Queue many runs at one go, within a transaction that is open; each has its place in their order."""
    runs.create_all(connection, new)
    run_contents.hold_all(connection, {run.id: content_keys(spec) for run, spec in new})


def _checked(  # what is to be run, with what
    context: Context,
    job: Job,
    overrides: Overrides,
    scoring: Mapping[str, Any],
    asset: Asset,
    content: Attachment | None,
) -> RunRequest:
    tables = _tables(context, scoring.get("input_data"))
    try:
        request = _request(job, overrides, scoring, tables)
        run_specs.check_shape(request)
        run_specs.check_rows(context, asset, request.inline)
        check_beginning(context, asset, content, request.entrypoint)
        return replace(request, flow=flows.of_asset(context, asset, content))
    except BaseException as error:
        inline_tables.discard(context, tables, error)
        raise


def _seen_before(context: Context, actor: Actor, job_id: str, overrides: Overrides) -> tuple[Run, Job] | None:
    if not overrides.idempotency_key:
        return None
    with context.database.snapshot() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
        run = runs.by_idempotency_key(connection, actor.user_id, overrides.idempotency_key)
    if run is not None and run.job_id != job.id:
        raise Conflict("This Idempotency-Key has started a run of another job; take a new one.")
    return (run, job) if run else None


def create(  # what is queued, and for whom
    context: Context,
    connection: Connection,
    actor: Actor,
    job: Job,
    prepared: Prepared,
    *,
    overrides: Overrides,
) -> Run:
    """Queue a prepared run, within a transaction that is open."""
    refuse_paused(connection, job.space_id)
    task_credentials.require(connection, actor.user_id)
    spec = _spec(RunSources(connection), job, prepared.request)
    run = new_run(context, actor, job, name=prepared.request.name, kind=spec.kind)
    run = replace(run, description=overrides.description)
    return runs.create(connection, run, spec, contents=content_keys(spec), idempotency_key=overrides.idempotency_key)


def named(context: Context, run_ids: Sequence[str]) -> list[tuple[Run, Job]]:
    """Return the runs with these ids, which a search had found for the actor, each with its job."""
    with context.database.snapshot() as connection:
        found = runs.these(connection, run_ids)
        of_runs = {job.id: job for job in job_store.these(connection, [run.job_id for run in found])}
    return [(run, of_runs[run.job_id]) for run in found]


def discard(context: Context, prepared: Prepared, error: BaseException | None = None) -> None:
    """Remove the rows of a run that was not queued, because of ``error`` or because its tick was not to run."""
    inline_tables.discard(context, prepared.request.inline, error)


def rerun(context: Context, actor: Actor, job_id: str, run_id: str) -> tuple[Run, Job]:
    """Queue a run with the very specification of an earlier one, whatever has become of its job and assets since."""
    with context.database.transaction() as connection:
        job, found = earlier(connection, actor, job_id, run_id)
        spec = runs.spec(connection, run_id)
        again = new_run(context, actor, job, name=found.name, kind=spec.kind)
        again, keys = replace(again, description=found.description), run_contents.held(connection, run_id)
        run = runs.create(connection, again, spec, contents=keys)
    context.wake()
    return run, job


def earlier(connection: Connection, actor: Actor, job_id: str, run_id: str) -> tuple[Job, Run]:
    """Return a job and the run of it that is to be done again, by an actor who may do so now.

    Raises:
        Conflict: the job has no such run, or its space is paused.

    """
    job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
    refuse_paused(connection, job.space_id)
    task_credentials.require(connection, actor.user_id)
    found = runs.get(connection, run_id)
    if found is None or found.job_id != job.id or found.deleted_at is not None:
        raise Conflict(f"Job {job_id} has no run {run_id} to do again.", code="run_not_found")
    return job, found


def _scoring(sources: RunSources, job: Job, overrides: Overrides) -> dict[str, Any]:
    """Return the scoring section: the definition's, under the job's, under the run's own."""
    if job.kind is JobKind.DEFAULT:
        raise Conflict(
            f"{job.name} has no input of its own: start its runs with POST /ml/v4/deployment_jobs, or make a job with "
            "a deployment job definition.",
            code="default_job",
        )
    definition = sources.definition(job.definition_id) if job.definition_id else None
    if job.definition_id and definition is None:
        raise Conflict("The definition of the job is gone; give it another.", code="definition_not_found")
    layers = [definition.document.get("scoring") if definition else None]
    layers += [job.configuration.get("scoring"), overrides.configuration.get("scoring")]
    for layer in layers:
        check_scoring(layer)
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
        environment_variables=_variables(scoring),
        layers=_layers(job, overrides),
        hardware=overrides.configuration.get("hardware_spec") or job.configuration.get("hardware_spec"),
        scoring={name: value for name, value in scoring.items() if name not in known},
        network=read_network({**job.configuration, **overrides.configuration}, where="configuration"),
        timeout_seconds=read_time_limit(overrides.configuration) or read_time_limit(job.configuration),
        environment_id=_environment_id(job, overrides),
        entrypoint=read_entry_point(_configured(job, overrides, "entrypoint")),
        parameters=read_parameters(_configured(job, overrides, "parameters")),
        error_threshold=_error_threshold(job, overrides, scoring),
    )


def _error_threshold(job: Job, overrides: Overrides, scoring: Mapping[str, Any]) -> ErrorThreshold | None:
    """Return what the run says, or else the job, or else the definition, which is part of ``scoring``."""
    said = (read_of_configuration(overrides.configuration), read_of_configuration(job.configuration))
    return next((one for one in said if one is not None), None) or read_of_scoring(scoring)


def _environment_id(job: Job, overrides: Overrides) -> str | None:
    """Return the environment that a self-contained job names; what a deployment runs in is its asset's."""
    named = _configured(job, overrides, "env_id") if job.kind is JobKind.ASSET else None
    return str(named) if named else None


def _configured(job: Job, overrides: Overrides, member: str) -> object:
    return overrides.configuration.get(member, job.configuration.get(member))


def _variables(scoring: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in (scoring.get("environment_variables") or {}).items()}


def _layers(job: Job, overrides: Overrides) -> tuple[ParameterLayer, ParameterLayer]:
    """Return what the job says of parameters and variables, and what the run does."""
    own, of_run = job.configuration, overrides.configuration
    return (
        _layer(own, own.get(PARAMETERS), own.get(PARAMETER_SETS)),
        _layer(of_run, overrides.job_parameters, overrides.parameter_sets),
    )


def _layer(configuration: Mapping[str, Any], parameters: Any, sets: Any) -> ParameterLayer:  # noqa: ANN401 - any JSON
    return ParameterLayer(
        sets=read_parameter_sets(sets),
        values=read_job_parameters(parameters),
        variables=read_variables(configuration.get("env_variables"), where="configuration.env_variables"),
    )


def _asset(sources: RunSources, job: Job) -> tuple[Asset, Mapping[str, Any]]:
    """Return what the job runs, as it is now (or at the version that the job names), and its default hardware."""
    if job.kind is JobKind.DEPLOYMENT:
        deployment = sources.deployment(job.asset_ref)
        if deployment is None or deployment.state is not DeploymentState.READY:
            raise Conflict("The deployment of the job is gone or not ready.", code="deployment_not_ready")
        revision, asset_id, hardware = deployment.asset_revision, deployment.asset_id, deployment.hardware
    else:
        revision, asset_id = read_version(job.configuration.get("version")), job.asset_ref
        hardware = _DEFAULT_HARDWARE
    asset = sources.asset(asset_id, revision or 0)
    if asset is None or asset.deleted_at is not None:
        raise Conflict("The asset of the job is gone.", code="asset_not_found")
    return asset, hardware


def _spec(sources: RunSources, job: Job, request: RunRequest) -> RunSpec:
    """Freeze a request of the job; what a deployment says for all of its runs holds where nothing else was asked."""
    asset, hardware = _asset(sources, job)
    batch = _batch_of_deployment(sources, job)
    if request.parameters is None:
        request = replace(request, parameters=batch.get("parameters"))
    network = read_network(batch, where="batch")
    spec = run_specs.freeze(sources, asset, request, default_hardware=hardware, default_network=network)
    return replace(spec, sealed_variables=job.sealed_variables)


def _batch_of_deployment(sources: RunSources, job: Job) -> Mapping[str, Any]:
    deployment = sources.deployment(job.asset_ref) if job.kind is JobKind.DEPLOYMENT else None
    return deployment.batch if deployment else {}


def content_keys(spec: RunSpec) -> list[str]:
    """Return the keys of the content that a run needs."""
    inputs = [asset.content_key for asset in spec.inputs]
    own = environments.content_keys(spec)
    nodes = [*(spec.flow.content_keys() if spec.flow else ()), *(f.content_key for n in spec.kept for f in n.files)]
    rows = spec.kept_rows.content_keys() if spec.kept_rows else []
    return [spec.asset_content_key, *inline_tables.content_keys(spec.inline), *inputs, *own, *nodes, *rows]


def new_run(context: Context, actor: Actor, job: Job, *, name: str, kind: str) -> Run:
    """Return a run of the job that is to be queued."""
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
        alarm_at=alarm_at(job.notification, EventKind.NOT_STARTED, now),
    )
