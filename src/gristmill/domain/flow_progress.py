"""How far the nodes of a run are, from the lines that the run writes about them, and how they ended with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from gristmill.domain.run_spec import NodeResult, RunSpec

MOST_BYTES = 4 * 1024**2
"""Of the file that the lines are in: a run of very many nodes writes less."""
_MOST_CHARACTERS = 2_000


class NodeState(StrEnum):
    """``skipped``: a node that it needs did not complete."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELED = "canceled"


_FELL = {"code": "run_ended", "message": "The run ended while the node was at work; its own cause says why."}
_LEFT_OPEN = frozenset({NodeState.WAITING, NodeState.RUNNING})


def so_far(spec: RunSpec, lines: Iterable[bytes]) -> list[NodeResult]:
    """Return every node of a run as the newest line about it says; user code may have written any of the lines."""
    planned = spec.flow.nodes if spec.flow else ()
    kept = {node.id: node for node in spec.kept}
    found = {node.id: kept.get(node.id) or NodeResult(id=node.id, state=NodeState.WAITING) for node in planned}
    for line in lines:
        told = _read(line)
        node = found.get(str(told.get("node")))
        if node is not None and not node.kept:
            found[node.id] = _after(node, told)
    return list(found.values())


def at_the_end(nodes: Iterable[NodeResult], *, canceled: bool) -> list[NodeResult]:
    """Return the nodes of a run that is over: what was at work fell with it, what waited is skipped or canceled."""
    return [_closed(node, canceled=canceled) if node.state in _LEFT_OPEN else node for node in nodes]


def _closed(node: NodeResult, *, canceled: bool) -> NodeResult:
    if canceled:
        return replace(node, state=NodeState.CANCELED)
    if node.state == NodeState.RUNNING:
        return replace(node, state=NodeState.FAILED, cause=dict(_FELL))
    return replace(node, state=NodeState.SKIPPED)


def _read(line: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _after(node: NodeResult, told: Mapping[str, Any]) -> NodeResult:
    state, at = told.get("state"), str(told.get("at") or "")[:40] or None
    match state:
        case NodeState.RUNNING:
            return replace(node, state=state, started_at=at)
        case NodeState.COMPLETED | NodeState.FAILED | NodeState.SKIPPED | NodeState.CANCELED:
            return replace(node, state=state, finished_at=at, cause=_cause(told.get("cause")))
    return node


def _cause(told: object) -> dict[str, str] | None:
    if not isinstance(told, dict):
        return None
    return {name: str(told.get(name) or "")[:_MOST_CHARACTERS] for name in ("code", "message")}
