"""What the local launcher alone promises: bounds, its zygote, its end, and the end of the server."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests import make_pmml
from tests.conformance.functions import (
    LEAVES_GRANDCHILDREN,
    QUICK,
    answer,
    answering,
    begun,
    ended,
    function,
    ran,
    result_of,
)
from tests.disk import own_disk
from tests.make import eventually

from gristmill.launch.environments import Environment
from gristmill.launch.launcher import Ending, LaunchFailed, Order
from gristmill.launch.process import ProcessLauncher
from gristmill_runner.protocol import EXIT_NO_ROOM, Spec, write_spec


def test_log_is_bounded_and_says_so(tmp_path: Path) -> None:
    launcher = ProcessLauncher(directory=tmp_path, environment=QUICK, log_limit_bytes=100_000)
    try:
        body = f"[print('x' * 999) for _ in range(1000)]; {answering('1')}"
        assert ran(launcher, function(tmp_path / "1", body)) == Ending()
    finally:
        launcher.close()
    log = (tmp_path / "1/run.log").read_text()
    assert log.endswith("\n[the log ends here: it reached 100000 bytes]\n")
    assert 100_000 <= len(log) < 100_100


def test_idle_children_end_by_time_and_by_number(tmp_path: Path) -> None:
    launcher = ProcessLauncher(directory=tmp_path, environment=QUICK, idle_seconds=0.5, max_idle=2)
    try:
        body = answering("os.getpid()")
        for name in "123":
            ran(launcher, function(tmp_path / name, body), warm_key=name)
        pids = [int(str(answer(tmp_path / name))) for name in "123"]
        eventually(lambda: not psutil.pid_exists(pids[0]), within=5)
        eventually(lambda: not any(map(psutil.pid_exists, pids)), within=5)
        assert ran(launcher, function(tmp_path / "4", body), warm_key="3") == Ending()
    finally:
        launcher.close()


def test_idle_child_that_dies_is_replaced(tmp_path: Path) -> None:
    launcher = ProcessLauncher(directory=tmp_path, environment=QUICK)
    try:
        body = answering("os.getpid()")
        ran(launcher, function(tmp_path / "1", body), warm_key="k")
        pid = int(str(answer(tmp_path / "1")))
        os.kill(pid, signal.SIGKILL)
        eventually(lambda: not psutil.pid_exists(pid), within=5)
        assert ran(launcher, function(tmp_path / "2", body), warm_key="k") == Ending()
        assert answer(tmp_path / "2") != pid
    finally:
        launcher.close()


@pytest.mark.parametrize(("limit_mib", "leaves"), [(120, 1), (200, 300_000)], ids=["when Java starts", "the model"])
def test_pmml_is_held_to_the_memory_of_its_run(tmp_path: Path, limit_mib: int, leaves: int) -> None:
    """Java is part of the scoring process, so what it takes is the run's."""
    (tmp_path / "model.xml").write_text(make_pmml.wide_tree(leaves))
    directory, limit = tmp_path / "1", limit_mib * 2**20
    spec: Spec = {
        "version": 1,
        "run_id": "1",
        "kind": "model",
        "asset_path": str(tmp_path / "model.xml"),
        "asset_type": "pmml_4.3",
        "inline": [{"path": "inputs/0.jsonl", "rows": 1, "members": {}, "fields": ["a"]}],
        "output": {"kind": "inline"},
        "memory_limit_bytes": limit,
    }
    write_spec(directory, spec)
    (directory / "inputs/0.jsonl").write_text("[1]\n")
    with contextlib.closing(ProcessLauncher(directory=tmp_path, environment=QUICK)) as launcher:
        ending = ended(launcher.launch(Order(directory=directory, memory_limit_bytes=limit)), within=120)
    cause = result_of(directory)["cause"]
    assert (ending, cause["code"]) == (Ending(), "out_of_memory"), (directory / "run.log").read_text()[-2000:]
    assert re.search(rf"the run may use {limit_mib} MiB; its process held [1-9]\d* MiB at most", cause["message"])


