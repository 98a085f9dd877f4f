"""Notebooks in kernels of their own: cells, parameters, output, endings."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from tests.make import eventually
from tests.r import needs_r
from tests.unit.runner.directories import Directory
from tests.unit.runner.processes import ran, stopped

from gristmill_runner.notebooks import parameters
from gristmill_runner.protocol import read_result

PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
R = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}


def tagged(source: str, *tags: str) -> Any:
    return new_code_cell(source, metadata={"tags": list(tags)})


def notebook(tmp_path: Path, *cells: Any, metadata: Any = PYTHON, **spec: Any) -> Directory:
    made = new_notebook(
        cells=[new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells], metadata=metadata
    )
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset/train.ipynb").write_text(nbformat.v4.writes(made))
    return Directory(tmp_path / "run", kind="notebook", asset_path=str(tmp_path / "asset"), **spec)


def executed(directory: Directory, name: str = "train") -> Any:
    return nbformat.read(directory.path / f"results/{name}.ipynb", as_version=4)


def texts(directory: Directory) -> list[str]:
    """Return what each code cell that was executed printed or answered."""
    cells = [cell for cell in executed(directory).cells if cell.cell_type == "code" and cell.execution_count]
    return ["".join(o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.outputs) for cell in cells]


def test_a_notebook_is_executed_and_kept_with_its_page(tmp_path: Path) -> None:
    directory = notebook(
        tmp_path,
        new_markdown_cell("# Title"),
        "import os, sys\nprint('hello', os.environ['MINE'])",
        "",
        tagged("1/0", "skip-execution"),
        tagged("1/0", "raises-exception"),
        "open(os.environ['BATCH_OUTPUT_DIR'] + '/left.txt', 'w').write('x')\n40 + 2",
        environment_variables={"MINE": "yes"},
    )
    code, result, log = ran(directory)
    assert (code, result["outcome"]) == (0, "completed"), log
    assert result["outputs"] == ["results/train.ipynb"]
    assert texts(directory) == ["hello yes\n", "", "42"]
    assert "Cell 1:\nhello yes\nCell 4:\n" in log
    assert "Cell 5:\n42\n" in log
    kept = sorted(path.name for path in (directory.path / "results").iterdir())
    assert kept == ["outputs.zip", "train.html", "train.ipynb"]
    assert "hello yes" in (directory.path / "results/train.html").read_text()
    last = json.loads((directory.path / "progress.jsonl").read_text().splitlines()[-1])
    assert last == {"rows_done": 3, "rows_total": 3, "unit": "cells"}


def test_a_cell_that_fails_ends_the_run_and_what_was_executed_is_kept(tmp_path: Path) -> None:
    directory = notebook(tmp_path, "print('one')", "print('two')", "def f():\n    return 1/0\nf()", "print('never')")
    code, result, log = ran(directory)
    assert (code, result["cause"]["code"]) == (1, "user_code_failed")
    assert result["cause"]["message"] == "cell 3: ZeroDivisionError: division by zero"
    assert "return 1/0" in result["cause"]["traceback"]
    assert log.count("Traceback") == 1
    assert texts(directory)[:2] == ["one\n", "two\n"]
    assert executed(directory).cells[2].outputs[0].ename == "ZeroDivisionError"
    assert executed(directory).cells[3].execution_count is None
    assert "ZeroDivisionError" in (directory.path / "results/train.html").read_text()


@pytest.mark.parametrize(
    ("source", "fate"),
    [
        ("import os; os._exit(3)", "exited with code 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "died of signal SIGKILL"),
    ],
)
def test_a_kernel_that_dies_is_told_as_such(tmp_path: Path, source: str, fate: str) -> None:
    directory = notebook(tmp_path, "print('one')", source, "print('never')")
    _, result, _ = ran(directory)
    assert result["cause"]["code"] == "kernel_died"
    assert fate in result["cause"]["message"]
    assert "cell 2" in result["cause"]["message"]
    assert texts(directory)[0] == "one\n"


def test_memory_beyond_the_limit_fails_the_cell_with_that_cause(tmp_path: Path) -> None:
    directory = notebook(tmp_path, "hog = bytearray(2**32)", memory_limit_bytes=2**30)
    _, result, _ = ran(directory)
    assert result["cause"]["code"] == "out_of_memory"


def test_a_notebook_may_end_itself(tmp_path: Path) -> None:
    code, result, log = ran(notebook(tmp_path, "import sys\nsys.exit(0)", "1/0"))
    assert (code, result["outcome"]) == (0, "completed"), log


def test_input_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    _, result, _ = ran(notebook(tmp_path, "input('?')"))
    assert "StdinNotImplementedError" in result["cause"]["message"]


def test_parameters_go_after_their_cell(tmp_path: Path) -> None:
    directory = notebook(
        tmp_path,
        tagged("n = 1\nname = 'a'", "parameters"),
        "print(n, name, rows, repr(MINE))",
        parameters={"n": 5, "name": "it's", "rows": [1.5, None, True, {"a": "b"}]},
        variable_parameters={"MINE": "2.5", "n": "7", "no-name": "x"},
    )
    _, _, log = ran(directory)
    assert "5 it's [1.5, None, True, {'a': 'b'}] 2.5" in log
    assert executed(directory).cells[1].metadata.tags == ["injected-parameters"]


def test_without_a_cell_for_them_only_given_parameters_are_injected(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    given = notebook(tmp_path / "1", "print(n)", parameters={"n": 5})
    _, _, log = ran(given)
    assert log.startswith("The cell of parameters:\nCell 1:\n5\n")
    variables = notebook(tmp_path / "2", "print(1)", variable_parameters={"n": "5"})
    ran(variables)
    assert len(executed(variables).cells) == 1


def test_an_injected_cell_is_replaced() -> None:
    made = new_notebook(cells=[tagged("n = 1", "parameters"), tagged("n = 2", "injected-parameters")])
    parameters.inject(made, language="python", given={"n": 3}, variables={})
    assert [cell.source for cell in made.cells] == ["n = 1", "# Parameters\nn = 3"]


def test_r_literals() -> None:
    values = {"a": None, "b": True, "c": 1.5, "d": 'say "x"\n', "e": [1, "é"], "f": {"g h": False}, "_no": 1}
    assert parameters.source(values, language="r").splitlines() == [
        "# Parameters",
        "a = NULL",
        "b = TRUE",
        "c = 1.5",
        'd = "say \\"x\\"\\n"',
        'e = list(1, "é")',
        'f = list("g h" = FALSE)',
    ]


@pytest.mark.parametrize(
    ("metadata", "code", "words"),
    [
        ({}, "kernel_missing", "names no kernel"),
        (
            {"kernelspec": {"name": "julia-1.9", "language": "julia", "display_name": "Julia"}},
            "kernel_missing",
            "julia-1.9",
        ),
    ],
)
def test_a_kernel_that_is_not_here_is_named(tmp_path: Path, metadata: Any, code: str, words: str) -> None:
    _, result, _ = ran(notebook(tmp_path, "1", metadata=metadata))
    assert result["cause"]["code"] == code
    assert words in result["cause"]["message"]


@pytest.mark.parametrize("content", ["no JSON", '{"nbformat": 17, "cells": []}', "[]"])
def test_what_is_no_notebook_fails_at_once(tmp_path: Path, content: str) -> None:
    directory = notebook(tmp_path, "1")
    (tmp_path / "asset/train.ipynb").write_text(content)
    _, result, _ = ran(directory)
    assert result["cause"]["code"] == "notebook_invalid"


def test_an_interpreter_without_ipykernel_is_named(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'No module named ipykernel' >&2\nexit 1\n")
    python.chmod(0o755)
    _, result, _ = ran(notebook(tmp_path, "1", python=str(python)))
    assert result["cause"]["code"] == "kernel_missing"
    assert "ipykernel" in result["cause"]["message"]


SLOW = """
import subprocess, time
child = subprocess.Popen(["sleep", "300"])
print("child", child.pid, flush=True)
try:
    time.sleep(300)
