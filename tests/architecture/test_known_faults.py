"""What other systems got wrong is asked of ours on both databases, by a test that bears the number of the fault."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
DATABASES = "database_url"
LAST = {"q": 9, "d": 10, "o": 5, "s": 5, "n": 1}
"""Limits of the queue, deaths, ticks that come once, the store, telling people: the last number of each."""
_NUMBERED = re.compile(rf"def test_((?:[{''.join(LAST)}]\d+_)+)\w+")
FAULTS = [f"{group}{number}" for group, last in LAST.items() for number in range(1, last + 1)]


def test_each_known_fault_has_a_test_that_runs_on_both_databases() -> None:
    paths = [path for path in TESTS.rglob("test_*.py") if _NUMBERED.search(path.read_text())]
    found = {fault for path in paths for test in _tests(path) for fault in _faults(test, path)}
    assert [fault for fault in FAULTS if fault not in found] == []


def test_what_the_store_is_tested_on_are_both_databases() -> None:
    (fixture,) = (one for one in _functions(TESTS / "conftest.py") if one.name == DATABASES)
    assert "params=['sqlite', 'postgresql']" in ast.unparse(fixture.decorator_list[0])


def test_a_test_that_meets_no_database_or_one_alone_does_not_count() -> None:
    engine = TESTS / "engine/test_any.py"
    sources = {
        "def test_q1_q2_x(works): pass": {"q1", "q2"},
        "def test_q1_x(tmp_path): pass": set(),
        "@pytest.mark.parametrize('database_url', ['sqlite'], indirect=True)\ndef test_q1_x(works): pass": set(),
    }
    for source, faults in sources.items():
        (test,) = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
        assert set(_faults(test, engine)) == faults


def _tests(path: Path) -> list[ast.FunctionDef]:
    return [one for one in _functions(path) if one.name.startswith("test_")]


def _faults(test: ast.FunctionDef, path: Path) -> Iterator[str]:
    numbers = _NUMBERED.fullmatch(f"def {test.name}")
    on_both = DATABASES not in _decorators(test) and DATABASES in _needed(_arguments(test), path)
    if numbers and on_both:
        yield from numbers[1].split("_")[:-1]


def _needed(names: set[str], path: Path) -> set[str]:
    """Return the fixtures that a test in a file gets by these names, and those that they are made of."""
    there: dict[str, set[str]] = {}
    for place in _places(path):
        for name, made_of in _fixtures(place).items():
            # One that takes the place of another may be made of that one.
            there[name] = made_of | there.get(name, set()) if name in made_of else made_of
    found: set[str] = set()
    while names:
        found |= names
        names = {needed for name in names for needed in there.get(name, set())} - found
    return found


def _places(path: Path) -> list[Path]:
    """Return where pytest looks for the fixtures of a test, the nearest last."""
    folders = [folder for folder in reversed(path.parents) if folder.is_relative_to(TESTS)]
    return [place for place in (*(folder / "conftest.py" for folder in folders), path) if place.exists()]


@cache
def _fixtures(path: Path) -> dict[str, set[str]]:
    return {one.name: _arguments(one) for one in _functions(path) if "pytest.fixture" in _decorators(one)}


@cache
def _functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]


def _decorators(function: ast.FunctionDef) -> str:
    return " ".join(map(ast.unparse, function.decorator_list))


def _arguments(function: ast.FunctionDef) -> set[str]:
    return {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
