"""Reading a pipeline-flow document: every node checked, and the first thing that is wrong named with its node."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from typing import Any

from gristmill.domain.errors import Invalid
from gristmill.domain.flow import CODE, OPS, Flow, FlowNode, NodeKind, in_order, refused
from gristmill.domain.flow_graph import GraphNode, Json, graph_of

MOST_BYTES = 16 * 1024**2
"""Of a document, which is read as a whole; notebooks, scripts and data lie beside it."""
TABLES = (".csv", ".parquet", ".jsonl")
"""How the files end that scoring and SQL nodes write."""
_VERSION = "3."
_TEXTS = ("filename", "asset", "model", "deployment", "input", "output", "query")
_RESULTS = {NodeKind.SCORING: "predictions.csv", NodeKind.SQL: "result.csv"}


def read_flow(content: bytes) -> Flow:
    """Return the flow that a document describes.

    Raises:
        Invalid: it is no such document, or a node of it is wrong; the message names the node and the way out.

    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise refused(f"its document is no JSON ({error}).") from error
    if not isinstance(document, Mapping) or document.get("doc_type", "pipeline") != "pipeline":
        raise refused('its document is no pipeline-flow document: it has no "doc_type": "pipeline".')
    version = str(document.get("version"))
    if not version.startswith(_VERSION):
        raise refused(f'its document has version {version!r}; "3.0" can be read. Save it with a newer editor.')
    pipelines = _pipelines(document)
    primary = str(document.get("primary_pipeline") or "")
    if primary not in pipelines:
        raise refused(f"primary_pipeline: there is no pipeline {primary!r} in the document.")
    given = _default_variables(pipelines[primary])
    nodes = [_node(found, given) for found in graph_of(pipelines, primary)]
    if not nodes:
        raise refused("it has no nodes. Add one.")
    ordered = in_order(nodes)
    for node in ordered:
        _check_input(node)
    return Flow(nodes=ordered)


def _pipelines(document: Json) -> dict[str, Json]:
    listed = document.get("pipelines")
    if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
        raise refused("pipelines: it is not a list of objects.")
    found: dict[str, Json] = {}
    for pipeline in listed:
        if str(pipeline.get("id")) in found:
            raise refused(f"pipelines: two have the id {pipeline.get('id')!r}; give one another.")
        found[str(pipeline.get("id"))] = pipeline
    return found


def _default_variables(pipeline: Json) -> dict[str, str]:
    """Return the variables that Elyra keeps for all nodes of a pipeline."""
    defaults = _member(_member(_member(pipeline, "app_data"), "properties"), "pipeline_defaults")
    return _variables(defaults.get("env_vars"), GraphNode("", {"id": "pipeline_defaults"}))


def _node(found: GraphNode, given: Mapping[str, str]) -> FlowNode:
    content = found.content or {}
    told = {**_member(content, "parameters"), **_member(_member(content, "app_data"), "component_parameters")}
    kind = _kind(found, content)
    settings = _settings(found, content, told, kind)
    return FlowNode(
        id=found.id,
        label=found.label,
        op=str(content.get("op") or content.get("type") or ""),
        kind=kind,
        needs=tuple(found.needs),
        variables={**given, **_variables(told.get("env_vars"), found)},
        outputs=tuple(_inner(found, path, "outputs") for path in _texts(told.get("outputs"), found, "outputs")),
        data_assets=_texts(told.get("data_assets"), found, "data_assets"),
        settings=settings,
    )


def _kind(found: GraphNode, content: Json) -> NodeKind:
    if content.get("type") == "binding":
        if not content.get("data_asset"):
            message = (
                "a binding names a data asset here. Connections cannot be read yet: put the data into a data asset."
            )
            raise _wrong(found, message)
        if found.needs:
            raise _wrong(found, "a binding is only read from. Name an output_data_reference in the job instead.")
        return NodeKind.DATA
    op = str(content.get("op") or "")
    if op not in OPS:
        raise _wrong(found, f"its type {op or content.get('type')!r} is not known. Known are {', '.join(OPS)}.")
    return OPS[op]


