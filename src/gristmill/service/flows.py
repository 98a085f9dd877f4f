"""Flows: their document checked when it comes, and what their nodes refer to found in the flow or in the space."""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gristmill.domain import model_schema
from gristmill.domain.archive import inner_path
from gristmill.domain.asset import FLOWS, Asset, AssetType, Attachment
from gristmill.domain.deployment import Deployment, DeploymentState
from gristmill.domain.errors import Conflict
from gristmill.domain.flow import CODE, Flow, FlowNode, NodeKind, refused, refused_node, tags_of
from gristmill.domain.flow_document import MOST_BYTES, document_among, read_flow
from gristmill.domain.flow_plan import FlowPlan, PlannedFile, PlannedNode
from gristmill.domain.script import SHOWN, Language, language_of
from gristmill.service.archives import Packing, members, packing_of
from gristmill.service.context import Context, Limits
from gristmill.service.run_sources import RunSources
from gristmill.store import assets, deployments


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFlow:
    """A flow as its content has it: its nodes, the files beside the document, and the directory that it lies in."""

    flow: Flow
    content_key: str
    folder: str = ""
    names: frozenset[str] = frozenset()


def check_upload(path: Path, *, limits: Limits) -> None:
    """Check a file that is to become the content of a flow.

    Raises:
        Invalid: it is neither a document nor a zip with one, or a node of it is wrong.

    """
    with path.open("rb") as stream:
        if packing_of(stream) is Packing.ZIP:
            for _member in members(stream, limits=limits):
                pass
        _read(stream, "")


def read(context: Context, content: Attachment) -> StoredFlow:
    """Return a flow from its stored content.

    Raises:
        Invalid: as `check_upload` does.

    """
    assert content.content_key is not None, "content of its own has a key"
    with context.content.open(content.content_key) as stream:
        return _read(stream, content.content_key)


def of_asset(context: Context, asset: Asset, content: Attachment | None) -> StoredFlow | None:
    """Return the flow that an asset is; None where it is no flow, or has no content."""
    if asset.type not in FLOWS or content is None or content.content_key is None:
        return None
    return read(context, content)


def plan(sources: RunSources, asset: Asset, stored: StoredFlow | None) -> FlowPlan | None:
    """Return what a run of a flow is frozen with; None where the asset is no flow.

    Raises:
        Invalid: a node refers to something that is neither in the flow nor in the space.
        Conflict: the flow's content changed since it was read.

    """
    if asset.type not in FLOWS:
        return None
    content = sources.content(asset.id, asset.revision)
    if stored is None or content is None or content.content_key != stored.content_key:
        raise Conflict(f"{asset.name} was changed while its run was made. Start it again.", code="flow_changed")
    return planned(sources, asset.space_id, stored)


