"""Kind ``flow_node``: what a node's own process does: runs its code, scores its input, or answers its query."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gristmill_runner.batch_folder import announce, file_of, pack
from gristmill_runner.failure import RunFailed
from gristmill_runner.flow.node_directory import HANDED
from gristmill_runner.flow.sql import answer
from gristmill_runner.kinds.code_package import run_file
from gristmill_runner.kinds.model import run_model
from gristmill_runner.protocol import ARCHIVE, BATCH, InputFile, Result
from gristmill_runner.run_context import WORK, Run

_ENDINGS = {"notebook": (".ipynb",), "python_script": (".py",), "r_script": (".R", ".r")}
_FORMATS = {".parquet": "parquet", ".jsonl": "jsonl"}
_WILD = frozenset("*?[")


def run_node(run: Run) -> Result:
    """Do what the node is for; what it leaves is in BATCH_OUTPUT_DIR, and packed for a repair.

    Raises:
        RunFailed: why it fails.

    """
    kind = run.spec["node"]["kind"]
    if kind in _ENDINGS:
        return _run_code(run, kind)
    announce(run)
    result = _score(run) if kind == "model_scoring" else answer(run)
    pack(run, path=ARCHIVE)
    return result


def _run_code(run: Run, kind: str) -> Result:
    """Run the code where it lies in a copy of its tree, with what nodes before left beside it."""
    root, handed = run.directory / WORK, run.directory / HANDED
    file = _lay_out(run, kind, root)
    if handed.is_dir():
        shutil.copytree(handed, file.parent, dirs_exist_ok=True, copy_function=shutil.move)
    os.chdir(file.parent)
    result = run_file(run, file, root=root)
    result.pop("warning", None)  # a node need not leave files
    if result.get("outcome") == "completed" and _gather(run, file.parent):
        pack(run, path=ARCHIVE)
    return result


def _lay_out(run: Run, kind: str, root: Path) -> Path:
    path = run.spec["node"].get("path")
    if path:
        shutil.copytree(run.asset, root, dirs_exist_ok=True)
        return root / path
    # The client calls an asset's file as it likes, and code is known by its ending.
    file = file_of(run.asset, _ENDINGS[kind])
    name = file.name if file.name.endswith(_ENDINGS[kind]) else run.spec["node"]["tag"] + _ENDINGS[kind][0]
    return Path(shutil.copyfile(file, root / name))


def _gather(run: Run, place: Path) -> bool:
    """Copy declared outputs from where the code worked to BATCH_OUTPUT_DIR; tell whether there were any.

    Raises:
        RunFailed: one that was declared by its very name is not there.

    """
    batch, found = run.directory / BATCH, False
    for declared in run.spec["node"].get("outputs") or []:
        matches = sorted(place.glob(declared))
        if not matches and not _WILD & set(declared) and not (batch / declared).exists():
            raise RunFailed("output_missing", f"the output {declared!r} is declared, and was not left")
        for match in matches:
            target = batch / match.relative_to(place)
            target.parent.mkdir(parents=True, exist_ok=True)
            if match.is_dir():
                shutil.copytree(match, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(match, target)
            found = True
    return found


def _score(run: Run) -> Result:
    settings = run.spec["node"]["settings"]
    name = settings["output"]
    output = {"kind": "file", "path": f"{Path(BATCH).name}/{name}", "format": _FORMATS.get(Path(name).suffix, "csv")}
    spec = {**run.spec, "files": [_input(run, settings.get("input"))], "output": output}
    result = run_model(Run(run.directory, spec))  # type: ignore[arg-type]
    result.pop("outputs", None)
    return result


def _input(run: Run, wanted: str | None) -> InputFile:
    files = run.spec.get("files") or []
    fit = [file for file in files if file["name"] == wanted] if wanted else files
    if len(fit) == 1:
        return fit[0]
    there = ", ".join(file["name"] for file in files[:10]) or "none"
    if wanted:
        raise RunFailed("no_input", f"its input {wanted!r} is not there; there is: {there}")
    raise RunFailed("no_input", f"it has {len(files)} input files ({there}); name one in input")
