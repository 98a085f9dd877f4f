"""Staging in: a run directory made from a frozen specification; and the cache of unpacked assets."""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from pathlib import Path

from gristmill.data.source import DataFailed
from gristmill.domain import file_format
from gristmill.domain.data_reference import ConnectedData
from gristmill.domain.error_threshold import ErrorThreshold
from gristmill.domain.errors import Invalid
from gristmill.domain.run import Cause
from gristmill.domain.run_spec import RunSpec
from gristmill.engine import flow_staging
from gristmill.engine.connected_inputs import Reading
from gristmill.engine.file_name import file_name
from gristmill.engine.output_place import output_name, output_path
from gristmill.engine.run_files import KINDS
from gristmill.service import inline_tables, software_specifications, tokens
from gristmill.service.archives import unpack
from gristmill.service.claims import Assignment
from gristmill.service.context import Context
from gristmill.telemetry import scope
from gristmill_runner import protocol

CHUNK_ROWS = 10_000
_TOKEN = "USER_ACCESS_TOKEN"  # noqa: S105 - the variable's name


class RunFailed(Exception):
    """The run cannot go on; the cause is what its user reads."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.cause = Cause(code=code, message=message)


def directory_of(context: Context, assignment: Assignment) -> Path:
    """Return the run directory: one per attempt, so that two attempts never meet in one."""
    return context.data_dir / "runs" / f"{assignment.run.id}.{assignment.run.fence}"


def stage_in(context: Context, assignment: Assignment, reading: Reading) -> Path:
    """Lay out everything that the child needs.

    Raises:
        RunFailed: an input cannot be had.
        Interrupted: the run is no longer wanted.
        TooMuch: an input is larger than what a run may have on disk.

    """
    directory, spec = directory_of(context, assignment), assignment.spec
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
        files=_files(context, spec, directory, reading),
        output=_output(assignment),
        environment_variables=_variables(context, spec),
        platform_variables=_platform_variables(context, assignment) if _speaks_to_us(spec) else {},
        entrypoint=spec.entrypoint,
        parameters=dict(spec.parameters) if spec.parameters is not None else None,
        variable_parameters=dict(spec.environment_variables),
        flow=_flow(context, spec, directory),
        chunk_rows=CHUNK_ROWS,
        scorers=max(1, int(spec.cpus or 1)),
        error_threshold=_error_threshold(spec),
        row_limit=spec.row_limit,
        specification_name=spec.specification_name,
        specification_packages=dict(software.packages),
        memory_limit_bytes=spec.memory_limit_bytes,
    )
    protocol.write_spec(directory, document)
    if _reads_payload(spec):
        (directory / protocol.PAYLOAD).write_text(json.dumps(_payload(assignment)), encoding="utf-8")
    return directory


def _error_threshold(spec: RunSpec) -> protocol.ErrorThreshold:
    threshold = ErrorThreshold.of(spec.error_threshold)
    return {"share": threshold.share} if threshold.share is not None else {"rows": threshold.rows or 0}


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
    staged = protocol.read_spec(directory) if _speaks_to_us(spec) else protocol.Spec()
    token = staged.get("platform_variables", {}).get(_TOKEN)
    return [*_sealed(context, spec).values(), *([token] if token else [])]


def has_kernel(spec: RunSpec) -> bool:
    """Tell whether what drives the run is not in its own environment: that of a kernel, or of a flow's scripts."""
    return spec.kind in {"notebook", "flow"} or (
        spec.kind == "code_package" and str(spec.entrypoint).endswith(".ipynb")
    )


def name_interpreter(directory: Path, python: Path) -> None:
    """Let the kernel of a run that is staged, or a flow's scripts, have this interpreter."""
    protocol.write_spec(directory, {**protocol.read_spec(directory), "python": str(python)})


def _variables(context: Context, spec: RunSpec) -> dict[str, str]:
    """Return the run's variables; those of one run win over the job's secret ones, and over the span that it is in."""
    span = scope.traceparent()
    traced = {"TRACEPARENT": span} if span else {}
    return {**traced, **_sealed(context, spec), **spec.environment_variables}


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


def _reads_payload(spec: RunSpec) -> bool:
    """Tell whether anything of the run looks at the request: models do not, and functions only instead of rows."""
    return spec.kind != "model" and not (spec.kind == "function" and spec.inline)


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


def _files(context: Context, spec: RunSpec, directory: Path, reading: Reading) -> list[protocol.InputFile]:
    """Lay down the inputs in the order of their references."""
    local, connected = iter(spec.inputs), {one.position: one.data for one in spec.connected_inputs}
    taken: set[str] = set()
    files: list[protocol.InputFile] = []
    for number in range(len(spec.inputs) + len(connected)):
        if number in connected:
            files.append(_connected_file(connected[number], number, directory, taken=taken, reading=reading))
            continue
        asset = next(local)
        path = f"{protocol.INPUTS}/{file_name(asset.name, number, taken)}"
        context.content.materialize(asset.content_key, directory / path)
        files.append({"path": path, "name": asset.name, "format": file_format.of_input(asset.name)})
    return files


def _connected_file(
    data: ConnectedData, number: int, directory: Path, *, taken: set[str], reading: Reading
) -> protocol.InputFile:
    # Tables are read as what they are, whatever their names end with.
    own_name = data.name if data.table is None else f"{data.name}.arrow"
    path = f"{protocol.INPUTS}/{file_name(own_name, number, taken)}"
    try:
        read = reading.lay(data, directory / path)
    except DataFailed as error:
        raise RunFailed(error.code, error.message) from error
    # What is there may change from one attempt to the next: rows that were scored before would not be these.
    file: protocol.InputFile = {"path": path, "name": data.name, "digest": _digest(directory / path)}
    if data.table is None:
        return {**file, "format": file_format.of_input(data.name)}
    return {**file, "format": "arrow", "rows": read}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _output(assignment: Assignment) -> protocol.Output:
    path = output_path(assignment)
    if path is None:
        return {"kind": "inline"}
    connected = assignment.spec.connected_output
    if connected is not None and connected.data.table is not None:
        return {"kind": "table", "path": path, "format": "arrow"}
    return {"kind": "file", "path": path, "format": file_format.of_output(output_name(assignment))}
