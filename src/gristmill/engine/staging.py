"""Staging in: a run directory made from a frozen specification; and the cache of unpacked assets."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from gristmill.domain.errors import Invalid
from gristmill.domain.run import Cause
from gristmill.domain.run_spec import InputAsset, RunSpec
from gristmill.engine import flow_staging
from gristmill.engine.file_name import file_name
from gristmill.engine.run_files import KINDS
from gristmill.service import inline_tables, software_specifications, tokens
from gristmill.service.archives import unpack
from gristmill.service.claims import Assignment
from gristmill.service.context import Context
from gristmill_runner import protocol

CHUNK_ROWS = 10_000
_TOKEN = "USER_ACCESS_TOKEN"  # noqa: S105 - the variable's name
# What lies behind connections is the code's own business: the references are in its JOBS_PAYLOAD_FILE.
_READ_THEMSELVES = KINDS - {"flow"}
_FORMATS = {".parquet": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}


class RunFailed(Exception):
    """The run cannot go on; the cause is what its user reads."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.cause = Cause(code=code, message=message)


def directory_of(context: Context, assignment: Assignment) -> Path:
    """Return the run directory: one per attempt, so that two attempts never meet in one."""
    return context.data_dir / "runs" / f"{assignment.run.id}.{assignment.run.fence}"


def stage_in(context: Context, assignment: Assignment) -> Path:
    """Lay out everything that the child needs.

    Raises:
        RunFailed: an input cannot be had.

    """
    directory, spec = directory_of(context, assignment), assignment.spec
    _refuse_connections(spec)
    (directory / protocol.INPUTS).mkdir(parents=True)
    software = software_specifications.of_run(context, assignment.run.space_id, spec.specification_id)
    document = protocol.Spec(
        version=protocol.VERSION,
        run_id=assignment.run.id,
        kind=spec.kind,
        asset_path=str(unpacked(context, spec)),
        asset_type=spec.asset_type,
        fields=[protocol.Field(name=field["name"], type=field["type"]) for field in spec.fields or []] or None,
        inline=_inline(context, spec, directory),
        files=_files(context, spec.inputs, directory),
        output=_output(spec),
        environment_variables=_variables(context, spec),
        platform_variables=_platform_variables(context, assignment) if _speaks_to_us(spec) else {},
        entrypoint=spec.entrypoint,
        parameters=dict(spec.parameters) if spec.parameters is not None else None,
        variable_parameters=dict(spec.environment_variables),
        flow=_flow(context, spec, directory),
        chunk_rows=CHUNK_ROWS,
        specification_name=spec.specification_name,
        specification_packages=dict(software.packages),
        memory_limit_bytes=spec.memory_limit_bytes,
    )
    protocol.write_spec(directory, document)
    (directory / protocol.PAYLOAD).write_text(json.dumps(_payload(assignment)), encoding="utf-8")
    return directory


def unpacked(context: Context, spec: RunSpec) -> Path:
    """Return the asset's unpacked content."""
    return _cached(context, spec.asset_content_key, spec.asset_content_name)


def places(context: Context, spec: RunSpec) -> list[Path]:
    """Return where the run's assets are unpacked: its own, and those of a flow's nodes."""
    contents = [node.content for node in spec.flow.nodes if node.content] if spec.flow else []
    return [unpacked(context, spec), *(_cached(context, each.content_key, each.name) for each in contents)]


def _flow(context: Context, spec: RunSpec, directory: Path) -> protocol.Flow | None:
    if spec.flow is None:
        return None
    tree = unpacked(context, spec)
    return flow_staging.lay_out(
        context, spec, directory, asset_of=lambda own: _cached(context, own.content_key, own.name) if own else tree
    )


def _cached(context: Context, key: str, name: str) -> Path:
    """Unpack content, unless it is in the cache; the rename makes it appear whole."""
    target = context.data_dir / "cache" / "assets" / key.replace("/", "-")
    if target.exists():
        return target
    draft = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    draft.parent.mkdir(parents=True, exist_ok=True)
    try:
        with context.content.open(key) as stream:
            unpack(stream, draft, name=name, limits=context.limits)
        draft.rename(target)
    except Invalid as error:
        raise RunFailed(error.code, f"The content of the asset cannot be unpacked: {error.message}") from error
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target


def secret_values(context: Context, spec: RunSpec, directory: Path) -> list[str]:
    """Return what no log may show: the values of secret variables, and the token in a directory that is staged."""
    token = protocol.read_spec(directory).get("platform_variables", {}).get(_TOKEN)
    return [*_sealed(context, spec).values(), *([token] if token else [])]


