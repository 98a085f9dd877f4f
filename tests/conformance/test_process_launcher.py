"""The local launcher with real children: cold, warm, live logs, every way to die, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests import make_pmml
from tests.make import eventually

from gristmill.launch.environments import Environment, shipped
from gristmill.launch.launcher import Child, Ending, LaunchFailed, Order
from gristmill.launch.process import ProcessLauncher
from gristmill_runner.protocol import Result, Spec, read_result, write_spec

QUICK = Environment(name="quick", python=shipped().python, preload=("numpy", "joblib"))


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLauncher]:
    launcher = ProcessLauncher(directory=tmp_path_factory.mktemp("zygote"), environment=QUICK)
    yield launcher
    launcher.close()


def function(directory: Path, body: str, *, code: str = "code.py") -> Path:
    """Make a run of a function with the body, ready to launch."""
    source = directory.parent / code
    if not source.exists():
        source.write_text(f"import os, sys, time, ctypes\ndef score(payload):\n    {body}\n")
    write_spec(
        directory,
        {
            "version": 1,
            "run_id": directory.name,
            "kind": "function",
            "asset_path": str(source),
            "inline": [{"path": "inputs/0.jsonl", "rows": 1, "members": {}}],
            "output": {"kind": "inline"},
        },
    )
    (directory / "inputs/0.jsonl").write_text("[1]\n")
    return directory


def answering(value: str) -> str:
    return f'return {{"predictions": [{{"values": [{value}]}}]}}'


def ended(child: Child, within: float = 30.0) -> Ending:
    ending = child.wait(within)
    child.release()
    assert ending is not None
    return ending


def ran(launcher: ProcessLauncher, directory: Path, **order: object) -> Ending:
    return ended(launcher.launch(Order(directory=directory, **order)))  # type: ignore[arg-type]


def result_of(directory: Path) -> Result:
    result = read_result(directory)
    assert result is not None, (directory / "run.log").read_text()
    return result


def answer(directory: Path) -> object:
    assert result_of(directory)["outcome"] == "completed", result_of(directory)
    return json.loads((directory / "outputs/predictions-0.jsonl").read_text())


def test_fresh_children_answer_and_are_gone(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    assert ran(launcher, function(tmp_path / "1", body)) == Ending()
    assert ran(launcher, function(tmp_path / "2", body)) == Ending()
    first, second = answer(tmp_path / "1"), answer(tmp_path / "2")
    assert first != second
    eventually(lambda: not psutil.pid_exists(int(str(first))) and not psutil.pid_exists(int(str(second))), within=5)


def test_warm_child_serves_the_next_run_of_its_key_only(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    for name, key in (("1", "a"), ("2", "a"), ("3", "b"), ("4", None)):
        ran(launcher, function(tmp_path / name, body), warm_key=key)
    pids = [answer(tmp_path / name) for name in "1234"]
    assert pids[0] == pids[1]
    assert len(set(pids)) == 3


def test_other_memory_limit_wants_another_child(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    ran(launcher, function(tmp_path / "1", body), warm_key="limits", memory_limit_bytes=2**30)
    ran(launcher, function(tmp_path / "2", body), warm_key="limits", memory_limit_bytes=2**31)
    assert answer(tmp_path / "1") != answer(tmp_path / "2")


def test_child_at_work_is_not_shared(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = f"time.sleep(0.3); {answering('os.getpid()')}"
    children = [
        launcher.launch(Order(directory=function(tmp_path / name, body), warm_key="shared")) for name in ("1", "2")
    ]
    assert [ended(child) for child in children] == [Ending(), Ending()]
    assert answer(tmp_path / "1") != answer(tmp_path / "2")


def test_output_is_live_and_runs_of_a_warm_child_do_not_mix(launcher: ProcessLauncher, tmp_path: Path) -> None:
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


def test_l1_log_is_whole_up_to_the_kill(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "[print('line', n) for n in range(20000)]; os.kill(os.getpid(), 9)"
    assert ran(launcher, function(tmp_path / "1", body)) == Ending(signal=9)
    assert (tmp_path / "1/run.log").read_text().splitlines() == [f"line {number}" for number in range(20000)]
    assert read_result(tmp_path / "1") is None


def test_crash_in_native_code_is_told_by_its_signal(launcher: ProcessLauncher, tmp_path: Path) -> None:
    assert ran(launcher, function(tmp_path / "1", "ctypes.string_at(0)")) == Ending(signal=signal.SIGSEGV)


def test_exit_without_an_answer_is_told_by_its_code(launcher: ProcessLauncher, tmp_path: Path) -> None:
    assert ran(launcher, function(tmp_path / "1", "os._exit(7)"), warm_key="exits") == Ending(exit_code=7)


def test_failed_run_answers_too(launcher: ProcessLauncher, tmp_path: Path) -> None:
    assert ran(launcher, function(tmp_path / "1", "raise ValueError('bad')")) == Ending()
    assert result_of(tmp_path / "1")["cause"]["message"] == "ValueError: bad"
    assert "ValueError: bad" in (tmp_path / "1/run.log").read_text()


def test_n2_memory_limit_holds_and_is_named(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "hog = [bytearray(2**24) for _ in range(64)]"
    assert ran(launcher, function(tmp_path / "1", body), memory_limit_bytes=300 * 2**20) == Ending()
    assert result_of(tmp_path / "1")["cause"]["code"] == "out_of_memory"


@pytest.mark.parametrize(("limit_mib", "leaves"), [(120, 1), (200, 300_000)], ids=["when Java starts", "the model"])
def test_pmml_is_held_to_the_memory_of_its_run(
    launcher: ProcessLauncher, tmp_path: Path, limit_mib: int, leaves: int
) -> None:
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
    ending = ended(launcher.launch(Order(directory=directory, memory_limit_bytes=limit)), within=120)
    cause = result_of(directory)["cause"]
    assert (ending, cause["code"]) == (Ending(), "out_of_memory"), (directory / "run.log").read_text()[-2000:]
    assert re.search(rf"the run may use {limit_mib} MiB; its process held [1-9]\d* MiB at most", cause["message"])


def test_memory_limit_leaves_what_it_promises(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = f"held = bytearray(250 * 2**20); {answering('len(held)')}"
    ran(launcher, function(tmp_path / "1", body), memory_limit_bytes=300 * 2**20)
    assert answer(tmp_path / "1") == 250 * 2**20


def begun(launcher: ProcessLauncher, directory: Path, **order: object) -> Child:
    child = launcher.launch(Order(directory=directory, **order))  # type: ignore[arg-type]
    eventually(lambda: (directory / "work/begun").exists(), within=10)
    return child


def test_terminate_cancels_and_the_child_is_not_kept(launcher: ProcessLauncher, tmp_path: Path) -> None:
    child = begun(launcher, function(tmp_path / "1", "open('begun', 'w'); time.sleep(60)"), warm_key="cancel")
    child.terminate()
    assert ended(child) == Ending()
    assert result_of(tmp_path / "1")["outcome"] == "canceled"


def test_kill_ends_what_ignores_termination(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('begun', 'w'); time.sleep(60)"
    child = begun(launcher, function(tmp_path / "1", body))
    child.terminate()
    assert child.wait(0.3) is None
    child.kill()
    assert ended(child) == Ending(signal=signal.SIGKILL)


def test_release_of_a_running_child_ends_it(launcher: ProcessLauncher, tmp_path: Path) -> None:
    child = begun(launcher, function(tmp_path / "1", "open('begun', 'w'); time.sleep(60)"), warm_key="dropped")
    child.release()
    assert child.wait(10) == Ending(signal=signal.SIGKILL)


LEAVES_GRANDCHILDREN = (
    "import subprocess as s; kids = [s.Popen(['sleep', '300']), s.Popen(['sleep', '300'], start_new_session=True), "
    "s.Popen(['sh', '-c', 'setsid sleep 300 & exit 0'])]; time.sleep(0.2); "
)
LIST_SLEEPERS = (
    "[int(p) for p in os.listdir('/proc') if p.isdigit() and "
    "os.path.exists('/proc/' + p + '/cmdline') and b'sleep\\x00300' in open('/proc/' + p + '/cmdline', 'rb').read()]"
)


def test_d11_grandchildren_hold_nothing_up_and_die_with_the_run(launcher: ProcessLauncher, tmp_path: Path) -> None:
    started = time.monotonic()
    body = f"{LEAVES_GRANDCHILDREN} {answering(LIST_SLEEPERS)}"
    assert ran(launcher, function(tmp_path / "1", body)) == Ending()
    assert time.monotonic() - started < 10
    sleepers = answer(tmp_path / "1")
    assert isinstance(sleepers, list)
    assert len(sleepers) >= 3
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in sleepers), within=5)


def test_d11_grandchildren_die_when_the_child_crashes(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = f"{LEAVES_GRANDCHILDREN} print({LIST_SLEEPERS}); os.kill(os.getpid(), 9)"
    assert ran(launcher, function(tmp_path / "1", body)).signal == 9
    sleepers = json.loads((tmp_path / "1/run.log").read_text())
    assert len(sleepers) >= 3
    eventually(lambda: not any(psutil.pid_exists(pid) for pid in sleepers), within=5)


def test_user_code_reads_nothing_from_the_lifeline(launcher: ProcessLauncher, tmp_path: Path) -> None:
    ran(launcher, function(tmp_path / "1", answering("[sys.stdin.read(), os.popen('cat').read()]")))
    assert answer(tmp_path / "1") == ["", ""]


def test_environment_is_built_from_nothing(launcher: ProcessLauncher, tmp_path: Path) -> None:
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


def test_children_draw_different_random_numbers(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = f"import numpy, random; {answering('[numpy.random.random(), random.random()]')}"
    for name in ("1", "2"):
        ran(launcher, function(tmp_path / name, body))
    first, second = answer(tmp_path / "1"), answer(tmp_path / "2")
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_twenty_launches_side_by_side(launcher: ProcessLauncher, tmp_path: Path) -> None:
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
