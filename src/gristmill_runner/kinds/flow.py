"""Kind ``flow``: nodes that run one after the other or side by side, each in a process of its own."""

from __future__ import annotations

import contextlib
import shutil

from gristmill_runner.batch_folder import pack
from gristmill_runner.flow.scheduling import Scheduling
from gristmill_runner.flow.states import FAILED, SKIPPED, States
from gristmill_runner.protocol import BATCH, PROGRESS, Cause, Flow, Result
from gristmill_runner.run_context import Run


def run_flow(run: Run) -> Result:
    """Run every node that can be run; the run completes if all of them do.

    Where an output is asked for, it is what the last nodes left, a directory for each.
    """
    flow = run.spec.get("flow") or {"nodes": []}
    with contextlib.closing(States(run.directory / PROGRESS, flow["nodes"])) as states:
        scheduling = Scheduling(run, flow, states)
        scheduling.go()
        result: Result = {"outcome": "completed", "outputs": _output(run, scheduling)}
        if states.number(FAILED):
            result["outcome"], result["cause"] = "failed", _cause(flow, states)
    return result


def _output(run: Run, scheduling: Scheduling) -> list[str]:
    if not (run.spec.get("output") or {}).get("path"):
        return []
    for directory in scheduling.last():
        for file, name in directory.left():
            target = run.directory / BATCH / directory.node["tag"] / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    (run.directory / BATCH).mkdir(parents=True, exist_ok=True)
    packed = pack(run)
    return [packed] if packed else []


def _cause(flow: Flow, states: States) -> Cause:
    """Name the node that failed first, why, and what came of it."""
    first, own = next(iter(states.causes.items()))
    tag = next(node["tag"] for node in flow["nodes"] if node["id"] == first)
    said = f"Node {tag!r} ({first}) failed ({own.get('code')}): {own.get('message')}"
    also = states.number(FAILED) - 1
    rest = [f"{also} more failed"] if also else []
    rest += [f"{states.number(SKIPPED)} after it were skipped"] if states.number(SKIPPED) else []
    # Its traceback is in the log, where the node's own process has put it.
    return {"code": "node_failed", "message": f"{said} [{', '.join(rest)}]" if rest else said}
