"""Code packages: an entry point with its own modules, in a copy that it may write to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from tests.r import needs_r
from tests.unit.runner.directories import Directory
from tests.unit.runner.processes import ran

MAIN = """
import os, subprocess, sys
from lib.words import WORD
open("written", "w").close()
print(WORD, os.getcwd() == os.environ["WORKDIR"])
subprocess.run([sys.executable, "-c", "import lib.words; print('again', lib.words.WORD)"], cwd="/", check=True)
"""


def package(tmp_path: Path, files: Mapping[str, str], entrypoint: str | None) -> Directory:
    for name, content in files.items():
        path = tmp_path / "asset" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return Directory(tmp_path / "run", kind="code_package", asset_path=str(tmp_path / "asset"), entrypoint=entrypoint)


WORDS = {"lib/__init__.py": "", "lib/words.py": "WORD = 'own'\n"}


@pytest.mark.parametrize("entry", ["main.py", "deep/main.py"])
def test_a_script_imports_its_own_modules_and_leaves_the_asset_as_it_is(tmp_path: Path, entry: str) -> None:
    directory = package(tmp_path, {**WORDS, entry: MAIN}, entry)
    code, _, log = ran(directory)
    assert code == 0, log
    assert log == "own True\nagain own\n"
    assert (directory.path / "work/written").exists()
    assert not (tmp_path / "asset/written").exists()


def test_a_notebook_imports_them_too(tmp_path: Path) -> None:
    made = new_notebook(
        cells=[new_code_cell("from lib.words import WORD\nWORD")],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python"}},
    )
    directory = package(tmp_path, {**WORDS, "notes/main.ipynb": nbformat.v4.writes(made)}, "notes/main.ipynb")
    code, result, log = ran(directory)
    assert code == 0, log
    assert result["outputs"] == ["results/main.ipynb"]
    assert "'own'" in log


def test_an_r_script_sources_its_own_files(tmp_path: Path) -> None:
    needs_r()
    directory = package(tmp_path, {"main.R": 'source("other.R")\n', "other.R": 'cat("other\\n")\n'}, "main.R")
    code, _, log = ran(directory)
    assert (code, log) == (0, "other\n")


@pytest.mark.parametrize("entry", [None, "", "gone.py", "../outside.py", "lib"])
def test_an_entry_point_that_is_not_inside_fails(tmp_path: Path, entry: str | None) -> None:
    (tmp_path / "outside.py").write_text("print('out')")
    code, result, _ = ran(package(tmp_path, WORDS, entry))
    assert (code, result["cause"]["code"]) == (1, "asset_missing")
