"""Submitting a deployment job: everything that can be known now is checked now, then the run is frozen and queued."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gristmill.domain import model_schema
from gristmill.domain.asset import Asset, AssetType
from gristmill.domain.deployment import Deployment, DeploymentState
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.run import Run, RunState
from gristmill.domain.run_spec import InlineTable, InputAsset, RunSpec
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import hardware_specifications, inline_tables, software_specifications, task_credentials
from gristmill.service.context import Context
from gristmill.service.deployments import visible
from gristmill.store import assets, attachments, jobs, run_contents, runs
from gristmill.store.database import Connection, ConstraintViolated

_ASSET_IN_HREF = re.compile(r"/assets/([^/?]+)")
_MAX_RETENTION_DAYS = 36_500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeploymentJob:
    """What a client asks to run. ``scoring`` holds the members of the section that have no field of their own."""

    space_id: str | None
    deployment_id: str
    name: str
    inline: Sequence[InlineTable] = ()
    input_references: Sequence[Mapping[str, Any]] | None = None
    output_reference: Mapping[str, Any] | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, Any] | None = None
    scoring: Mapping[str, Any] = field(default_factory=dict)
    retention_days: int | None = None
    idempotency_key: str | None = None


def submit(context: Context, actor: Actor, new: NewDeploymentJob) -> tuple[Run, RunSpec]:
    """Queue a run. The same idempotency key of the same user gives the same run again.

    Raises:
        Invalid: the request does not fit the deployment, its asset or the model's schema; the field is named.
        TaskCredentialMissing: the actor has no valid task credential.
        Conflict: the deployment failed.

    """
    _check_shape(new)
    with context.database.snapshot() as connection:
        again = _seen_before(connection, actor, new)
        if again:
            return again
        deployment = visible(connection, actor, new.space_id, new.deployment_id, Permission.EDIT)
        asset = _asset(connection, deployment)
    _check_rows(context, asset, new.inline)
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


def _create(context: Context, connection: Connection, actor: Actor, new: NewDeploymentJob) -> tuple[Run, RunSpec]:
    again = _seen_before(connection, actor, new)
    if again:
        return again
    deployment = visible(connection, actor, new.space_id, new.deployment_id, Permission.EDIT)
    if deployment.state is not DeploymentState.READY:
        raise Conflict(f"Deployment {deployment.name} is not ready: {deployment.failure}", code="deployment_not_ready")
    task_credentials.require(connection, actor.user_id)
    spec = _freeze(connection, deployment, new)
    run = _run(context, connection, actor, deployment, new, kind=spec.kind)
    run = runs.create(connection, run, spec, idempotency_key=new.idempotency_key)
    held = [spec.asset_content_key, *inline_tables.content_keys(spec.inline), *(i.content_key for i in spec.inputs)]
    run_contents.hold(connection, run.id, held)
    return run, spec


def _seen_before(connection: Connection, actor: Actor, new: NewDeploymentJob) -> tuple[Run, RunSpec] | None:
    if not new.idempotency_key:
        return None
    run = runs.by_idempotency_key(connection, actor.user_id, new.idempotency_key)
    return (run, runs.spec(connection, run.id)) if run else None


def _check_shape(new: NewDeploymentJob) -> None:
    if new.inline and new.input_references:
        raise Invalid(
            "scoring: send either input_data or input_data_references, not both.", field="scoring.input_data_references"
        )
    if not new.inline and new.input_references is None:
        raise Invalid("scoring: there is no input: send input_data or input_data_references.", field="scoring")
    if new.inline and new.output_reference:
        raise Invalid(
            "scoring.output_data_reference: it goes with input_data_references; inline results come back inline.",
            field="scoring.output_data_reference",
        )
    days = new.retention_days
    if days is not None and not -1 <= days <= _MAX_RETENTION_DAYS:
        raise Invalid(f"retention: {days} is not a number of days from -1 (never) up.", field="retention")


def _check_rows(context: Context, asset: Asset, tables: Sequence[InlineTable]) -> None:
    """Hold inline rows against the model's schema; the first row that does not fit is named."""
    fields = model_schema.fields_of(asset.entity) if asset.type == AssetType.MODEL else None
    for number, table in enumerate(tables):
        if fields is None:
            continue
        checker = model_schema.Checker(fields, table.fields, where=f"scoring.input_data[{number}]")
        first = 1
        for batch in inline_tables.batches(context, table):
            checker.rows(first, batch)
            first += len(batch)


