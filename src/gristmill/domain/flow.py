"""A flow: nodes that run one after the other or side by side, read from an open pipeline-flow document (version 3).

The schema is elyra-ai/pipeline-schemas; what Elyra writes into its ``.pipeline`` files is read as it stands. Members
that mean nothing here are let be: the document is stored as it came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from graphlib import CycleError, TopologicalSorter

from gristmill.domain.errors import Invalid

MOST_NODES = 500


class NodeKind(StrEnum):
    """What a node does. ``data`` only hands on a data asset."""

    NOTEBOOK = "notebook"
    PYTHON = "python_script"
    R = "r_script"
    SCORING = "model_scoring"
    SQL = "sql"
    DATA = "data"


OPS: Mapping[str, NodeKind] = {
    "execute-notebook-node": NodeKind.NOTEBOOK,
    "execute-python-node": NodeKind.PYTHON,
    "execute-r-node": NodeKind.R,
    "gristmill-model-scoring": NodeKind.SCORING,
    "gristmill-sql": NodeKind.SQL,
}
"""The kinds of nodes by the word that a document has for them."""

CODE: Mapping[NodeKind, tuple[str, ...]] = {
    NodeKind.NOTEBOOK: (".ipynb",),
    NodeKind.PYTHON: (".py",),
    NodeKind.R: (".R", ".r"),
}
"""How the files of nodes end that are code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNode:
    """One node. ``needs`` are the ids of those that it waits for; ``settings`` are what its op is told."""

    id: str
    label: str
    op: str
    kind: NodeKind
    needs: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    data_assets: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str | None:
        """The path of its code, as the document has it."""
        return self.settings.get("filename")

    @property
    def asset(self) -> str | None:
        """The id or name of the asset that has its code."""
        return self.settings.get("asset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """The nodes of a document, super nodes opened, each after those that it needs."""

    nodes: tuple[FlowNode, ...]


def refused(message: str, *, node: str | None = None, label: str | None = None) -> Invalid:
    """Return the refusal of a flow, or of one of its nodes."""
    if node is None:
        return Invalid(f"The flow cannot be used: {message}", code="invalid_flow", field="flow")
    shown = f"Node {label!r} ({node})" if label and label != node else f"Node {node!r}"
    return Invalid(f"{shown}: {message}", code="invalid_flow", field=f"nodes.{node}")


def refused_node(node: FlowNode, message: str) -> Invalid:
    """Return the refusal of a node."""
    return refused(message, node=node.id, label=node.label)


def in_order(nodes: Sequence[FlowNode]) -> tuple[FlowNode, ...]:
    """Return the nodes, each after those that it needs; among equals as in the document.

    Raises:
        Invalid: some need each other in a circle; they are named.

    """
    by_id = {node.id: node for node in nodes}
    sorter = TopologicalSorter({node.id: node.needs for node in nodes})
    try:
        sorter.prepare()
    except CycleError as error:
        circle = [by_id[node_id] for node_id in error.args[1]]
        names = " -> ".join(node.label for node in circle)
        raise refused_node(circle[0], f"it waits for itself: {names}. Take one of these links away.") from None
    return tuple(by_id[node_id] for node_id in _batches(sorter, [node.id for node in nodes]))


def _batches(sorter: TopologicalSorter[str], given: Sequence[str]) -> Iterator[str]:
    place = {node_id: number for number, node_id in enumerate(given)}
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=place.__getitem__)
        yield from ready
        sorter.done(*ready)


def tags_of(nodes: Sequence[FlowNode]) -> dict[str, str]:
    """Return a short, unique name for each node, fit for a log's lines and for a file's name."""
    tags: dict[str, str] = {}
    for node in nodes:
        tag = _plain(node.label)
        tags[node.id] = _unlike(tag, set(tags.values()))
    return tags


def _plain(label: str) -> str:
    for ending in (".ipynb", ".py", ".R", ".r"):
        label = label.removesuffix(ending)
    letters = ("-" if letter in '/\\[]:*?"<>|' or not letter.isprintable() else letter for letter in label)
    return "".join(letters).strip(" .")[:60] or "node"


def _unlike(tag: str, taken: Collection[str]) -> str:
    number, wanted = 1, tag
    while wanted in taken:
        number += 1
        wanted = f"{tag}-{number}"
    return wanted
