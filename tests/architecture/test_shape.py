"""The shape of the code: one writer of states, files and functions of a readable size, no rooms for odds and ends."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "migrations/versions" not in str(path))
_FORBIDDEN_NAMES = re.compile(r"(utils?|common|helpers?|misc|managers?|handlers?)$")
_MOST_FILE_LINES = 400
_MOST_FUNCTION_LINES = 50


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_nothing_but_the_runs_store_changes_a_run() -> None:
    writes = re.compile(r"\b(?:sql_)?(?:update|insert|delete)\(\s*(?:run_rows|runs|schema\.runs)\s*\)")
    writers = {path.name for path in MODULES if writes.search(path.read_text(encoding="utf-8"))}
    assert writers == {"runs.py", "run_writes.py"}
    # How it is written is a matter of the database; what is written, one alone decides.
    uses = re.compile(r"\brun_writes\b")
    assert {path.name for path in MODULES if uses.search(path.read_text(encoding="utf-8"))} == {"runs.py"}


def test_every_transition_goes_through_one_function() -> None:
    callers = {path.name for path in MODULES if "next_state(" in path.read_text(encoding="utf-8")}
    assert callers == {"run.py", "runs.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_and_functions_are_of_a_readable_size(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= _MOST_FILE_LINES
    for function in functions(path):
        assert (function.end_lineno or 0) - function.lineno < _MOST_FUNCTION_LINES, function.name


def test_there_are_no_rooms_for_odds_and_ends() -> None:
    assert [path for path in MODULES if _FORBIDDEN_NAMES.search(path.stem)] == []


def test_most_functions_are_short() -> None:
    lengths = sorted((f.end_lineno or 0) - f.lineno + 1 for path in MODULES for f in functions(path))
    assert lengths[len(lengths) // 2] <= 10
