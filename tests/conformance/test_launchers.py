"""Every launcher with real children: cold, warm, live logs, every way to die, and nothing left behind."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.conformance.functions import (
    LEAVES_GRANDCHILDREN,
    LIST_SLEEPERS,
    QUICK,
    answer,
    answering,
    begun,
    ended,
    function,
    ran,
    result_of,
)
from tests.make import eventually
from tests.ray_cluster import RayCluster

from gristmill.launch.launcher import Ending, Launcher, Order
from gristmill.launch.process import ProcessLauncher
from gristmill.launch.ray import RayLauncher
from gristmill.launch.ray_cluster import Cluster
from gristmill_runner.protocol import read_result


@pytest.fixture(scope="module", params=["process", "ray"])
def launcher(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    directory = tmp_path_factory.mktemp("launcher")
    made: Launcher
    if request.param == "process":
        made = ProcessLauncher(directory=directory, environment=QUICK)
    else:
        ray: RayCluster = request.getfixturevalue("ray")
        made = RayLauncher(Cluster.connect(ray.address), directory=directory, environment=QUICK)
    yield made
    made.close()


def test_fresh_children_answer_and_are_gone(launcher: Launcher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    assert ran(launcher, function(tmp_path / "1", body)) == Ending()
    assert ran(launcher, function(tmp_path / "2", body)) == Ending()
    first, second = answer(tmp_path / "1"), answer(tmp_path / "2")
    assert first != second
    eventually(lambda: not psutil.pid_exists(int(str(first))) and not psutil.pid_exists(int(str(second))), within=5)


def test_warm_child_serves_the_next_run_of_its_key_only(launcher: Launcher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    for name, key in (("1", "a"), ("2", "a"), ("3", "b"), ("4", None)):
        ran(launcher, function(tmp_path / name, body), warm_key=key)
    pids = [answer(tmp_path / name) for name in "1234"]
    assert pids[0] == pids[1]
    assert len(set(pids)) == 3


def test_other_memory_limit_wants_another_child(launcher: Launcher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    ran(launcher, function(tmp_path / "1", body), warm_key="limits", memory_limit_bytes=2**30)
    ran(launcher, function(tmp_path / "2", body), warm_key="limits", memory_limit_bytes=2**31)
    assert answer(tmp_path / "1") != answer(tmp_path / "2")


def test_child_at_work_is_not_shared(launcher: Launcher, tmp_path: Path) -> None:
    body = f"time.sleep(0.3); {answering('os.getpid()')}"
    children = [
        launcher.launch(Order(directory=function(tmp_path / name, body), warm_key="shared")) for name in ("1", "2")
    ]
    assert [ended(child) for child in children] == [Ending(), Ending()]
    assert answer(tmp_path / "1") != answer(tmp_path / "2")


def test_output_is_live_and_runs_of_a_warm_child_do_not_mix(launcher: Launcher, tmp_path: Path) -> None:
    wait = "gate = payload['input_data'][0]['values'][0][0]"
    body = f"{wait}; print('begun', os.getpid()); os.system('echo from a shell >&2'); os.path.exists(str(gate))"
    body += f"; [time.sleep(0.01) for _ in iter(lambda: os.path.exists('go'), True)]; print('over'); {answering('1')}"
    for name in ("1", "2"):
        directory = function(tmp_path / name, body)
        child = launcher.launch(Order(directory=directory, warm_key="live"))
        log = directory / "run.log"
        eventually(lambda log=log: log.exists() and "from a shell" in log.read_text(), within=10)  # type: ignore[misc]
        assert child.wait(0) is None
        (directory / "work/go").touch()
        assert ended(child) == Ending()
        lines = log.read_text().splitlines()
        assert [line.split()[0] for line in lines] == ["begun", "from", "over"]
    assert (tmp_path / "1/run.log").read_text() == (tmp_path / "2/run.log").read_text()


def test_l1_log_is_whole_up_to_the_kill(launcher: Launcher, tmp_path: Path) -> None:
    body = "[print('line', n) for n in range(20000)]; os.kill(os.getpid(), 9)"
    assert ran(launcher, function(tmp_path / "1", body)) == Ending(signal=9)
    assert (tmp_path / "1/run.log").read_text().splitlines() == [f"line {number}" for number in range(20000)]
    assert read_result(tmp_path / "1") is None


def test_crash_in_native_code_is_told_by_its_signal(launcher: Launcher, tmp_path: Path) -> None:
    assert ran(launcher, function(tmp_path / "1", "ctypes.string_at(0)")) == Ending(signal=signal.SIGSEGV)


def test_exit_without_an_answer_is_told_by_its_code(launcher: Launcher, tmp_path: Path) -> None:
    assert ran(launcher, function(tmp_path / "1", "os._exit(7)"), warm_key="exits") == Ending(exit_code=7)


def test_failed_run_answers_too(launcher: Launcher, tmp_path: Path) -> None:
    assert ran(launcher, function(tmp_path / "1", "raise ValueError('bad')")) == Ending()
    assert result_of(tmp_path / "1")["cause"]["message"] == "ValueError: bad"
    assert "ValueError: bad" in (tmp_path / "1/run.log").read_text()


def test_n2_memory_limit_holds_and_is_named(launcher: Launcher, tmp_path: Path) -> None:
    body = "hog = [bytearray(2**24) for _ in range(64)]"
    assert ran(launcher, function(tmp_path / "1", body), memory_limit_bytes=300 * 2**20) == Ending()
    assert result_of(tmp_path / "1")["cause"]["code"] == "out_of_memory"


def test_memory_limit_leaves_what_it_promises(launcher: Launcher, tmp_path: Path) -> None:
    body = f"held = bytearray(250 * 2**20); {answering('len(held)')}"
    ran(launcher, function(tmp_path / "1", body), memory_limit_bytes=300 * 2**20)
    assert answer(tmp_path / "1") == 250 * 2**20


def test_terminate_cancels_and_the_child_is_not_kept(launcher: Launcher, tmp_path: Path) -> None:
    child = begun(launcher, function(tmp_path / "1", "open('begun', 'w'); time.sleep(60)"), warm_key="cancel")
    child.terminate()
    assert ended(child) == Ending()
    assert result_of(tmp_path / "1")["outcome"] == "canceled"


def test_kill_ends_what_ignores_termination(launcher: Launcher, tmp_path: Path) -> None:
    body = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('begun', 'w'); time.sleep(60)"
    child = begun(launcher, function(tmp_path / "1", body))
    child.terminate()
    assert child.wait(0.3) is None
    child.kill()
    assert ended(child) == Ending(signal=signal.SIGKILL)


def test_release_of_a_running_child_ends_it(launcher: Launcher, tmp_path: Path) -> None:
    child = begun(launcher, function(tmp_path / "1", "open('begun', 'w'); time.sleep(60)"), warm_key="dropped")
    child.release()
    assert child.wait(10) == Ending(signal=signal.SIGKILL)


def test_d11_grandchildren_hold_nothing_up_and_die_with_the_run(launcher: Launcher, tmp_path: Path) -> None:
    started = time.monotonic()
    body = f"{LEAVES_GRANDCHILDREN} {answering(LIST_SLEEPERS)}"
    assert ran(launcher, function(tmp_path / "1", body)) == Ending()
    assert time.monotonic() - started < 10
    sleepers = answer(tmp_path / "1")
    assert isinstance(sleepers, list)
    assert len(sleepers) >= 3
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in sleepers), within=5)


def test_d11_grandchildren_die_when_the_child_crashes(launcher: Launcher, tmp_path: Path) -> None:
    body = f"{LEAVES_GRANDCHILDREN} print({LIST_SLEEPERS}); os.kill(os.getpid(), 9)"
    assert ran(launcher, function(tmp_path / "1", body)).signal == 9
    sleepers = json.loads((tmp_path / "1/run.log").read_text())
    assert len(sleepers) >= 3
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in sleepers), within=5)


def test_user_code_reads_nothing_from_the_lifeline(launcher: Launcher, tmp_path: Path) -> None:
    ran(launcher, function(tmp_path / "1", answering("[sys.stdin.read(), os.popen('cat').read()]")))
    assert answer(tmp_path / "1") == ["", ""]


def test_environment_is_built_from_nothing(launcher: Launcher, tmp_path: Path) -> None:
    ran(launcher, function(tmp_path / "1", answering("[dict(os.environ), sys.path, os.getcwd()]")))
    answered = answer(tmp_path / "1")
    assert isinstance(answered, list)
    variables, path, current = answered
    ours = {"PATH", "LANG", "HOME", "TMPDIR", "OMP_NUM_THREADS", "ARROW_DEFAULT_MEMORY_POOL"}
    by_libraries = {"KMP_INIT_AT_FORK", "KMP_DUPLICATE_LIB_OK"}  # scikit-learn sets them when it is imported
    assert ours <= set(variables) <= ours | by_libraries
    assert variables["HOME"] == current == str(tmp_path / "1/work")
    command = [str(QUICK.python), "-I", "-c", "import json, sys; print(json.dumps(sys.path))"]
    assert path == json.loads(subprocess.check_output(command))  # nothing of the server's, not even the runner's place


def test_children_draw_different_random_numbers(launcher: Launcher, tmp_path: Path) -> None:
    body = f"import numpy, random; {answering('[numpy.random.random(), random.random()]')}"
    for name in ("1", "2"):
        ran(launcher, function(tmp_path / name, body))
    first, second = answer(tmp_path / "1"), answer(tmp_path / "2")
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_twenty_launches_side_by_side(launcher: Launcher, tmp_path: Path) -> None:
    directories = [
        function(tmp_path / str(number), f"print(os.getpid()); {answering('os.getpid()')}") for number in range(20)
    ]
    endings: list[Ending] = []
    threads = [threading.Thread(target=lambda d=d: endings.append(ran(launcher, d))) for d in directories]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert endings == [Ending()] * 20
    assert len({answer(directory) for directory in directories}) == 20
    assert all((directory / "run.log").read_text() == f"{answer(directory)}\n" for directory in directories)
