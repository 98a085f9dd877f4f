"""Files that a run left beyond its output asset: listed, and read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gristmill.domain.errors import NotFound
from gristmill.domain.run_spec import ResultFile
from gristmill.domain.user import Actor
from gristmill.service import runs
from gristmill.service.context import Context


def files(context: Context, actor: Actor, job_id: str, run_id: str) -> Sequence[ResultFile]:
    """Return the files of a run, those of a flow's nodes with the node's name before; there are none while it works."""
    found = runs.get(context, actor, job_id, run_id)
    if found.result is None:
        return ()
    tags = {node.id: node.tag for node in found.spec.flow.nodes} if found.spec.flow else {}
    of_nodes = (
        replace(file, name=f"{tags[node.id]}-{file.name}") for node in found.result.nodes for file in node.files
    )
    return [*found.result.files, *of_nodes]


def content(context: Context, actor: Actor, job_id: str, run_id: str, name: str) -> tuple[ResultFile, Iterator[bytes]]:
    """Return a file of a run and its bytes.

    Raises:
        NotFound: the run has no file of this name.

    """
    for file in files(context, actor, job_id, run_id):
        if file.name == name:
            return file, context.content.stream(file.content_key)
    raise NotFound(f"Run {run_id} has no result {name}.", code="result_not_found")
