"""A flow as a run is frozen with it: every node with the content that it needs, as that was when the run was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """Content that a node needs: its code, its model, a data asset."""

    name: str
    content_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node to be run. ``tag`` is its unique short name, which log lines and result files bear.

    ``path`` is its code within the flow's own tree; ``content`` is code or a model that an asset of the space has.
    ``settings`` are what its op is told; ``fields`` and ``asset_type`` are its model's.
    """

    id: str
    label: str
    tag: str
    op: str
    kind: str
    needs: Sequence[str] = ()
    path: str | None = None
    content: PlannedFile | None = None
    inputs: Sequence[PlannedFile] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    outputs: Sequence[str] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    asset_type: str | None = None
    fields: Sequence[Mapping[str, str]] | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a node from its document."""
        content = document["content"]
        parts = {
            "needs": tuple(document["needs"]),
            "content": PlannedFile(**content) if content else None,
            "inputs": tuple(PlannedFile(**file) for file in document["inputs"]),
            "outputs": tuple(document["outputs"]),
        }
        return cls(**{**document, **parts})


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlan:
    """The nodes of a run, each after those that it needs."""

    nodes: Sequence[PlannedNode]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild a plan from its document."""
        return cls(nodes=tuple(PlannedNode.of(node) for node in document["nodes"]))

    def content_keys(self) -> Iterator[str]:
        """Yield the keys of the content that its nodes need, beside the flow's own."""
        for node in self.nodes:
            yield from (file.content_key for file in node.inputs)
            if node.content is not None:
                yield node.content.content_key
