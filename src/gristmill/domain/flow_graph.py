"""Who waits for whom in a pipeline-flow document: links followed, super nodes opened, their ports passed through.

Links stand on input ports and point from the target back to the source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gristmill.domain.flow import MOST_NODES, refused

_MOST_DEPTH = 20
_MOST_ID_CHARACTERS = 300
Json = Mapping[str, Any]


@dataclass
class GraphNode:
    """A node of any pipeline of the document; one without ``content`` only passes on what it is linked to."""

    id: str
    content: Json | None
    needs: list[str] = field(default_factory=list)

    @property
    def label(self) -> str:
        """What its author calls it."""
        return label_of(self.content or {})


def label_of(node: Json) -> str:
    """Return what the author calls a node: its label, or else its file, op or id."""
    data = node.get("app_data")
    ui = data.get("ui_data") if isinstance(data, Mapping) else None
    shown = ui.get("label") if isinstance(ui, Mapping) else None
    mine = node.get("label") or shown or (data.get("label") if isinstance(data, Mapping) else None)
    return str(mine or node.get("id"))[:200]


def graph_of(pipelines: Mapping[str, Json], primary: str) -> list[GraphNode]:
    """Return the nodes that do something, with the ids of those that they wait for, in the document's order.

    Raises:
        Invalid: a link leads nowhere, an id is there twice, or a sub-flow is missing or holds itself.

    """
    graph = _Graph(pipelines)
    graph.add(primary, prefix="", above=())
    return [
        GraphNode(node.id, node.content, list(dict.fromkeys(graph.sources(node))))
        for node in graph.nodes.values()
        if node.content is not None
    ]


class _Graph:
    def __init__(self, pipelines: Mapping[str, Json]) -> None:
        self.nodes: dict[str, GraphNode] = {}
        self._pipelines = pipelines

    def add(self, pipeline: str, *, prefix: str, above: tuple[str, ...]) -> list[GraphNode]:
        """Add the nodes of a pipeline, and those of its sub-flows; return its own, as they can be linked to."""
        described = _listed(self._pipelines[pipeline].get("nodes"), f"pipeline {pipeline!r}: nodes")
        own = {str(node.get("id")): node for node in described}
        for node in described:
            self._add_node(node, prefix, above=(*above, pipeline))
        for node in described:
            self._link(node, own, prefix)
        return [self.nodes[prefix + node_id] for node_id in own]

    def sources(self, node: GraphNode, seen: frozenset[str] = frozenset()) -> Iterator[str]:
        """Yield the nodes with content that this one waits for, looking through those that only pass on."""
        for needed in node.needs:
            source = self.nodes[needed]
            if source.content is not None:
                yield needed
            elif needed not in seen:
                yield from self.sources(source, seen | {needed})

    def _add_node(self, node: Json, prefix: str, *, above: tuple[str, ...]) -> None:
        node_id = prefix + str(node.get("id") or "")
        if node_id == prefix or len(node_id) > _MOST_ID_CHARACTERS:
            raise refused("its id is missing or too long; give it another.", node="", label=label_of(node))
        if node_id in self.nodes:
            raise refused("two nodes have this id; give one another.", node=node_id, label=label_of(node))
        if len(self.nodes) >= MOST_NODES:
            raise refused(f"it has more than {MOST_NODES} nodes. Split it.")
        passes = node.get("type") == "super_node" or (node.get("type") == "binding" and bool(prefix))
        passes = passes and not node.get("data_asset")
        self.nodes[node_id] = GraphNode(node_id, None if passes else node)
        if node.get("type") == "super_node":
            self._open(node, node_id, above)

    def _open(self, node: Json, node_id: str, above: tuple[str, ...]) -> None:
        """Add the nodes of a super node's sub-flow; the super node itself then stands for its last ones."""
        reference = node.get("subflow_ref")
        pipeline = str(reference.get("pipeline_id_ref")) if isinstance(reference, Mapping) else ""
        if pipeline not in self._pipelines:
            raise refused(f"its sub-flow {pipeline!r} is not in the document.", node=node_id, label=label_of(node))
        if pipeline in above or len(above) > _MOST_DEPTH:
            raise refused("its sub-flow holds itself. Take it out.", node=node_id, label=label_of(node))
        inner = self.add(pipeline, prefix=f"{node_id}.", above=above)
        waited_for = {needed for each in inner for needed in each.needs}
        self.nodes[node_id].needs += [each.id for each in inner if each.id not in waited_for]
        for port in _ports(node, "outputs", node_id):
            key, ref = f"{node_id}#{port.get('id')}", port.get("subflow_node_ref")
            inside = f"{node_id}.{ref}"
            if ref and inside not in self.nodes:
                raise refused(
                    f"its output {port.get('id')!r} refers to {ref!r}, which is not in the sub-flow.", node=node_id
                )
            self.nodes[key] = GraphNode(key, None, [inside] if ref else [node_id])

    def _link(self, node: Json, own: Mapping[str, Json], prefix: str) -> None:
        node_id = prefix + str(node["id"])
        for port in _ports(node, "inputs", node_id):
            found = [self._source(link, own, prefix, node) for link in _links(port, node_id)]
            if node.get("type") != "super_node":
                self.nodes[node_id].needs += found
                continue
            for entry in self._entries(node, node_id, port):
                entry.needs += found

    def _entries(self, node: Json, node_id: str, port: Json) -> list[GraphNode]:
        """Return the nodes of a sub-flow that get what is linked to a super node's port."""
        ref = port.get("subflow_node_ref")
        if ref:
            inside = self.nodes.get(f"{node_id}.{ref}")
            if inside is None:
                message = f"its input {port.get('id')!r} refers to {ref!r}, which is not in the sub-flow."
                raise refused(message, node=node_id, label=label_of(node))
            return [inside]
        inner = [each for each in self.nodes.values() if each.id.startswith(f"{node_id}.")]
        return [each for each in inner if not each.needs]

    def _source(self, link: Json, own: Mapping[str, Json], prefix: str, target: Json) -> str:
        named, port = str(link.get("node_id_ref") or ""), link.get("port_id_ref")
        where, label = prefix + str(target["id"]), label_of(target)
        if named not in own:
            raise refused(f"it is linked to {named!r}, which is not there. Remove the link.", node=where, label=label)
        outputs = [str(each.get("id")) for each in _ports(own[named], "outputs", prefix + named)]
        if port and outputs and port not in outputs:
            message = f"it is linked to the port {port!r} of {label_of(own[named])!r}, which is not there."
            raise refused(f"{message} Remove the link.", node=where, label=label)
        through = f"{prefix}{named}#{port}"
        return through if through in self.nodes else prefix + named


def _ports(node: Json, side: str, node_id: str) -> list[Json]:
    return _listed(node.get(side), f"node {node_id!r}: {side}")


def _links(port: Json, node_id: str) -> list[Json]:
    return _listed(port.get("links"), f"node {node_id!r}: links")


def _listed(found: Any, where: str) -> list[Json]:  # noqa: ANN401 - any JSON
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, Mapping) for each in found):
        raise refused(f"{where}: it is not a list of objects.")
    return found
