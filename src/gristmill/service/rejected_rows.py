"""Rejected rows, scored again: a run like an earlier one, over nothing but what that one put in quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gristmill.domain.error_threshold import MEMBER, read_of_configuration
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.job import Job
from gristmill.domain.run import Run
from gristmill.domain.run_spec import InputAsset, ResultFile, RunResult, RunSpec
from gristmill.domain.user import Actor
from gristmill.service import job_runs
from gristmill.service.context import Context
from gristmill.store import runs

_QUARANTINE = "rejected_rows."
_OUTPUT = "rejected-rows-${run_id}.csv"


def rerun(
    context: Context, actor: Actor, job_id: str, run_id: str, configuration: Mapping[str, Any]
) -> tuple[Run, Job, RunSpec]:
    """Queue a run over the rows that an earlier one rejected; its result is a data asset of its own.

    ``error_threshold`` of the configuration takes the place of the earlier one's.

    Raises:
        Conflict: the earlier run has rejected nothing, or what it rejected is not kept.
        Invalid: the configuration has another member, or the threshold is wrong.

    """
    threshold = read_of_configuration(_only_threshold(configuration))
    with context.database.transaction() as connection:
        job, earlier = job_runs.earlier(connection, actor, job_id, run_id)
        file = quarantine(runs.result(connection, run_id))
        if file is None:
            raise Conflict("The run has rejected no rows, or they are not kept.", code="nothing_rejected")
        spec = _over(runs.spec(connection, run_id), earlier, file)
        spec = replace(spec, error_threshold=threshold.document()) if threshold else spec
        name = f"{earlier.name} (rejected rows)"
        new = job_runs.new_run(context, actor, job, name=name, kind=spec.kind)
        run = runs.create(connection, new, spec, contents=job_runs.content_keys(spec))
    context.wake()
    return run, job, spec


def quarantine(result: RunResult | None) -> ResultFile | None:
    """Return the file of a run's rejected rows."""
    files = result.files if result else ()
    return next((file for file in files if file.name.startswith(_QUARANTINE)), None)


def _over(spec: RunSpec, earlier: Run, file: ResultFile) -> RunSpec:
    source = InputAsset(asset_id="", name=file.name, content_key=file.content_key, size=file.size)
    # An asset of its own: the earlier result must not be overwritten by a part of it.
    output = {"type": "data_asset", "connection": {}, "location": {"name": _OUTPUT}}
    return replace(
        spec,
        inline=(),
        inputs=(source,),
        connected_inputs=(),
        input_references=(),
        output_reference=output,
        output_asset_id=None,
        connected_output=None,
        kept_rows=None,
        repair_of=None,
        rejected_of=earlier.id,
    )


def _only_threshold(configuration: Mapping[str, Any]) -> Mapping[str, Any]:
    for member in configuration:
        if member != MEMBER:
            where = f"configuration.{member}"
            raise Invalid(f"{where}: only {MEMBER} can be given anew for rejected rows.", field=where)
    return configuration
