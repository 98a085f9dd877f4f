"""Staging in of a flow: a directory a node, with the data assets that it reads and what an earlier run left of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

from gristmill.domain.flow_plan import PlannedFile, PlannedNode
from gristmill.domain.run_spec import NodeResult, RunSpec
from gristmill.engine.file_name import file_name
from gristmill.service.context import Context
from gristmill_runner import protocol

_ARCHIVE_NAME = PurePosixPath(protocol.ARCHIVE).name


def lay_out(
    context: Context, spec: RunSpec, directory: Path, *, asset_of: Callable[[PlannedFile | None], Path]
) -> protocol.Flow:
    """Make the nodes' directories. ``asset_of`` tells where content is unpacked, None standing for the flow's own."""
    assert spec.flow is not None, "a run of a flow has a plan"
    kept = {node.id: node for node in spec.kept}
    nodes: list[protocol.FlowNode] = []
    for number, node in enumerate(spec.flow.nodes):
        place = place_of(directory, number)
        _lay_inputs(context, node, place)
        if node.id in kept:
            _lay_kept(context, kept[node.id], place)
        nodes.append(_described(node, str(asset_of(node.content)), kept=node.id in kept))
    return {"at_once": max(1, int(spec.cpus or 1)), "nodes": nodes}


def place_of(directory: Path, number: int) -> Path:
    """Return the directory of a run's node."""
    return directory / protocol.NODES / str(number)


def _lay_inputs(context: Context, node: PlannedNode, place: Path) -> None:
    taken: set[str] = set()
    (place / protocol.INPUTS).mkdir(parents=True)
    for number, file in enumerate(node.inputs):
        context.content.materialize(file.content_key, place / protocol.INPUTS / file_name(file.name, number, taken))


def _lay_kept(context: Context, node: NodeResult, place: Path) -> None:
    for file in node.files:
        if file.name == _ARCHIVE_NAME:
            (place / protocol.RESULTS).mkdir()
            context.content.materialize(file.content_key, place / protocol.ARCHIVE)


def _described(node: PlannedNode, asset_path: str, *, kept: bool) -> protocol.FlowNode:
    return {
        "id": node.id,
        "tag": node.tag,
        "kind": node.kind,
        "needs": list(node.needs),
        "asset_path": asset_path,
        "path": node.path,
        "asset_type": node.asset_type,
        "fields": [protocol.Field(name=field["name"], type=field["type"]) for field in node.fields or []] or None,
        "settings": dict(node.settings),
        "outputs": list(node.outputs),
        "variables": dict(node.variables),
        "kept": kept,
    }
