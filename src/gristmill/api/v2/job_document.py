"""Jobs and their runs as the Common Core shows them; the platform's states are mapped here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from gristmill.api.envelope import instant, milliseconds, without_none
from gristmill.domain.environment_variables import write_variables
from gristmill.domain.errors import Invalid
from gristmill.domain.job import DEPLOYMENT_REF, Job
from gristmill.domain.job_parameters import PARAMETER_SETS, PARAMETERS
from gristmill.domain.job_summary import RecentRun
from gristmill.domain.notification import Notification
from gristmill.domain.run import FINAL, Run, RunState
from gristmill.domain.run_spec import RunResult, RunSpec
from gristmill.domain.schedule_document import of_document
from gristmill.domain.schedule_wire import to_wire
from gristmill.domain.tick import ticks
from gristmill.domain.waiting import Waiting
from gristmill.service.flow_nodes import RunNode

PLATFORM_STATES = {
    RunState.QUEUED: "Queued",
    RunState.STARTING: "Starting",
    RunState.RUNNING: "Running",
    RunState.CANCELING: "Canceling",
    RunState.COMPLETED: "Completed",
    RunState.FAILED: "Failed",
    RunState.CANCELED: "Canceled",
}
_WARNED = "CompletedWithWarnings"
_FUTURE_RUNS = 5
_HIDDEN = "stored encrypted, never shown"
_COUNTED_IN = {"notebook": "cells", "code_package": "cells", "flow": "nodes"}
_NEVER_HERE = frozenset({"Paused", "Resuming", "CompletedWithErrors"})
"""States of the platform that no run here is ever in; asking for them finds nothing."""


def job_document(job: Job, *, now: datetime, last: Run | None = None) -> dict[str, Any]:
    """Return a job as the wire shows it; of its secret variables only that there are some."""
    schedule = of_document(job.schedule) if job.schedule else None
    text, info = to_wire(schedule, at=now)
    coming = ticks(schedule, now, _FUTURE_RUNS) if schedule and not job.paused else []
    entity: dict[str, Any] = {
        "asset_ref": job.asset_ref,
        "asset_ref_type": job.asset_ref_type,
        "configuration": _configuration(job),
        **_last_run(last),
        "serving_name": job.serving_name or "",
        "schedule": text,
        "schedule_info": info,
        "schedule_id": job.id if schedule else "",
        "schedule_creator_id": job.scheduler_id or "",
        "schedule_key_id": job.key_id or "",
        "future_scheduled_runs": [instant(tick) for tick in coming],
        "paused": job.paused,
        PARAMETERS: job.configuration.get(PARAMETERS) or [],
        PARAMETER_SETS: job.configuration.get(PARAMETER_SETS) or [],
        **_notification(job),
        **({"retention_policy": dict(job.retention)} if job.retention else {}),
        "project_name": "",
        "task_credentials_support": True,
    }
    metadata = _metadata(job.id, job.name, job.owner_id, job.description) | {
        "asset_type": "job",
        "space_id": job.space_id,
        "version": job.version,
        "created": milliseconds(job.created_at),
        "created_at": instant(job.created_at),
        "usage": {"last_update_time": milliseconds(job.modified_at), "last_updated_at": instant(job.modified_at)},
    }
    href = f"/v2/jobs/{job.id}?space_id={job.space_id}"
    return {"entity": {"job": entity}, "metadata": metadata, "href": href, "asset_id": job.id}


def run_document(
    run: Run,
    job: Job,
    *,
    spec: RunSpec | None = None,
    result: RunResult | None = None,
    waits: Waiting | None = None,
    nodes: Sequence[RunNode] = (),
) -> dict[str, Any]:
    """Return a run as the wire shows it."""
    entity = {
        "job_ref": run.job_id,
        "job_name": job.name,
        "job_type": job.asset_ref_type,
        "state": platform_state(run),
        "isScheduledRun": run.scheduled_for is not None,
        "scheduled_for": instant(run.scheduled_for) if run.scheduled_for else None,
        "configuration": {"env_variables": write_variables(dict(spec.environment_variables) if spec else {})},
        "runtime_job_id": run.deployment_job_id,
        "duration": _duration_seconds(run),
        "queue_start": milliseconds(run.created_at),
        "queue_end": milliseconds(run.started_at) if run.started_at else 0,
        "execution_start": milliseconds(run.started_at) if run.started_at else 0,
        "execution_end": milliseconds(run.finished_at) if run.finished_at else 0,
        "last_state_change_timestamp": instant(run.modified_at),
        "attempt": run.attempt,
        "pinned": run.pinned,
        "failure": {"code": run.cause.code, "message": run.cause.message} if run.cause else None,
        "waiting": _waiting(waits) if waits else None,
        "warning": run.warning,
        "rows": _rows(run, result),
        "rejections": [dict(each) for each in result.rejections] if result and result.rejections else None,
        "kept_rows": _kept(result) if result else None,
        "preview": dict(result.preview) if result and result.preview else None,
        "packages": dict(result.packages) if result and result.packages else None,
        **(_parameters(spec) if spec else {}),
        "repair_of": spec.repair_of if spec else None,
        "rejected_of": spec.rejected_of if spec else None,
        "nodes": [_node(node) for node in nodes] or None,
        **(_used(result) if result else {}),
    }
    metadata = _metadata(run.id, run.name, run.requester_id, run.description) | {
        "asset_type": "job_run",
        "space_id": run.space_id,
        "created": milliseconds(run.created_at),
        "created_at": instant(run.created_at),
        "usage": {"last_update_time": milliseconds(run.modified_at), "last_updated_at": instant(run.modified_at)},
    }
    href = f"/v2/jobs/{run.job_id}/runs/{run.id}?space_id={run.space_id}"
    return {"entity": {"job_run": without_none(entity)}, "metadata": metadata, "href": href, "asset_id": run.id}


def platform_state(run: Run | RecentRun) -> str:
    """Return the Common Core's name for the run's state."""
    return _WARNED if run.state is RunState.COMPLETED and run.warning else PLATFORM_STATES[run.state]


def states_of(text: str | None) -> list[RunState] | None:
    """Read a comma list of the platform's states; None asks for all.

    Raises:
        Invalid: one of them is no state of the platform.

    """
    if not text:
        return None
    by_name = {name: state for state, name in PLATFORM_STATES.items()} | {_WARNED: RunState.COMPLETED}
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in by_name and name not in _NEVER_HERE]
    if unknown:
        raise Invalid(f"states: {unknown[0]} is none of {', '.join([*by_name, *sorted(_NEVER_HERE)])}.", field="states")
    return [by_name[name] for name in names if name in by_name]


def _last_run(run: Run | None) -> dict[str, Any]:
    """Return what a job says of its newest run; the wire's words for none are texts and a zero."""
    if run is None:
        values: tuple[Any, ...] = ("None", "", "None", 0)
    else:
        initiator = "Scheduler" if run.scheduled_for else run.requester_id
        values = (initiator, instant(run.created_at), platform_state(run), milliseconds(run.modified_at))
    names = ("last_run_initiator", "last_run_time", "last_run_status", "last_run_status_timestamp")
    return dict(zip(names, values, strict=True))