def planned(sources: RunSources, space_id: str, stored: StoredFlow) -> FlowPlan:
    """Return the nodes of a flow with what they refer to, as it is now in a space.

    Raises:
        Invalid: something is not there; the message names the node and the way out.

    """
    tags = tags_of(stored.flow.nodes)
    finder = _Finder(sources, space_id, stored)
    return FlowPlan(nodes=tuple(finder.planned(node, tags[node.id]) for node in stored.flow.nodes))


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds what nodes refer to."""

    sources: RunSources
    space_id: str
    stored: StoredFlow

    def planned(self, node: FlowNode, tag: str) -> PlannedNode:
        data = (*node.data_assets, *([node.asset] if node.kind is NodeKind.DATA and node.asset else []))
        path = self._path(node)
        model = self._model(node) if node.kind is NodeKind.SCORING else None
        content = self._content(node, model) if model else None
        if node.kind in CODE and path is None:
            content = self._content(node, self._code(node))
        fields = model_schema.fields_of(model.entity) if model else None
        return PlannedNode(
            id=node.id,
            label=node.label,
            tag=tag,
            op=node.op,
            kind=str(node.kind),
            needs=node.needs,
            path=path,
            content=content,
            inputs=tuple(self._content(node, self._data_asset(node, named)) for named in data),
            variables=dict(node.variables),
            outputs=node.outputs,
            settings=dict(node.settings),
            asset_type=str(model.entity.get("type", model.type)) if model else None,
            fields=[{"name": field.name, "type": field.type} for field in fields] if fields else None,
        )

    def _path(self, node: FlowNode) -> str | None:
        """Return where in the flow's tree a node's code is; None where an asset has it."""
        if node.kind not in CODE or node.file is None or node.asset is not None:
            return None
        path = posixpath.normpath(posixpath.join(self.stored.folder, node.file))
        return path if path in self.stored.names else None

    def _code(self, node: FlowNode) -> Asset:
        kind = AssetType.NOTEBOOK if node.kind is NodeKind.NOTEBOOK else AssetType.SCRIPT
        wanted = [node.asset] if node.asset else [str(node.file), posixpath.basename(str(node.file))]
        found = self._first(wanted, (kind,))
        if found is not None:
            return self._of_its_language(node, found)
        if node.asset:
            raise refused_node(node, f"asset: the space has no {kind} {node.asset!r}. Store it, or name another.")
        inside = [name for name in sorted(self.stored.names) if name.endswith(CODE[node.kind])]
        there = f" In the zip are {', '.join(inside[:10])}." if inside else ""
        raise refused_node(
            node,
            f"filename: {node.file!r} is not in the flow, and no {kind} of the space has this name. "
            f"Put the file into the zip, beside the document, or store it in the space.{there}",
        )

    def _of_its_language(self, node: FlowNode, asset: Asset) -> Asset:
        if node.kind is NodeKind.NOTEBOOK:
            return asset
        language = language_of(asset.entity)
        if (language is Language.R) != (node.kind is NodeKind.R):
            story = f"the script {asset.name!r} is in {SHOWN[language]}; make it a node of that language."
            raise refused_node(node, story)
        return asset

    def _model(self, node: FlowNode) -> Asset:
        if "deployment" in node.settings:
            return self._deployed(node, node.settings["deployment"])
        named = node.settings["model"]
        found = self._first([named], (AssetType.MODEL,))
        if found is None:
            raise refused_node(node, f"model: the space has no model {named!r}. Store it, or name another.")
        return found

    def _deployed(self, node: FlowNode, named: str) -> Asset:
        deployment = self._deployment(named)
        if deployment is None:
            raise refused_node(node, f"deployment: the space has no deployment {named!r} that is ready.")
        asset = self.sources.asset(deployment.asset_id, deployment.asset_revision or 0)
        if asset is None or asset.type != AssetType.MODEL:
            raise refused_node(node, f"deployment: {named!r} is not the deployment of a model.")
        return asset

    def _deployment(self, named: str) -> Deployment | None:
        connection = self.sources.connection
        found = self.sources.deployment(named) or deployments.by_serving_name(connection, named)
        if found is None or found.space_id != self.space_id:
            found = deployments.named(connection, self.space_id, named)
        return found if found and found.state is DeploymentState.READY else None

    def _data_asset(self, node: FlowNode, named: str) -> Asset:
        found = self._first([named], (AssetType.DATA_ASSET,))
        if found is None:
            raise refused_node(node, f"the space has no data asset {named!r}. Store it, or name another.")
        return found

    def _first(self, wanted: Sequence[str], types: Sequence[AssetType]) -> Asset | None:
        """Return the asset of one of these ids or, where there is none, names."""
        by_id = (self.sources.asset(each) for each in wanted)
        by_name = (
            assets.named(self.sources.connection, self.space_id, kind, each) for each in wanted for kind in types
        )
        for found in (*by_id, *by_name):
            if found and found.space_id == self.space_id and found.type in types and found.deleted_at is None:
                return found
        return None

    def _content(self, node: FlowNode, asset: Asset) -> PlannedFile:
        content = self.sources.content(asset.id, asset.revision)
        if content is None or content.content_key is None:
            raise refused_node(node, f"the {asset.type} {asset.name!r} has no content. Upload it first.")
        name = asset.name if asset.type == AssetType.DATA_ASSET else content.name
        return PlannedFile(name=name, content_key=content.content_key)


def _read(stream: BinaryIO, key: str) -> StoredFlow:
    match packing_of(stream):
        case Packing.ZIP:
            try:
                with zipfile.ZipFile(stream) as archive:
                    return _from_zip(archive, key)
            except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
                raise refused(f"its zip cannot be read: {error}.") from error
        case Packing.PLAIN:
            return StoredFlow(flow=read_flow(_bounded(stream.read(MOST_BYTES + 1))), content_key=key)
    raise refused("its content is neither a JSON document nor a zip.")


def _from_zip(archive: zipfile.ZipFile, key: str) -> StoredFlow:
    entries = {inner_path(entry.filename): entry for entry in archive.infolist() if not entry.is_dir()}
    document = document_among(entries)
    with archive.open(entries[document]) as file:
        flow = read_flow(_bounded(file.read(MOST_BYTES + 1)))
    return StoredFlow(flow=flow, content_key=key, folder=posixpath.dirname(document), names=frozenset(entries))


def _bounded(content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise refused(f"its document has more than {MOST_BYTES // 1024**2} MiB; keep data in data assets.")
    return content
