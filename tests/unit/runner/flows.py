"""Makes run directories of flows, as the worker lays them out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from tests.unit.runner.directories import Directory

from gristmill_runner.protocol import FlowNode

Line = dict[str, Any]


def node(tag: str, code: str = "", *, needs: Sequence[str] = (), kind: str = "python_script", **more: Any) -> Any:
    """A node whose id is its tag in capitals; a script's code stands here instead of its path."""
    ids = [need.upper() for need in needs]
    return {"id": tag.upper(), "tag": tag, "kind": kind, "needs": ids, "settings": {}, "code": code, **more}


def flow(
    tmp_path: Path, *nodes: Any, at_once: int = 2, files: Mapping[str, str] | None = None, **spec: Any
) -> Directory:
    """Return the directory of a run of these nodes; ``files`` lie beside their code."""
    tree = tmp_path / "tree"
    tree.mkdir(parents=True, exist_ok=True)
    for name, content in (files or {}).items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(content)
    laid: list[FlowNode] = []
    for each in nodes:
        code = each.pop("code")
        if code:
            each["path"] = each.get("path") or f"{each['tag']}.py"
            (tree / each["path"]).parent.mkdir(parents=True, exist_ok=True)
            (tree / each["path"]).write_text(code)
        laid.append(cast("FlowNode", {"asset_path": str(tree), **each}))
    return Directory(tmp_path / "run", kind="flow", flow={"at_once": at_once, "nodes": laid}, **spec)


def told(directory: Directory) -> list[Line]:
    """Return what was told about nodes, in order."""
    lines = (directory.path / "progress.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if "node" in line]


def states(directory: Directory) -> dict[str, str]:
    """Return the last state of each node that changed, by its tag."""
    return {line["node"].lower(): line["state"] for line in told(directory)}