finally:
    print("tidied up")
"""


def test_d11_a_stop_interrupts_the_cell_and_ends_the_whole_tree(tmp_path: Path) -> None:
    directory = notebook(tmp_path, "print('one')", SLOW)
    log = directory.path / "run.log"
    code, said = stopped(directory, when=lambda: log.exists() and "child" in log.read_text())
    result = read_result(directory.path)
    assert (code, result and result["outcome"]) == (3, "canceled"), said
    assert texts(directory)[0] == "one\n"
    assert "tidied up" in texts(directory)[1]
    assert (directory.path / "results/train.html").exists()
    pid = int(said.split("child ")[1].split()[0])
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", within=5)


def test_output_is_live_and_executed_cells_are_kept_when_the_runner_is_killed(tmp_path: Path) -> None:
    directory = notebook(tmp_path, "print('one')", "import time\nprint('two', flush=True)\ntime.sleep(300)")
    log = directory.path / "run.log"
    stopped(directory, number=signal.SIGKILL, when=lambda: log.exists() and "two" in log.read_text())
    assert texts(directory)[0] == "one\n"


def test_an_r_notebook_runs_with_its_parameters(tmp_path: Path) -> None:
    needs_r()
    directory = notebook(
        tmp_path, tagged("n <- 1", "parameters"), "print(n)", "stop('no more')", metadata=R, parameters={"n": 5}
    )
    _, result, log = ran(directory)
    assert "[1] 5" in log
    assert result["cause"]["code"] == "user_code_failed", log
    assert result["cause"]["message"].startswith("cell 3: Error in")
    assert "no more" in result["cause"]["message"]