def has_kernel(spec: RunSpec) -> bool:
    """Tell whether what drives the run is not in its own environment: that of a kernel, or of a flow's scripts."""
    return spec.kind in {"notebook", "flow"} or (
        spec.kind == "code_package" and str(spec.entrypoint).endswith(".ipynb")
    )


def name_interpreter(directory: Path, python: Path) -> None:
    """Let the kernel of a run that is staged, or a flow's scripts, have this interpreter."""
    protocol.write_spec(directory, {**protocol.read_spec(directory), "python": str(python)})


def format_of(name: str) -> str:
    """Return the format that a file's name tells: CSV unless its ending says otherwise."""
    return _FORMATS.get(PurePosixPath(name).suffix.lower(), "csv")


def _variables(context: Context, spec: RunSpec) -> dict[str, str]:
    """Return the run's variables; those of one run win over the job's secret ones."""
    return {**_sealed(context, spec), **spec.environment_variables}


def _sealed(context: Context, spec: RunSpec) -> dict[str, str]:
    if not spec.sealed_variables:
        return {}
    variables: dict[str, str] = json.loads(context.secrets.decrypt(spec.sealed_variables))
    return variables


def _speaks_to_us(spec: RunSpec) -> bool:
    """Tell whether the run's code is told of the server: functions are where they take references."""
    return spec.kind in KINDS or (spec.kind == "function" and not spec.inline)


def _platform_variables(context: Context, assignment: Assignment) -> dict[str, str]:
    """Return the variables by which user code finds the server, and may speak to it for as long as the run lasts."""
    variables = {"SPACE_ID": assignment.run.space_id}
    if context.public_url:
        variables["RUNTIME_ENV_APSX_URL"] = context.public_url
    token = tokens.for_run(context, assignment.run)
    return {**variables, _TOKEN: token.value} if token else variables


def _payload(assignment: Assignment) -> dict[str, object]:
    """Return the request as scripts read it from ``JOBS_PAYLOAD_FILE``; rows stay where they are."""
    run, spec = assignment.run, assignment.spec
    scoring = {
        **spec.scoring,
        "input_data_references": list(spec.input_references or []),
        "output_data_reference": spec.output_reference,
        "environment_variables": dict(spec.environment_variables),
    }
    deployment = {"id": run.deployment_id}
    return {"name": run.name, "space_id": run.space_id, "deployment": deployment, "scoring": scoring}


def _inline(context: Context, spec: RunSpec, directory: Path) -> list[protocol.InlineTable]:
    tables: list[protocol.InlineTable] = []
    for number, table in enumerate(spec.inline):
        path = f"{protocol.INPUTS}/{number}.jsonl"
        with (directory / path).open("wb") as file:
            file.writelines(inline_tables.blocks(context, table))
        fields = list(table.fields) if table.fields is not None else None
        tables.append({"path": path, "fields": fields, "rows": table.rows, "members": dict(table.members)})
    return tables


def _files(context: Context, inputs: Sequence[InputAsset], directory: Path) -> list[protocol.InputFile]:
    files: list[protocol.InputFile] = []
    taken: set[str] = set()
    for number, asset in enumerate(inputs):
        name = file_name(asset.name, number, taken)
        path = f"{protocol.INPUTS}/{name}"
        context.content.materialize(asset.content_key, directory / path)
        files.append({"path": path, "name": asset.name, "format": format_of(asset.name)})
    return files


def _output(spec: RunSpec) -> protocol.Output:
    if spec.stored_output is None:
        return {"kind": "inline"}
    return {"kind": "file", "path": output_path(spec), "format": format_of(output_name(spec))}


def output_path(spec: RunSpec) -> str:
    """Return where in the run directory the results go that an asset is to hold."""
    return f"{protocol.OUTPUTS}/{file_name(output_name(spec), 0, set())}"


def output_name(spec: RunSpec) -> str:
    """Return the name of the data asset that is to hold the results."""
    location = (spec.output_reference or {}).get("location") or {}
    return str(location.get("name") or "results.csv")


def _refuse_connections(spec: RunSpec) -> None:
    if spec.kind in _READ_THEMSELVES:
        return
    references = [*(spec.input_references or []), *([spec.output_reference] if spec.output_reference else [])]
    remote = [reference for reference in references if reference.get("type", "data_asset") != "data_asset"]
    unresolved = len(spec.input_references or []) > len(spec.inputs)
    if remote or unresolved:
        kind = remote[0].get("type") if remote else "connected data_asset"
        raise RunFailed(
            "connection_not_supported",
            f"A reference of type {kind} needs a connection, which this version cannot read or write yet. "
            "Put the data into a data asset of the space.",
        )