def zygote_of(directory: Path) -> psutil.Process:
    return next(p for p in psutil.Process().children() if f"HOME={directory}\0" in _environ(p))


def _environ(process: psutil.Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/environ").read_text()
    except ProcessLookupError:  # ended, and not waited for
        return ""


def test_zygote_that_dies_takes_its_children_and_is_replaced(tmp_path: Path) -> None:
    launcher = ProcessLauncher(directory=tmp_path, environment=QUICK)
    try:
        sleeping = function(tmp_path / "1", "print(os.getpid()); open('begun', 'w'); time.sleep(60)")
        child = begun(launcher, sleeping)
        zygote_of(tmp_path).kill()
        assert ended(child) == Ending(signal=signal.SIGKILL)
        pid = int((tmp_path / "1/run.log").read_text())
        eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", within=5)
        assert ran(launcher, function(tmp_path / "2", answering("1"), code="other.py")) == Ending()
    finally:
        launcher.close()


def test_close_ends_everything_and_refuses_launches(tmp_path: Path) -> None:
    launcher = ProcessLauncher(directory=tmp_path, environment=QUICK)
    child = begun(launcher, function(tmp_path / "1", "print(os.getpid()); open('begun', 'w'); time.sleep(60)"))
    zygote = zygote_of(tmp_path)
    started = time.monotonic()
    launcher.close()
    assert time.monotonic() - started < 5
    assert child.wait(0) == Ending(signal=signal.SIGKILL)
    assert not psutil.pid_exists(int((tmp_path / "1/run.log").read_text()))
    assert not zygote.is_running()
    launcher.close()
    with pytest.raises(LaunchFailed):
        launcher.launch(Order(directory=tmp_path / "1"))


def test_environment_that_cannot_start_says_why(tmp_path: Path) -> None:
    nowhere = Environment(name="nowhere", python=tmp_path / "python")
    broken = Environment(name="broken", python=Path("/bin/false"))
    for environment, reason in ((nowhere, "No such file"), (broken, "it ended")):
        launcher = ProcessLauncher(directory=tmp_path, environment=environment)
        try:
            with pytest.raises(LaunchFailed, match=reason):
                launcher.launch(Order(directory=tmp_path / "1"))
        finally:
            launcher.close()


SERVER = """
import sys, time
from pathlib import Path
from gristmill.launch.environments import Environment
from gristmill.launch.launcher import Order
from gristmill.launch.process import ProcessLauncher
home = Path(sys.argv[1])
quick = Environment(name="quick", python=Path(sys.executable), preload=())
launcher = ProcessLauncher(directory=home, environment=quick)
launcher.launch(Order(directory=home / "warm", warm_key="w")).wait(30)
launcher.launch(Order(directory=home / "run"))
time.sleep(60)
"""


def test_d1_server_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    function(tmp_path / "warm", answering("1"), code="quick.py")
    busy = f"{LEAVES_GRANDCHILDREN} open('begun', 'w'); [sum(range(10**6)) for _ in range(10**6)]"
    function(tmp_path / "run", busy)
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], env=variables)
    try:
        eventually(lambda: (tmp_path / "run/work/begun").exists(), within=30)
        tree = psutil.Process(server.pid).children(recursive=True)
        assert len(tree) >= 6  # the zygote, the warm and the busy child, three sleepers
    finally:
        server.kill()
        server.wait()
    eventually(lambda: not any(process.is_running() for process in tree), within=5)


def test_a_disk_that_is_full_takes_no_words_and_holds_up_nobody(tmp_path: Path) -> None:
    with own_disk(tmp_path / "d") as disk:
        if disk.missing:
            pytest.skip(disk.missing)
        with contextlib.closing(ProcessLauncher(directory=tmp_path, environment=QUICK)) as launcher:
            talks = function(tmp_path / "d/1", "print('x' * 2_000_000); return {}")
            disk.fill()
            child = launcher.launch(Order(directory=talks))
            # So it is told even if there is room again when somebody looks.
            assert ended(child) == Ending(exit_code=EXIT_NO_ROOM)
            disk.clear()
            assert ran(launcher, function(tmp_path / "2", answering("1"), code="2.py")) == Ending()
