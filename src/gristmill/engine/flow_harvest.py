"""Staging out of a flow: how its nodes ended, and the files that each left, read as a stranger's."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

from gristmill.domain.flow import NodeKind
from gristmill.domain.flow_progress import MOST_BYTES, at_the_end, so_far
from gristmill.domain.run_spec import NodeResult, ResultFile, RunResult, RunSpec
from gristmill.engine.flow_staging import place_of
from gristmill.engine.run_files import RunFiles
from gristmill.launch.run_log import Masks
from gristmill.service.context import Context
from gristmill_runner import protocol


def nodes_of(
    context: Context, spec: RunSpec, directory: Path, *, canceled: bool, save: bool = True
) -> tuple[NodeResult, ...]:
    """Return the nodes of a run that is over; with ``save`` the files of those that were run are kept.

    A data asset that a node only handed on is kept where it is.
    """
    if spec.flow is None:
        return ()
    ended = at_the_end(so_far(spec, _lines(directory / protocol.PROGRESS)), canceled=canceled)
    kinds = {node.id: node.kind for node in spec.flow.nodes}
    found: list[NodeResult] = []
    for number, node in enumerate(ended):
        if node.kept or node.started_at is None or kinds[node.id] == NodeKind.DATA:
            found.append(node)
        elif not save:
            found.append(replace(node, saved=False))
        else:
            found.append(replace(node, files=_files(context, directory, number)))
    return tuple(found)


def masked(result: RunResult, masks: Masks) -> RunResult:
    """Return a result without secrets in why its nodes failed."""
    return replace(result, nodes=tuple(_masked(node, masks) for node in result.nodes))


def _masked(node: NodeResult, masks: Masks) -> NodeResult:
    if node.cause is None:
        return node
    return replace(node, cause={name: masks.masked(text) for name, text in node.cause.items()})


def _files(context: Context, directory: Path, number: int) -> tuple[ResultFile, ...]:
    place = place_of(directory, number)
    if not (_is_directory(place.parent) and _is_directory(place)):
        return ()
    return RunFiles(context, place, output_path=None).all()


def _is_directory(path: Path) -> bool:
    """Tell whether there is a directory, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _lines(path: Path) -> list[bytes]:
    try:
        with protocol.open_plain(path) as file:
            return file.read(MOST_BYTES).splitlines()
    except OSError:
        return []
