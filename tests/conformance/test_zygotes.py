"""One launcher, several environments: a zygote each, started when it is first needed, ended when nothing needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.conformance.functions import answer, answering, function, ran
from tests.make import eventually

from gristmill.launch.environments import Environment, shipped
from gristmill.launch.launcher import Ending, LaunchFailed, Order
from gristmill.launch.process import ProcessLauncher

PYTHON = Path(sys.executable)
OWN, ONE, TWO, THREE = (Environment(name=name, python=PYTHON, preload=()) for name in ("own", "one", "two", "three"))
ZYGOTE = answering("os.getppid()")


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[ProcessLauncher]:
    launcher = ProcessLauncher(directory=tmp_path, environment=OWN, zygote_idle_seconds=0.5, max_zygotes=3)
    yield launcher
    launcher.close()


def parent(launcher: ProcessLauncher, directory: Path, environment: Environment | None, **order: object) -> int:
    """Run a child in an environment; return the number of its zygote."""
    assert ran(launcher, function(directory, ZYGOTE), environment=environment, **order) == Ending()
    return int(str(answer(directory)))


def test_each_environment_has_a_zygote_and_an_order_without_one_gets_the_launchers(
    launcher: ProcessLauncher, tmp_path: Path
) -> None:
    pids = [parent(launcher, tmp_path / str(number), each) for number, each in enumerate((None, OWN, ONE, ONE))]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_warm_child_serves_its_own_environment_alone(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    pids = []
    for number, environment in enumerate((ONE, TWO, ONE)):
        directory = function(tmp_path / str(number), body)
        ran(launcher, directory, environment=environment, warm_key="same")
        pids.append(answer(directory))
    assert pids[0] != pids[1]
    assert pids[0] == pids[2]


def test_a_zygote_that_nothing_needs_ends_and_comes_back_and_the_launchers_own_stays(
    launcher: ProcessLauncher, tmp_path: Path
) -> None:
    own, first = parent(launcher, tmp_path / "own", None), parent(launcher, tmp_path / "1", ONE)
    eventually(lambda: not psutil.pid_exists(first), within=10)
    assert psutil.pid_exists(own)
    assert parent(launcher, tmp_path / "2", ONE) != first


def test_zygotes_are_few_and_those_at_work_stay(tmp_path: Path) -> None:
    launcher = ProcessLauncher(directory=tmp_path, environment=OWN, max_zygotes=2)
    try:
        at_work = parent(launcher, tmp_path / "1", ONE, warm_key="keeps its zygote at work")
        idle = parent(launcher, tmp_path / "2", TWO)
        eventually(lambda: not psutil.pid_exists(idle), within=10)
        parent(launcher, tmp_path / "3", THREE)
        assert psutil.pid_exists(at_work)
    finally:
        launcher.close()
    assert not psutil.pid_exists(at_work)


def test_an_environment_that_cannot_start_does_not_touch_the_others(launcher: ProcessLauncher, tmp_path: Path) -> None:
    broken = Environment(name="broken", python=Path("/bin/false"), preload=())
    with pytest.raises(LaunchFailed, match="the zygote of broken did not start"):
        launcher.launch(Order(directory=tmp_path / "1", environment=broken))
    parent(launcher, tmp_path / "2", ONE)
    assert shipped().name != ONE.name
