"""Makes pipeline-flow documents as editors write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]


def code_node(name: str, *, after: Sequence[str] = (), ending: str = "py", **parameters: Any) -> Json:
    """A node as Elyra writes it; its id is its name, and its file is called after it."""
    op = {"py": "execute-python-node", "ipynb": "execute-notebook-node", "r": "execute-r-node"}[ending]
    told = {"filename": f"{name}.{ending}", "runtime_image": "", "env_vars": [], "dependencies": [], "outputs": []}
    return own_node(name, op, after=after, **{**told, "include_subdirectories": False, **parameters})


def own_node(name: str, op: str, *, after: Sequence[str] = (), **parameters: Any) -> Json:
    """A node of any op."""
    links = [{"id": f"{name}-{source}", "node_id_ref": source, "port_id_ref": "outPort"} for source in after]
    return {
        "id": name,
        "type": "execution_node",
        "op": op,
        "app_data": {
            "component_parameters": parameters,
            "label": "",
            "ui_data": {"label": f"{name} node", "x_pos": 10, "y_pos": 20},
        },
        "inputs": [{"id": "inPort", "app_data": {"ui_data": {"cardinality": {"min": 0, "max": -1}}}, "links": links}],
        "outputs": [{"id": "outPort", "app_data": {}}],
    }


def document(*nodes: Json, more: Sequence[Json] = (), defaults: Sequence[Any] = (), **members: Any) -> Json:
    """A whole document; ``more`` are further pipelines."""
    properties = {"name": "sample", "pipeline_defaults": {"env_vars": list(defaults)}}
    primary = {
        "id": "primary",
        "nodes": list(nodes),
        "app_data": {"ui_data": {"comments": []}, "version": 8, "runtime_type": "LOCAL", "properties": properties},
        "runtime_ref": "",
    }
    return {
        "doc_type": "pipeline",
        "version": "3.0",
        "json_schema": "http://api.dataplatform.ibm.com/schemas/common-pipeline/pipeline-flow/pipeline-flow-v3-schema.json",
        "id": "elyra-auto-generated-pipeline",
        "primary_pipeline": "primary",
        "pipelines": [primary, *more],
        "schemas": [],
        **members,
    }


def super_node(name: str, pipeline: str, *, after: Sequence[str] = (), refs: tuple[str, str] | None = None) -> Json:
    """A node that stands for another pipeline; ``refs`` are the sub-flow's bindings behind its two ports."""
    links = [{"id": f"{name}-{source}", "node_id_ref": source, "port_id_ref": "outPort"} for source in after]
    entry, leave = ({"subflow_node_ref": ref} for ref in refs) if refs else ({}, {})
    return {
        "id": name,
        "type": "super_node",
        "subflow_ref": {"pipeline_id_ref": pipeline},
        "app_data": {"ui_data": {"label": name}},
        "inputs": [{"id": "in", "links": links, **entry}],
        "outputs": [{"id": "outPort", **leave}],
    }


def written(made: Mapping[str, Any]) -> bytes:
    """Return the document's bytes."""
    return json.dumps(made).encode()
