"""The run directory of a node: made when it begins, from what the nodes before it left."""

from __future__ import annotations

import contextlib
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from gristmill_runner.protocol import (
    ARCHIVE,
    BATCH,
    INPUTS,
    NODES,
    PAYLOAD,
    VERSION,
    FlowNode,
    InputFile,
    Spec,
    write_spec,
)
from gristmill_runner.run_context import Run

HANDED = "handed"
"""What nodes before left by their declared names, below a node's directory; it is laid beside the node's code."""


class NodeDirectory:
    """The directory of one node of a run."""

    def __init__(self, run: Run, number: int, node: FlowNode) -> None:
        self.path = run.directory / NODES / str(number)
        self.node = node
        self._run = run

    def prepare(self, before: Iterable[NodeDirectory], all_before: Iterable[NodeDirectory]) -> None:
        """Lay out the node's inputs: what the nodes right before it left; the first ones get the run's own."""
        inputs = self.path / INPUTS
        inputs.mkdir(parents=True, exist_ok=True)
        for file in (self._run.spec.get("files") or []) if not self.node["needs"] else []:
            _lay(self._run.directory / file["path"], inputs / Path(file["path"]).name)
        for other in before:
            for left, name in other.left():
                wanted = inputs / name
                _lay(left, wanted if not wanted.exists() else inputs / f"{other.node['tag']}-{name.replace('/', '-')}")
        for other in all_before:
            for left, name in other.left():
                if other.declares(name):
                    _lay(left, self.path / HANDED / name)
        payload = self._run.directory / PAYLOAD
        if payload.exists():
            shutil.copyfile(payload, self.path / PAYLOAD)
        write_spec(self.path, self._spec())

    def unpack(self) -> None:
        """Lay out what a node that was kept left in an earlier run."""
        archive, folder = self.path / ARCHIVE, self.path / BATCH
        folder.mkdir(parents=True, exist_ok=True)
        if archive.exists():
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)

    def pass_on(self) -> None:
        """Let the node's input be what it left."""
        batch = self.path / BATCH
        batch.parent.mkdir(parents=True, exist_ok=True)
        (self.path / INPUTS).rename(batch)

    def declares(self, name: str) -> bool:
        """Tell whether a file is one of the node's declared outputs, or in one that is a directory."""
        patterns = self.node.get("outputs") or []
        return any(fnmatch(name, pattern) or fnmatch(name, f"{pattern}/*") for pattern in patterns)

    def left(self) -> Iterator[tuple[Path, str]]:
        """Yield the files that the node left, each with its path below the node's output directory."""
        folder = self.path / BATCH
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield file, str(file.relative_to(folder))

    def _spec(self) -> Spec:
        whole, node = self._run.spec, self.node
        given = whole.get("environment_variables") or {}
        spec = Spec(
            version=VERSION,
            run_id=whole.get("run_id", ""),
            kind="flow_node",
            node=node,
            asset_path=node.get("asset_path", ""),
            asset_type=node.get("asset_type") or "",
            fields=node.get("fields"),
            inline=[],
            files=list(self._files()),
            output={"kind": "inline"},
            environment_variables={**node.get("variables", {}), **given},
            platform_variables=whole.get("platform_variables") or {},
            variable_parameters={**node.get("variables", {}), **(whole.get("variable_parameters") or {})},
            parameters=whole.get("parameters"),
            specification_name=whole.get("specification_name", ""),
            specification_packages=whole.get("specification_packages", {}),
            memory_limit_bytes=whole.get("memory_limit_bytes"),
        )
        for name in ("chunk_rows", "python"):
            if name in whole:
                spec[name] = whole[name]
        return spec

    def _files(self) -> Iterator[InputFile]:
        inputs = self.path / INPUTS
        for file in sorted(inputs.rglob("*")):
            if file.is_file():
                yield {"path": str(file.relative_to(self.path)), "name": str(file.relative_to(inputs))}


def _lay(file: Path, target: Path) -> None:
    """Copy a file: a link would let one node change what another one left."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        target.unlink()
    shutil.copyfile(file, target)
    os.utime(target, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
