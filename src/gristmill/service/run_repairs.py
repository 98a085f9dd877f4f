"""Repair: a run that does again what failed in a flow, and takes over what completed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gristmill.domain.environment_variables import read_variables
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.flow import NodeKind
from gristmill.domain.flow_progress import NodeState
from gristmill.domain.job import Job
from gristmill.domain.run import FINAL, Run, RunState
from gristmill.domain.run_spec import NodeResult, RunResult, RunSpec
from gristmill.domain.user import Actor
from gristmill.service import job_runs
from gristmill.service.context import Context
from gristmill.store import run_contents, runs

_VARIABLES = "env_variables"


def repair(
    context: Context, actor: Actor, job_id: str, run_id: str, configuration: Mapping[str, Any]
) -> tuple[Run, Job, RunSpec]:
    """Queue a run of the same frozen specification that runs the failed, skipped and canceled nodes of an earlier one.

    What the others left is taken over. ``env_variables`` of the configuration are set over the earlier ones.

    Raises:
        Conflict: the earlier run is no run of a flow, has not ended, or has nothing to repair.
        Invalid: the configuration has another member, or its variables are wrong.

    """
    variables = _variables(configuration)
    with context.database.transaction() as connection:
        job, earlier = job_runs.earlier(connection, actor, job_id, run_id)
        spec = runs.spec(connection, run_id)
        _refuse_unfit(earlier, spec)
        repaired = replace(
            spec,
            kept=_completed(spec, runs.result(connection, run_id)),
            repair_of=earlier.id,
            environment_variables={**spec.environment_variables, **variables},
        )
        new = job_runs.new_run(context, actor, job, name=earlier.name, kind=spec.kind)
        run = runs.create(connection, new, repaired)
        run_contents.hold(connection, run.id, job_runs.content_keys(repaired))
    context.wake()
    return run, job, repaired


def _variables(configuration: Mapping[str, Any]) -> dict[str, str]:
    for member in configuration:
        if member != _VARIABLES:
            where = f"configuration.{member}"
            message = f"{where}: a repair has the specification of its run; only {_VARIABLES} can be given anew."
            raise Invalid(message, field=where)
    return read_variables(configuration.get(_VARIABLES), where=f"configuration.{_VARIABLES}")


def _refuse_unfit(earlier: Run, spec: RunSpec) -> None:
    if spec.flow is None:
        raise Conflict(f"Run {earlier.id} is no run of a flow. Do it again as a whole: rerun.", code="not_a_flow")
    if earlier.state not in FINAL:
        raise Conflict(f"The run is {earlier.state}. Repair it when it has ended.", code="run_not_ended")
    if earlier.state is RunState.COMPLETED:
        raise Conflict("The run has completed: there is nothing to repair. Do it again: rerun.", code="run_completed")


def _completed(spec: RunSpec, result: RunResult | None) -> tuple[NodeResult, ...]:
    """Return the nodes to be taken over; one that only hands on a data asset is done again, as that is for nothing."""
    kinds = {node.id: node.kind for node in spec.flow.nodes} if spec.flow else {}
    return tuple(
        replace(node, kept=True)
        for node in (result.nodes if result else ())
        if node.state == NodeState.COMPLETED and node.saved and kinds.get(node.id) != NodeKind.DATA
    )
