"""`/v2/jobs/{id}/runs/{run}/specification`, `/first_rows` and `/rerun_rejected`: extensions of the wire."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from gristmill.api.envelope import WireResponse
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.api.v2.job_document import run_document
from gristmill.api.v2.job_runs import NewRunBody
from gristmill.domain.run_spec import RunSpec
from gristmill.service import rejected_rows, run_insights

router = Router(prefix="/v2/jobs/{job_id}/runs/{run_id}", tag="job runs")


class RunInput(BaseModel):
    """An input: inline rows, a data asset with its content as it was, or data behind a connection."""

    kind: str
    name: str
    asset_id: str | None = None
    bytes: int | None = None
    rows: int | None = None


class RunSoftware(BaseModel):
    """The software specification that a run was frozen with, and what that meant."""

    id: str
    name: str
    platform: str | None
    platform_version: str | None
    extensions: list[str]


class RunSpecification(BaseModel):
    """What a run was frozen with. Secret variables have a name only; ``hardware`` is the specification as it was."""

    kind: str
    asset_id: str
    asset_name: str | None
    asset_revision: int
    asset_type: str
    asset_sha256: str
    software: RunSoftware
    hardware: dict[str, Any]
    cpus: float | None
    memory_limit_bytes: int | None
    network: bool
    timeout_seconds: int | None
    error_threshold: dict[str, Any] | None
    inputs: list[RunInput]
    output: dict[str, Any] | None
    environment_variables: dict[str, str]
    secret_variables: list[str]
    parameters: dict[str, Any] | None
    repair_of: str | None
    rejected_of: str | None


class FirstColumn(BaseModel):
    """A column of a result; ``role`` is input or prediction."""

    name: str
    type: str | None
    role: str


class FirstRows(BaseModel):
    """The first rows of a run's result; ``asset_id`` is that of the data asset that has all of them."""

    columns: list[FirstColumn]
    rows: list[list[Any]]
    row_count: int | None
    asset_id: str | None
    asset_name: str | None


@router.get("/specification")
def specification(ctx: Ctx, me: Me, job_id: str, run_id: str) -> RunSpecification:
    """Return what a run was frozen with: its asset, software, hardware, inputs, output and variables."""
    made = run_insights.made_of(ctx, me, job_id, run_id)
    spec = made.spec
    same = ("kind", "asset_id", "asset_revision", "asset_type", "asset_sha256", "cpus", "memory_limit_bytes", "network")
    more = ("timeout_seconds", "repair_of", "rejected_of")
    return RunSpecification(
        **{name: getattr(spec, name) for name in (*same, *more)},
        asset_name=made.asset.name if made.asset else None,
        software=_software(spec),
        hardware=dict(spec.hardware),
        error_threshold=dict(spec.error_threshold) if spec.error_threshold else None,
        inputs=_inputs(spec),
        output=dict(spec.output_reference) if spec.output_reference else None,
        environment_variables=dict(spec.environment_variables),
        secret_variables=list(made.secrets),
        parameters=dict(spec.parameters) if spec.parameters is not None else None,
    )


@router.get("/first_rows")
def first_rows(
    ctx: Ctx, me: Me, job_id: str, run_id: str, limit: Annotated[int, Query(ge=1, le=500)] = 50
) -> FirstRows:
    """Return the first rows of a run's result, inputs beside predictions."""
    found = run_insights.first_rows(ctx, me, job_id, run_id, limit=limit)
    columns = [
        FirstColumn(
            name=str(column["name"]),
            type=column.get("type"),
            role="input" if column["name"] in found.fed else "prediction",
        )
        for column in found.columns
    ]
    rows = [list(row) for row in found.rows]
    return FirstRows(
        columns=columns, rows=rows, row_count=found.row_count, asset_id=found.asset_id, asset_name=found.asset_name
    )


@router.post("/rerun_rejected", status_code=201)
def rerun_rejected(ctx: Ctx, me: Me, job_id: str, run_id: str, body: NewRunBody | None = None) -> Response:
    """Start a run over nothing but the rows that an earlier one rejected; its result is a data asset of its own."""
    configuration = (body.job_run.configuration if body and body.job_run else None) or {}
    run, job, spec = rejected_rows.rerun(ctx, me, job_id, run_id, configuration)
    return WireResponse(run_document(run, job, spec=spec), status_code=201)


def _software(spec: RunSpec) -> RunSoftware:
    meant = spec.environment
    return RunSoftware(
        id=spec.specification_id,
        name=spec.specification_name,
        platform=meant.platform if meant else None,
        platform_version=meant.platform_version if meant else None,
        extensions=[extension.name for extension in meant.extensions] if meant else [],
    )


def _inputs(spec: RunSpec) -> list[RunInput]:
    inline = [RunInput(kind="inline", name=f"input_data[{n}]", rows=table.rows) for n, table in enumerate(spec.inline)]
    stored = [
        RunInput(kind="data_asset", name=each.name, asset_id=each.asset_id or None, bytes=each.size)
        for each in spec.inputs
    ]
    connected = [
        RunInput(kind="connection", name=each.data.name, asset_id=each.data.connection_id)
        for each in spec.connected_inputs
    ]
    return [*inline, *stored, *connected]
