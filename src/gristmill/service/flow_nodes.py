"""The nodes of a flow's run: their states, also while it works, and what each of them has printed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from gristmill.domain.errors import NotFound
from gristmill.domain.flow_plan import PlannedNode
from gristmill.domain.flow_progress import MOST_BYTES, at_the_end, so_far
from gristmill.domain.run import FINAL, Run, RunState
from gristmill.domain.run_spec import NodeResult
from gristmill.domain.user import Actor
from gristmill.service import runs
from gristmill.service.context import Context
from gristmill.service.runs import RunDetails

_LATER = "The node's log says why; the whole cause is here when the run has ended."
_PROGRESS_NAME = "progress.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNode:
    """A node of a run: what it is, and how far it is."""

    planned: PlannedNode
    result: NodeResult


def of_run(context: Context, found: RunDetails) -> Sequence[RunNode]:
    """Return the nodes of a run in their order; none where it is no run of a flow."""
    if found.spec.flow is None:
        return ()
    if found.result is not None and found.result.nodes:
        results = list(found.result.nodes)
    else:
        results = [_without_words(node) for node in so_far(found.spec, _told(context, found.run))]
        if found.run.state in FINAL:
            results = at_the_end(results, canceled=found.run.state is RunState.CANCELED)
    by_id = {result.id: result for result in results}
    return [RunNode(planned=node, result=by_id[node.id]) for node in found.spec.flow.nodes if node.id in by_id]


def log(context: Context, actor: Actor, job_id: str, run_id: str, node_id: str) -> Iterator[bytes]:
    """Yield the lines that a node has printed, as far as they are written: those of the run's log that bear its name.

    Raises:
        NotFound: the run has no such node.

    """
    found = runs.get(context, actor, job_id, run_id)
    nodes = found.spec.flow.nodes if found.spec.flow else ()
    node = next((node for node in nodes if node_id in {node.id, node.tag}), None)
    if node is None:
        raise NotFound(f"Run {run_id} has no node {node_id}.", code="node_not_found")
    return _lines_of(node.tag, runs.log(context, actor, job_id, run_id))


def _without_words(node: NodeResult) -> NodeResult:
    """Leave out what user code has said: secrets in it are masked only when the run has ended."""
    if node.kept or node.cause is None:
        return node
    return replace(node, cause={"code": node.cause["code"], "message": _LATER})


def _lines_of(tag: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
    start, rest = f"[{tag}] ".encode(), b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield b"".join(line.removeprefix(start) + b"\n" for line in lines if line.startswith(start))
    if rest.startswith(start):
        yield rest.removeprefix(start)


def _told(context: Context, run: Run) -> list[bytes]:
    path = context.data_dir / "runs" / f"{run.id}.{run.fence}" / _PROGRESS_NAME
    try:
        # User code can put a link or a pipe there.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MOST_BYTES).splitlines()
