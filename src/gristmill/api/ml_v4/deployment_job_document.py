"""A deployment job as the ML API shows it. Rows are streamed: they may be larger than memory."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from gristmill.api.envelope import instant, without_none
from gristmill.domain.run import FINAL, Cause, Run, RunState
from gristmill.domain.run_spec import InlineTable, RunResult, RunSpec
from gristmill.service import inline_tables
from gristmill.service.context import Context
from gristmill.service.runs import RunDetails

STATES = {RunState.STARTING: "starting", RunState.CANCELING: "running"}


def listed(run: Run) -> dict[str, Any]:
    """Return a job as lists show it: without rows and predictions."""
    scoring = {"status": status(run)}
    return _document(run, scoring)


def streamed(context: Context, found: RunDetails, *, include: Collection[str] = ()) -> Iterator[bytes]:
    """Yield the whole document, rows and predictions in place. ``include`` keeps only those members of scoring."""
    scoring = _scoring(found.run, found.spec, found.result)
    tables: dict[str, InlineTable] = {}
    for name, rows in (("input_data", found.spec.inline), ("predictions", _predictions(found.result))):
        if rows:
            scoring[name] = [_element(table, tables) for table in rows]
    if include:
        scoring = {name: value for name, value in scoring.items() if name in {*include, "status"}}
    document = _document(found.run, scoring, hardware=found.spec.hardware)
    return _with_rows(context, json.dumps(document, indent=1, ensure_ascii=False), tables)


def status(run: Run) -> dict[str, Any]:
    """Return the status object that the clients poll."""
    found: dict[str, Any] = {
        "state": STATES.get(run.state, str(run.state)),
        "running_at": instant(run.started_at),
        "completed_at": instant(run.finished_at),
    }
    if run.rows_done is not None:
        pace = {} if run.state in FINAL else dict(run.pace or {})
        found["progress"] = without_none({"rows_done": run.rows_done, "rows_total": run.rows_total, **pace})
    if run.rows_read is not None:
        found["rows"] = {name: getattr(run, f"rows_{name}") for name in ("read", "scored", "rejected", "not_attempted")}
    if run.warning:
        found["message"] = {"level": "warning", "text": run.warning}
    if run.cause and run.state is RunState.FAILED:
        found["message"] = {"level": "error", "text": run.cause.message}
        found["failure"] = failure(run.id, run.cause)
    return found


def failure(trace: str, cause: Cause) -> dict[str, Any]:
    """Return the wire's failure object."""
    error = {"code": cause.code, "message": cause.message}
    if cause.traceback:
        error["more_info"] = cause.traceback
    return {"trace": trace, "errors": [error]}


def _document(run: Run, scoring: dict[str, Any], *, hardware: Any = None) -> dict[str, Any]:  # noqa: ANN401 - JSON
    entity = {
        "deployment": {"id": run.deployment_id},
        "hardware_spec": dict(hardware) if hardware else None,
        "platform_job": {"job_id": run.job_id, "run_id": run.id},
        "scoring": scoring,
    }
    metadata = {
        "id": run.deployment_job_id,
        "name": run.name,
        "created_at": instant(run.created_at),
        "modified_at": instant(run.modified_at),
        "owner": run.requester_id,
        "space_id": run.space_id,
        "retention": run.retention_days,
    }
    return {"entity": without_none(entity), "metadata": without_none(metadata)}


def _scoring(run: Run, spec: RunSpec, result: RunResult | None) -> dict[str, Any]:
    scoring: dict[str, Any] = {**spec.scoring}
    if spec.input_references is not None:
        scoring["input_data_references"] = list(spec.input_references)
    if spec.output_reference is not None:
        scoring["output_data_reference"] = _output(run, spec.output_reference, result)
    if spec.environment_variables:
        scoring["environment_variables"] = dict(spec.environment_variables)
    if spec.row_limit is not None:
        scoring["preview"] = dict(result.preview) if result and result.preview else {"row_limit": spec.row_limit}
    scoring["status"] = status(run)
    return scoring


def _output(run: Run, reference: Any, result: RunResult | None) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Show the output as it was asked for, and where it is once it is there."""
    if result is not None and result.output_location is not None:
        written = result.output_location
        location = {**(reference.get("location") or {}), **written["location"]}
        return {**reference, "location": location}
    if result is None or result.output_asset_id is None:
        return dict(reference)
    href = f"/v2/assets/{result.output_asset_id}?space_id={run.space_id}"
    own = {"href": href, "id": result.output_asset_id, "name": result.output_name}
    location = {**(reference.get("location") or {}), **own}
    return {**reference, "location": location}


def _predictions(result: RunResult | None) -> Iterable[InlineTable]:
    return result.predictions if result else ()


def _element(table: InlineTable, tables: dict[str, InlineTable]) -> dict[str, Any]:
    mark = uuid.uuid4().hex
    tables[mark] = table
    fields = {"fields": list(table.fields)} if table.fields is not None else {}
    return {**table.members, **fields, "values": mark}


def _with_rows(context: Context, text: str, tables: dict[str, InlineTable]) -> Iterator[bytes]:
    """Put the rows where their marks stand."""
    if not tables:
        yield text.encode()
        return
    for part in re.split(f'"({"|".join(tables)})"', text):
        if part in tables:
            yield from _array(inline_tables.blocks(context, tables[part]))
        else:
            yield part.encode()


def _array(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Turn JSON lines into a JSON array: a line break ends each row, so every one but the last becomes a comma."""
    yield b"[\n"
    held = b""
    for block in blocks:
        joined = held + block
        held = b"\n" if joined.endswith(b"\n") else b""
        yield (joined[:-1] if held else joined).replace(b"\n", b",\n")
    yield b"\n]"