def _freeze(connection: Connection, deployment: Deployment, new: NewDeploymentJob) -> RunSpec:
    asset = _asset(connection, deployment)
    content = attachments.content_of(connection, asset.id, revision=asset.revision)
    if content is None:
        raise Conflict(f"Asset {asset.name} has lost its content; upload it again.", code="asset_without_content")
    kind = _kind(asset, new)
    software = software_specifications.find(connection, deployment.space_id, _software(asset))
    hardware = _hardware(connection, deployment, new)
    fields = model_schema.fields_of(asset.entity) if kind == "model" else None
    inputs, references = _inputs(connection, deployment.space_id, new.input_references)
    return RunSpec(
        kind=kind,
        asset_id=asset.id,
        asset_revision=asset.revision,
        asset_type=str(asset.entity.get("type", asset.type)),
        asset_content_key=str(content.content_key),
        asset_sha256=str(content.sha256),
        asset_content_name=content.name,
        specification_id=software.id,
        specification_name=software.name,
        fields=[{"name": field.name, "type": field.type} for field in fields] if fields else None,
        hardware=hardware["document"],
        memory_limit_bytes=hardware["memory_bytes"],
        inline=tuple(new.inline),
        inputs=inputs,
        input_references=references,
        output_reference=_output(new),
        output_asset_id=_overwritten(connection, deployment.space_id, new.output_reference),
        environment_variables=dict(new.environment_variables),
        scoring=new.scoring,
    )


def _kind(asset: Asset, new: NewDeploymentJob) -> str:
    match asset.type:
        case AssetType.MODEL:
            return "model"
        case AssetType.FUNCTION:
            return "function"
        case _ if new.inline:
            raise Invalid(
                "scoring.input_data: a script takes its input from input_data_references.", field="scoring.input_data"
            )
        case _:
            language = asset.entity.get("script", {}).get("language", {}).get("name", "python3")
            return "r_script" if str(language).upper() == "R" else "python_script"


def _software(asset: Asset) -> str:
    """Return the id or name of the asset's software specification, wherever its kind keeps it."""
    described = asset.entity.get("script", asset.entity).get("software_spec", {})
    return str(described.get("id") or described.get("base_id") or described.get("name") or "")


def _hardware(connection: Connection, deployment: Deployment, new: NewDeploymentJob) -> dict[str, Any]:
    wanted = dict(new.hardware or deployment.hardware)
    found = hardware_specifications.find(connection, deployment.space_id, wanted.get("id") or wanted.get("name"))
    return {"document": {**wanted, "id": found.id, "name": found.name}, "memory_bytes": found.memory_bytes}


def _inputs(
    connection: Connection, space_id: str, references: Sequence[Mapping[str, Any]] | None
) -> tuple[tuple[InputAsset, ...], list[dict[str, Any]] | None]:
    """Resolve the references to content as it is now; connections are resolved when the run starts."""
    if references is None:
        return (), None
    found = [
        _input(connection, space_id, number, reference)
        for number, reference in enumerate(references)
        if reference.get("type", "data_asset") == "data_asset"
    ]
    return tuple(asset for asset in found if asset), [dict(reference) for reference in references]


def _input(connection: Connection, space_id: str, number: int, reference: Mapping[str, Any]) -> InputAsset | None:
    where = f"scoring.input_data_references[{number}].location"
    asset = _referenced(connection, space_id, reference, where)
    content = attachments.content_of(connection, asset.id)
    if content is not None:
        name, key = asset.name, str(content.content_key)
        return InputAsset(asset_id=asset.id, name=name, content_key=key, size=content.size)
    if any(attachment.connection_id for attachment in attachments.of_assets(connection, [asset.id])[asset.id]):
        return None
    raise Invalid(f"{where}: data asset {asset.name} has no content.", code="asset_without_content", field=where)


def _referenced(connection: Connection, space_id: str, reference: Mapping[str, Any], where: str) -> Asset:
    location = reference.get("location") or {}
    named = _ASSET_IN_HREF.search(str(location.get("href", "")))
    asset_id = named.group(1) if named else location.get("id")
    if not asset_id:
        raise Invalid(f"{where}.href: it names no asset; write /v2/assets/<id>.", field=f"{where}.href")
    asset = assets.get(connection, str(asset_id))
    if asset is None or asset.space_id != space_id or asset.deleted_at is not None:
        raise Invalid(f"{where}: there is no asset {asset_id} in this space.", code="asset_not_found", field=where)
    return asset


def _output(new: NewDeploymentJob) -> dict[str, Any] | None:
    if new.output_reference is None:
        return None
    location = new.output_reference.get("location") or {}
    local = new.output_reference.get("type", "data_asset") == "data_asset"
    if local and not (location.get("name") or location.get("href")):
        where = "scoring.output_data_reference.location.name"
        raise Invalid(f"{where}: name the data asset that is to hold the results.", field=where)
    return dict(new.output_reference)


def _overwritten(connection: Connection, space_id: str, reference: Mapping[str, Any] | None) -> str | None:
    """Return the asset that the output overwrites: one given by href and not by name."""
    location = (reference or {}).get("location") or {}
    if reference is None or location.get("name") or not location.get("href"):
        return None
    return _referenced(connection, space_id, reference, "scoring.output_data_reference.location").id


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