def _settings(found: GraphNode, content: Json, told: Json, kind: NodeKind) -> dict[str, str]:
    if kind is NodeKind.DATA:
        asset = _member(content, "data_asset")
        return {"asset": str(asset.get("ref") or asset.get("id") or asset.get("name") or content["data_asset"])}
    settings = {name: _text(told[name], found, name) for name in _TEXTS if told.get(name)}
    if kind in CODE:
        _check_code(found, settings, CODE[kind])
        return settings
    settings.setdefault("output", _RESULTS[kind])
    output = settings["output"]
    if posixpath.basename(output) != output or not output.endswith(TABLES):
        raise _wrong(found, f"output: {output!r} is not the name of a file that ends in {', '.join(TABLES)}.")
    if kind is NodeKind.SQL and not settings.get("query", "").strip():
        raise _wrong(found, "query: write the SELECT whose rows it is to keep.")
    if kind is NodeKind.SCORING and ("model" in settings) == ("deployment" in settings):
        raise _wrong(found, "name either a model or a deployment, by id or name.")
    return settings


def _check_code(found: GraphNode, settings: dict[str, str], endings: tuple[str, ...]) -> None:
    if "filename" in settings:
        # One that a space's asset has instead may lie anywhere on its author's machine.
        settings["filename"] = posixpath.normpath(settings["filename"].replace("\\", "/"))
        if not settings["filename"].endswith(endings) and "asset" not in settings:
            raise _wrong(found, f"filename: {settings['filename']!r} does not end in {' or '.join(endings)}.")
    elif "asset" not in settings:
        raise _wrong(found, "filename: name the file that it runs, or an asset of the space (asset).")


def _check_input(node: FlowNode) -> None:
    named = node.needs or node.data_assets or node.settings.get("input")
    if node.kind in {NodeKind.SQL, NodeKind.SCORING} and not named:
        message = (
            "it has no input. Link a node to it, name data assets of the space (data_assets), "
            "or the one of the job's inputs that it is to read (input)."
        )
        raise refused(message, node=node.id, label=node.label)


def _variables(given: Any, found: GraphNode) -> dict[str, str]:  # noqa: ANN401 - any JSON
    """Read both forms that Elyra had: ``{"env_var": .., "value": ..}``, and the older ``NAME=value``."""
    if given is not None and not isinstance(given, list):
        raise _wrong(found, "env_vars: it is not a list.")
    variables: dict[str, str] = {}
    for each in given or []:
        if isinstance(each, Mapping):
            name, value = str(each.get("env_var") or ""), str(each.get("value") or "")
        else:
            name, _, value = str(each).partition("=")
        if not name.strip() or "=" in name or "\0" in name + value:
            raise _wrong(found, f"env_vars: {each!r} has no name that a variable can have.")
        variables[name.strip()] = value
    return variables


def _inner(found: GraphNode, path: str, member: str) -> str:
    plain = posixpath.normpath(path.strip())
    if plain.startswith(("/", "../")) or plain in {".", ".."}:
        raise _wrong(found, f"{member}: {path!r} leads out of the directory that the node works in.")
    return plain


def _texts(given: Any, found: GraphNode, member: str) -> tuple[str, ...]:  # noqa: ANN401 - any JSON
    if given is None:
        return ()
    if not isinstance(given, list):
        raise _wrong(found, f"{member}: it is not a list of texts.")
    return tuple(_text(each, found, member) for each in given if each != "")


def _text(given: Any, found: GraphNode, member: str) -> str:  # noqa: ANN401 - any JSON
    if not isinstance(given, str) or "\0" in given:
        raise _wrong(found, f"{member}: {given!r} is no text.")
    return given


def _member(document: Json, name: str) -> Json:
    found = document.get(name)
    return found if isinstance(found, Mapping) else {}


def _wrong(found: GraphNode, message: str) -> Invalid:
    return refused(message, node=found.id, label=found.label)


def document_among(names: Iterable[str]) -> str:
    """Return which of a zip's files is the document: the one that ends in .pipeline, or is called flow.json.

    Raises:
        Invalid: there is none, or there are several.

    """
    plain = [name for name in names if not name.startswith("__MACOSX/") and "/.ipynb_checkpoints/" not in f"/{name}"]
    found = [name for name in plain if name.endswith(".pipeline") or posixpath.basename(name) == "flow.json"]
    if len(found) == 1:
        return found[0]
    listed = f": {', '.join(found[:10])}" if found else ""
    raise refused(
        f"the zip has {len(found)} documents{listed}. Put one file into it that ends in .pipeline, or one flow.json."
    )
