"""Freezing: from what a client asks for to a specification that holds everything a run needs, checked and resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gristmill.domain import model_schema
from gristmill.domain.asset import FLOWS, Asset, AssetType, Attachment
from gristmill.domain.error_threshold import ErrorThreshold
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.hardware_units import number_of_nodes
from gristmill.domain.job_parameters import ParameterLayer
from gristmill.domain.network import may_use_network
from gristmill.domain.run_spec import InlineTable, RunSpec
from gristmill.domain.script import Language, check_platform, language_of
from gristmill.domain.specification import SoftwareSpecification
from gristmill.domain.worker_labels import read_labels
from gristmill.service import flows, inline_tables, references, run_parameters, software_specifications
from gristmill.service.context import Context
from gristmill.service.flows import StoredFlow
from gristmill.service.run_sources import RunSources

_MAX_RETENTION_DAYS = 36_500
_ENVIRONMENT = "configuration.env_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a client asks to be run. ``scoring`` holds the members of the section that have no field of their own.

    ``environment_id`` is the id or name of a software specification, which wins over the asset's own. ``flow`` is what
    the asset's content was read as, where it is a flow. ``layers`` are what job and run say of parameters and
    variables, over ``environment_variables``.
    """

    name: str
    inline: Sequence[InlineTable] = ()
    input_references: Sequence[Mapping[str, Any]] | None = None
    output_reference: Mapping[str, Any] | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    hardware: Mapping[str, Any] | None = None
    scoring: Mapping[str, Any] = field(default_factory=dict)
    retention_days: int | None = None
    timeout_seconds: int | None = None
    network: bool | None = None
    environment_id: str | None = None
    entrypoint: str | None = None
    parameters: Mapping[str, Any] | None = None
    flow: StoredFlow | None = None
    error_threshold: ErrorThreshold | None = None
    row_limit: int | None = None
    layers: Sequence[ParameterLayer] = ()


def check_shape(new: RunRequest) -> None:
    """Refuse a request whose parts do not go together."""
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


def check_rows(context: Context, asset: Asset, tables: Sequence[InlineTable]) -> None:
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


def freeze(
    sources: RunSources,
    asset: Asset,
    new: RunRequest,
    *,
    default_hardware: Mapping[str, Any],
    default_network: bool | None = None,
) -> RunSpec:
    """Return the specification of a run of the asset, as everything is now.

    Raises:
        Invalid: a reference or a specification is unknown, or the input does not fit the kind of asset.
        Conflict: the asset, or a package extension of its software specification, has no content.

    """
    content, kind = _content(sources, asset), _kind(asset, new)
    software = _software(sources, asset, new)
    hardware = _hardware(sources, asset.space_id, new.hardware or default_hardware)
    given = run_parameters.resolve(sources, asset.space_id, new.layers)
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
        fields=_fields(asset) if kind == "model" else None,
        hardware=hardware["document"],
        memory_limit_bytes=hardware["memory_bytes"],
        cpus=hardware["cpus"],
        nodes=hardware["nodes"],
        network=may_use_network(kind, new.network, default_network),
        timeout_seconds=new.timeout_seconds,
        inline=tuple(new.inline),
        **_data(sources, asset.space_id, new, kind=kind),
        environment_variables={**new.environment_variables, **given.variables},
        entrypoint=new.entrypoint,
        parameters={**(new.parameters or {}), **given.values} if given.values else new.parameters,
        job_parameters=given.values,
        parameter_sets=given.sets,
        flow=flows.plan(sources, asset, new.flow),
        scoring=new.scoring,
        error_threshold=(new.error_threshold or ErrorThreshold()).document(),
        row_limit=new.row_limit,
        environment=sources.environment(asset.space_id, software),
    )


def _fields(asset: Asset) -> list[dict[str, str]] | None:
    fields = model_schema.fields_of(asset.entity)
    return [{"name": field.name, "type": field.type} for field in fields] if fields else None


def _content(sources: RunSources, asset: Asset) -> Attachment:
    content = sources.content(asset.id, asset.revision)
    if content is None:
        raise Conflict(f"Asset {asset.name} has lost its content; upload it again.", code="asset_without_content")
    return content


def _kind(asset: Asset, new: RunRequest) -> str:
    """Return the runner's kind for the asset; what it has no kind for yet fails there, with that as its cause."""
    if asset.type == AssetType.MODEL:
        return "model"
    if asset.type == AssetType.FUNCTION:
        return "function"
    if new.inline:
        message = f"scoring.input_data: a {asset.type} takes its input from input_data_references."
        raise Invalid(message, field="scoring.input_data")
    if asset.type in FLOWS:
        return "flow"
    if asset.type != AssetType.SCRIPT:
        return str(asset.type)
    return "r_script" if language_of(asset.entity) is Language.R else "python_script"


def environment_of(sources: RunSources, asset: Asset, id_or_name: str) -> SoftwareSpecification:
    """Return the software specification that a job names for its asset.

    Raises:
        Invalid: the space has none of this id or name, or it is of another language than the script.

    """
    try:
        found = sources.software(asset.space_id, id_or_name)
    except Invalid as error:
        raise Invalid(f"{_ENVIRONMENT}: {error.message}", code=error.code, field=_ENVIRONMENT) from error
    if asset.type == AssetType.SCRIPT:
        check_platform(language_of(asset.entity), found.name, found.platform, field=_ENVIRONMENT)
    return found


def _software(sources: RunSources, asset: Asset, new: RunRequest) -> SoftwareSpecification:
    """Return the software specification that is asked for, or else the asset's; our own where it names none."""
    if new.environment_id:
        return environment_of(sources, asset, new.environment_id)
    # A plain asset's entity has one member, named for its type.
    own = asset.entity.get(asset.type)
    described = (own if isinstance(own, Mapping) else asset.entity).get("software_spec") or {}
    named = described.get("id") or described.get("base_id") or described.get("name")
    return sources.software(asset.space_id, str(named or software_specifications.own_environment().name))


def _hardware(sources: RunSources, space_id: str, reference: Mapping[str, Any]) -> dict[str, Any]:
    found = sources.hardware(space_id, reference.get("id") or reference.get("name"))
    read_labels(reference.get("labels"), "hardware_spec.labels")
    nodes = number_of_nodes(reference.get("num_nodes"), field="hardware_spec.num_nodes")
    return {
        "document": {**reference, "id": found.id, "name": found.name},
        "memory_bytes": found.memory_bytes,
        "cpus": found.cpus,
        "nodes": nodes or found.number_of_nodes,
    }


def _data(sources: RunSources, space_id: str, new: RunRequest, *, kind: str) -> dict[str, Any]:
    """Return the members of a specification that say what is read, and where the results go."""
    inputs = references.inputs(sources, space_id, new.input_references or (), kind=kind)
    output = references.output(sources, space_id, new.output_reference, kind=kind)
    given = new.input_references
    return {
        "inputs": inputs.local,
        "connected_inputs": inputs.connected,
        "input_references": None if given is None else [dict(reference) for reference in given],
        "output_reference": dict(new.output_reference) if new.output_reference is not None else None,
        "output_asset_id": output.asset_id,
        "connected_output": output.connected,
        "output_left": output.left,
    }