def _notification(job: Job) -> dict[str, Any]:
    wanted = Notification.of(job.notification)
    return {
        "enable_notifications": any(wanted.types.values()),
        "notification_types": dict(wanted.types),
        "notification_channels": list(wanted.channels),
        "notification_recipients": list(wanted.recipients),
        **without_none(
            {
                "long_running_minutes": wanted.long_running_minutes,
                "not_started_minutes": wanted.not_started_minutes,
            }
        ),
    }


def _rows(run: Run, result: RunResult | None) -> dict[str, Any] | None:
    """Return how far a run is and how fast, and what became of its rows when it has ended."""
    pace = {} if run.state in FINAL else {name.removeprefix("rows_"): value for name, value in (run.pace or {}).items()}
    totals = {name: getattr(run, f"rows_{name}") for name in ("read", "scored", "rejected", "not_attempted")}
    resumed = (result.rows_resumed if result else None) or None
    counts = without_none({"done": run.rows_done, "total": run.rows_total, **pace, **totals, "resumed": resumed})
    return counts | ({"unit": _COUNTED_IN[run.kind]} if run.kind in _COUNTED_IN else {}) if counts else None


def _kept(result: RunResult) -> dict[str, Any] | None:
    kept = result.kept_rows
    return without_none({"done": kept.rows_done, "total": kept.rows_total}) if kept else None


def _used(result: RunResult) -> dict[str, Any]:
    """Return what a run used, and what held it to its box and its hardware."""
    return {
        "peak_memory_bytes": result.peak_memory_bytes,
        "cpu_seconds": result.cpu_seconds,
        "isolation": list(result.isolation) or None,
        "hardware_capped": result.capped,
    }


def _node(node: RunNode) -> dict[str, Any]:
    planned, result = node.planned, node.result
    shown = {
        "id": planned.id,
        "label": planned.label,
        "op": planned.op,
        "state": result.state,
        "started_at": result.started_at,
        "finished_at": result.finished_at,
        "cause": dict(result.cause) if result.cause else None,
        "after": list(planned.needs),
        "kept": result.kept or None,
    }
    return without_none(shown)


def _parameters(spec: RunSpec) -> dict[str, Any]:
    """Return what a run was given by name, with the sets as they were when it was started."""
    values = [{"name": name, "value": value} for name, value in spec.job_parameters.items()]
    return {PARAMETERS: values or None, PARAMETER_SETS: [dict(one) for one in spec.parameter_sets] or None}


def _waiting(waits: Waiting) -> dict[str, Any]:
    start = instant(waits.estimated_start) if waits.estimated_start else None
    return without_none({"reason": waits.reason, "place": waits.place, "estimated_start": start})


def _configuration(job: Job) -> dict[str, Any]:
    shown = {name: value for name, value in job.configuration.items() if name not in {PARAMETERS, PARAMETER_SETS}}
    if job.sealed_variables:
        shown["secret_env_variables"] = _HIDDEN
    if job.asset_ref_type == DEPLOYMENT_REF and job.definition_id:
        shown["deployment_job_definition_id"] = job.definition_id
    return shown


def _duration_seconds(run: Run) -> int:
    if run.started_at is None or run.state not in FINAL:
        return 0
    assert run.finished_at is not None, "a run that has ended knows when"
    return int((run.finished_at - run.started_at).total_seconds())


def _metadata(identifier: str, name: str, owner_id: str, description: str) -> dict[str, Any]:
    return {"name": name, "description": description, "asset_id": identifier, "owner_id": owner_id}
