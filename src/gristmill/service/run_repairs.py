"""Repair: a run that takes over what another one had done: of a flow its completed nodes, of a model its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gristmill.domain.environment_variables import read_variables
from gristmill.domain.error_threshold import MEMBER, ErrorThreshold, read_of_configuration
from gristmill.domain.errors import Conflict, Invalid
from gristmill.domain.flow import NodeKind
from gristmill.domain.flow_progress import NodeState
from gristmill.domain.job import Job
from gristmill.domain.job_parameters import PARAMETER_SETS, PARAMETERS
from gristmill.domain.run import FINAL, Run, RunState
from gristmill.domain.run_spec import NodeResult, RunResult, RunSpec
from gristmill.domain.user import Actor
from gristmill.service import job_runs
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides
from gristmill.store import runs

_VARIABLES = "env_variables"
_MODEL = "model"


def repair(context: Context, actor: Actor, job_id: str, run_id: str, overrides: Overrides) -> tuple[Run, Job, RunSpec]:
    """Queue a run of the same frozen specification that does what an earlier one did not, and takes over the rest.

    Of a flow the failed, skipped and canceled nodes are run, of a model the rows are scored that it had not come to.
    ``env_variables`` of the configuration are set over the earlier ones of a flow, ``error_threshold`` takes the place
    of a model's; a name and a description take the place of the earlier run's.

    Raises:
        Conflict: the earlier run is of neither, has not ended, or has nothing to repair.
        Invalid: something else is asked for, or a member is wrong.

    """
    configuration = overrides.configuration
    with context.database.transaction() as connection:
        job, earlier = job_runs.earlier(connection, actor, job_id, run_id)
        spec = runs.spec(connection, run_id)
        _refuse_unfit(earlier, spec)
        _refuse_parameters(overrides, MEMBER if spec.kind == _MODEL else _VARIABLES)
        of_kind = _repaired_model if spec.kind == _MODEL else _repaired_flow
        repaired = replace(of_kind(spec, runs.result(connection, run_id), configuration), repair_of=earlier.id)
        new = job_runs.new_run(context, actor, job, name=overrides.name or earlier.name, kind=spec.kind)
        description = overrides.description or earlier.description
        new, keys = replace(new, description=description), job_runs.content_keys(repaired)
        run = runs.create(connection, new, repaired, contents=keys)
    context.wake()
    return run, job, repaired


def _repaired_flow(spec: RunSpec, result: RunResult | None, configuration: Mapping[str, Any]) -> RunSpec:
    _refuse_others(configuration, _VARIABLES)
    variables = read_variables(configuration.get(_VARIABLES), where=f"configuration.{_VARIABLES}")
    return replace(
        spec, kept=_completed(spec, result), environment_variables={**spec.environment_variables, **variables}
    )


def _repaired_model(spec: RunSpec, result: RunResult | None, configuration: Mapping[str, Any]) -> RunSpec:
    _refuse_others(configuration, MEMBER)
    threshold = read_of_configuration(configuration) or ErrorThreshold.of(spec.error_threshold)
    if result is None or result.kept_rows is None:
        raise Conflict("No rows of the run are kept. Do it again as a whole: rerun.", code="nothing_kept")
    return replace(spec, kept_rows=result.kept_rows, error_threshold=threshold.document())


def _refuse_others(configuration: Mapping[str, Any], known: str) -> None:
    for member in configuration:
        if member != known:
            raise _cannot_be_given(f"configuration.{member}", known)


def _refuse_parameters(overrides: Overrides, known: str) -> None:
    for member, given in ((PARAMETERS, overrides.job_parameters), (PARAMETER_SETS, overrides.parameter_sets)):
        if given:
            raise _cannot_be_given(member, known)


def _cannot_be_given(where: str, known: str) -> Invalid:
    message = f"{where}: a repair has the specification of its run; only {known} can be given anew."
    return Invalid(message, field=where)


def _refuse_unfit(earlier: Run, spec: RunSpec) -> None:
    if spec.flow is None and spec.kind != _MODEL:
        message = f"Run {earlier.id} is no run of a flow or a model. Do it again as a whole: rerun."
        raise Conflict(message, code="not_a_flow")
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
