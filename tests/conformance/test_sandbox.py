"""The box around user code, with real children that try to get out of it, and what is left of them afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import joblib
import psutil
import pytest
from sklearn.linear_model import LinearRegression
from tests.make import eventually

from gristmill.launch.environments import Environment, shipped
from gristmill.launch.launcher import Child, Ending, LaunchFailed, Order
from gristmill.launch.process import ProcessLauncher
from gristmill_runner.protocol import Spec, read_result, write_spec

QUICK = Environment(name="quick", python=shipped().python, preload=("numpy",))
MIB = 2**20
HEAD = """
import ctypes, os, signal, socket, subprocess, sys, time
from pathlib import Path

def attempt(act):
    try:
        return repr(act())
    except Exception as error:
        return "refused: " + type(error).__name__

"""
SERVER = """
import sys, time
from pathlib import Path
from gristmill.launch.environments import Environment
from gristmill.launch.launcher import Order
from gristmill.launch.process import ProcessLauncher
home = Path(sys.argv[1])
quick = Environment(name="quick", python=Path(sys.executable), preload=())
launcher = ProcessLauncher(directory=home, environment=quick, sandbox="auto")
launcher.launch(Order(directory=home / "run", readable=[home / "code.py"]))
time.sleep(60)
"""
# A daemon: forked twice, in a session of its own, deaf to everything that can be ignored.
DAEMON = """
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessLauncher]:
    made = ProcessLauncher(directory=tmp_path_factory.mktemp("launcher"), environment=QUICK, sandbox="auto")
    yield made
    made.close()


def staged(place: Path, body: str) -> Order:
    """Return the order of a run of a script with the body, for which only the script is readable besides the box."""
    code = place.parent / f"{place.name}.py"
    code.write_text(HEAD + body)
    write_spec(place, {"version": 1, "run_id": place.name, "kind": "python_script", "asset_path": str(code)})
    return Order(directory=place, readable=[code])


def ended(child: Child, within: float = 60.0) -> Ending:
    ending = child.wait(within)
    child.release()
    assert ending is not None
    return ending


def said(launcher: ProcessLauncher, order: Order) -> list[str]:
    ended(launcher.launch(order))
    return (order.directory / "run.log").read_text().splitlines()


def changed(order: Order, **more: object) -> Order:
    members = {name: getattr(order, name) for name in ("directory", "readable")}
    return Order(**{**members, **more})


def test_what_is_the_servers_and_of_other_runs_cannot_be_read_or_changed(
    launcher: ProcessLauncher, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / "inputs").mkdir(parents=True)
    for path in (other / "inputs/0.csv", tmp_path / "secret.key", tmp_path / "gristmill.db"):
        path.write_text("theirs")
    ways = [
        f"open({str(tmp_path / 'secret.key')!r}).read()",
        f"open({str(tmp_path / 'gristmill.db')!r}, 'ab').write(b'x')",
        f"open({str(other / 'inputs/0.csv')!r}).read()",
        f"os.listdir({str(other)!r})",
        f"os.chmod({str(other)!r}, 0)",
        f"os.rename({str(other / 'inputs')!r}, 'mine')",
        f"os.link({str(tmp_path / 'secret.key')!r}, 'link')",
        f"open({str(tmp_path / 'new')!r}, 'w')",
        f"os.symlink({str(tmp_path / 'secret.key')!r}, 'soft') or open('soft').read()",
        "open('/etc/shadow').read()",
        "open('/usr/x', 'w')",
    ]
    lines = said(launcher, staged(tmp_path / "run", "".join(f"print(attempt(lambda: {way}))\n" for way in ways)))
    assert len(lines) == len(ways)
    assert [line for line in lines if not line.startswith("refused: ")] == []
    assert (tmp_path / "secret.key").read_text() == "theirs"


def test_processes_outside_are_neither_seen_nor_touched(launcher: ProcessLauncher, tmp_path: Path) -> None:
    server = os.getpid()
    ways = [
        f"open('/proc/{server}/environ').read()",
        f"open('/proc/{server}/mem', 'rb').read(1)",
        f"os.kill({server}, 0)",
        f"os.kill({server}, signal.SIGTERM)",
        f"os.sched_setaffinity({server}, [0])",
        f"__import__('resource').prlimit({server}, 7, (10, 10))",
        f"open('/proc/{server}/cmdline').read()",
    ]
    body = "".join(f"print(attempt(lambda: {way}))\n" for way in ways)
    body += "print([name for name in os.listdir('/proc') if name.isdigit()])"
    *lines, seen = said(launcher, staged(tmp_path / "run", body))
    assert [line for line in lines if not line.startswith("refused: ")] == []
    assert seen == "['1', '2']"


def test_two_runs_at_once_do_not_see_each_other(launcher: ProcessLauncher, tmp_path: Path) -> None:
    first = launcher.launch(staged(tmp_path / "first", "print(os.getcwd(), flush=True)\ntime.sleep(60)\n"))
    log = tmp_path / "first/run.log"
    eventually(lambda: log.exists() and log.read_text().strip(), within=30)
    there = log.read_text().strip()
    look = f"print(attempt(lambda: os.listdir({there!r})))\n"
    look += f"print(attempt(lambda: open({there + '/x'!r}, 'w')))\n"
    assert said(launcher, staged(tmp_path / "second", look)) == ["refused: PermissionError", "refused: OSError"]
    first.kill()
    ended(first)


def test_network_only_where_it_is_allowed(launcher: ProcessLauncher, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        body = f"print(attempt(lambda: socket.create_connection(('127.0.0.1', {port}), 5).close()))\n"
        body += "own = socket.create_server(('127.0.0.1', 0))\n"
        body += "print(attempt(lambda: socket.create_connection(own.getsockname(), 5).close()))\n"
        assert said(launcher, staged(tmp_path / "open", body)) == ["None", "None"]
        closed = said(launcher, changed(staged(tmp_path / "closed", body), network=False))
    assert closed == ["refused: ConnectionRefusedError", "None"]


def test_services_cannot_be_reached_by_sockets_in_files(launcher: ProcessLauncher, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as service:
        service.bind("\0gristmill-test")
        service.listen()
        way = "socket.socket(socket.AF_UNIX).connect('\\0gristmill-test')"
        lines = said(launcher, staged(tmp_path / "run", f"print(attempt(lambda: {way}))\nprint(os.listdir('/run'))"))
    assert lines == ["refused: PermissionError", "[]"]


@pytest.mark.parametrize("ending", ["end", "cancel", "die"])
def test_daemons_do_not_outlive_their_run(launcher: ProcessLauncher, tmp_path: Path, ending: str) -> None:
    wait = {"end": "", "cancel": "time.sleep(600)", "die": "os.kill(os.getpid(), signal.SIGKILL)"}[ending]
    order = staged(tmp_path / "run", f"def main():{DAEMON}    Path('begun').touch()\n    {wait}\nmain()\n")
    before = {process.pid for process in psutil.process_iter()}
    child = launcher.launch(order)
    if ending == "cancel":
        eventually(lambda: (tmp_path / "run/work/begun").exists(), within=30)
        child.terminate()
    ended(child)
    assert (tmp_path / "run/work/begun").exists()
    eventually(lambda: not _left(before), within=5)


def _left(before: set[int]) -> list[psutil.Process]:
    """Return the zygote's descendants that were not there before."""
    return [one for one in psutil.Process().children(recursive=True) if one.pid not in before and _is_runner(one)]


def _is_runner(process: psutil.Process) -> bool:
    try:
        return process.status() != "zombie" and "zygote" in process.cmdline()
    except psutil.Error:
        return False


def test_run_deaf_to_the_request_to_stop_is_killed(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nPath('begun').touch()\ntime.sleep(600)\n"
    child = launcher.launch(staged(tmp_path / "run", body))
    eventually(lambda: (tmp_path / "run/work/begun").exists(), within=30)
    child.terminate()
    assert child.wait(0.5) is None
    child.kill()
    assert ended(child) == Ending(signal=signal.SIGKILL)


def test_nothing_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    staged(tmp_path / "run", f"def main():{DAEMON}    Path('begun').touch()\n    time.sleep(600)\nmain()\n")
    (tmp_path / "run.py").rename(tmp_path / "code.py")
    spec = tmp_path / "run/spec.json"
    spec.write_text(json.dumps({**json.loads(spec.read_text()), "asset_path": str(tmp_path / "code.py")}))
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], env=variables)
    try:
        eventually(lambda: (tmp_path / "run/work/begun").exists(), within=30)
        tree = psutil.Process(server.pid).children(recursive=True)
        assert len(tree) >= 5  # the zygote, three of the box, the daemon
    finally:
        server.kill()
        server.wait()
    eventually(lambda: not any(process.is_running() for process in tree), within=5)


def test_the_end_of_a_process_is_the_end_of_the_run(launcher: ProcessLauncher, tmp_path: Path) -> None:
    endings = {
        "os._exit(7)": Ending(exit_code=7),
        "os.abort()": Ending(signal=signal.SIGABRT),
        "ctypes.string_at(0)": Ending(signal=signal.SIGSEGV),
        "os.kill(os.getpid(), signal.SIGKILL)": Ending(signal=signal.SIGKILL),
    }
    for number, (way, ending) in enumerate(endings.items()):
        assert ended(launcher.launch(staged(tmp_path / str(number), f"{way}\n"))) == ending


def test_memory_of_all_processes_together_is_held(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "hoard = [subprocess.Popen([sys.executable, '-c', 'x = bytearray(90 * 2**20); import time; time.sleep(20)'])"
    order = staged(tmp_path / "run", f"{body} for _ in range(4)]\n[p.wait() for p in hoard]\n")
    child = launcher.launch(changed(order, memory_limit_bytes=200 * MIB))
    ending = ended(child, within=30)
    if not any(name.endswith(":memory") for name in ending.isolation):
        return  # this machine lets nobody make control groups: each process is bounded alone
    assert ending.out_of_memory
    assert ending.peak_bytes is not None
    assert ending.peak_bytes >= 200 * MIB


def test_fork_bomb_ends_with_its_run(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "try:\n    while True:\n        if os.fork() == 0:\n            time.sleep(600)\nexcept OSError as error:\n"
    body += "    print(type(error).__name__)\n"
    assert said(launcher, staged(tmp_path / "run", body))[-1] == "BlockingIOError"


def test_file_over_the_bound_is_refused(launcher: ProcessLauncher, tmp_path: Path) -> None:
    order = staged(tmp_path / "run", "open('large', 'wb').write(bytes(2 * 2**20))\n")
    ended(launcher.launch(changed(order, file_bytes=MIB)))
    result = read_result(tmp_path / "run")
    assert result is not None
    assert result["cause"]["code"] == "disk_full"
    assert "more than the 1 MiB that a run may have on disk" in result["cause"]["message"]
    assert "GRISTMILL_RUN_DISK_BYTES" in result["cause"]["message"]
    assert (tmp_path / "run/work/large").stat().st_size <= MIB


def test_a_table_of_results_that_does_not_fit_on_the_disk_is_told_as_that(
    launcher: ProcessLauncher, tmp_path: Path
) -> None:
    """Rows that go to a table are staged first, so they count as what a run has on disk."""
    model, directory = tmp_path / "model.joblib", tmp_path / "run"
    joblib.dump(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), model)
    spec: Spec = {
        "version": 1,
        "run_id": "run",
        "kind": "model",
        "asset_path": str(model),
        "asset_type": "scikit-learn_1.9",
        "files": [{"path": "inputs/in.csv", "name": "in.csv"}],
        "output": {"kind": "table", "path": "out.arrow", "format": "arrow"},
    }
    write_spec(directory, spec)
    (directory / "inputs/in.csv").write_text("x\n" + "1\n" * 300_000)
    ended(launcher.launch(Order(directory=directory, readable=(model,), file_bytes=MIB)), within=60)
    result = read_result(directory)
    assert result is not None
    assert result["cause"]["code"] == "disk_full", result["cause"]
    assert "GRISTMILL_RUN_DISK_BYTES" in result["cause"]["message"]
    assert result["rows"]["read"] == result["rows"]["scored"] + result["rows"]["not_attempted"]


def test_what_a_run_used_and_what_held_it_is_told(launcher: ProcessLauncher, tmp_path: Path) -> None:
    order = staged(tmp_path / "run", "x = b'x' * (100 * 2**20)\nend = time.process_time() + 0.3\n")
    with order.readable[0].open("a") as code:
        code.write("while time.process_time() < end: pass\n")
    ending = ended(launcher.launch(order))
    assert {"landlock", "pidns", "mountns", "capabilities", "rlimits"} <= set(ending.isolation)
    assert ending.peak_bytes is not None
    assert 100 * MIB < ending.peak_bytes < 600 * MIB
    assert ending.cpu_seconds is not None
    assert 0.3 <= ending.cpu_seconds < 5


def test_links_do_not_lead_the_server_out(launcher: ProcessLauncher, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("theirs")
    body = f"os.unlink('../run.log')\nos.symlink({str(tmp_path / 'secret.key')!r}, '../run.log')\n"
    body += f"os.rmdir('../outputs/batch'); os.rmdir('../outputs')\nos.symlink({str(tmp_path)!r}, '../outputs')\n"
    body += "os.mkfifo('../result.json')\nos._exit(0)\n"
    ended(launcher.launch(staged(tmp_path / "run", body)))
    assert read_result(tmp_path / "run") is None  # and does not wait for somebody to write it
    assert not (tmp_path / "run/run.log").exists()
    assert not (tmp_path / "run/outputs").exists()


def test_run_that_takes_its_directory_away_ends(launcher: ProcessLauncher, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    body = "run = Path.cwd().parent\nrun.rename(run.with_name('gone'))\n"
    body += f"os.symlink({str(tmp_path / 'elsewhere')!r}, run)\n"
    ended(launcher.launch(staged(tmp_path / "run", body + "os._exit(0)\n")))
    assert (tmp_path / "run").is_dir()
    assert not (tmp_path / "run").is_symlink()


def test_secrets_are_masked_in_the_log(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "sys.stdout.write('a hun')\nsys.stdout.flush()\ntime.sleep(0.2)\nprint('ter2 b')\n"
    body += "import base64\nprint(base64.b64encode(b'hunter2').decode())\n"
    order = changed(staged(tmp_path / "run", body), secrets=["hunter2"])
    assert said(launcher, order) == ["a **** b", "****=="]


def test_replies_of_user_code_do_not_end_the_server(launcher: ProcessLauncher, tmp_path: Path) -> None:
    body = "for number in range(3, 64):\n    attempt(lambda: os.write(number, b'[no json\\n' * 3))\n"
    launched = launcher.launch(staged(tmp_path / "run", body))
    ended(launched)
    assert said(launcher, staged(tmp_path / "next", "print('hi')\n")) == ["hi"]


def test_required_sandbox_refuses_where_something_is_missing(tmp_path: Path) -> None:
    launcher = ProcessLauncher(directory=tmp_path / "launcher", environment=QUICK, sandbox="required")
    try:
        assert said(launcher, staged(tmp_path / "run", "print('hi')\n")) == ["hi"]
        launcher._confinement.held = ["rlimits", "pidns", "mountns", "capabilities"]
        with pytest.raises(
            LaunchFailed, match="GRISTMILL_SANDBOX is required, and this worker's machine lacks landlock"
        ):
            launcher.launch(staged(tmp_path / "other", ""))
    finally:
        launcher.close()


def test_children_stay_warm_in_their_box(launcher: ProcessLauncher, tmp_path: Path) -> None:
    code = tmp_path / "code.py"
    code.write_text(
        'import os\ndef score(payload):\n    return {"predictions": [{"values": [[id(os), os.getcwd()]]}]}\n'
    )
    seen = []
    for name in ("one", "two"):
        directory = tmp_path / name
        table = {"path": "inputs/0.jsonl", "rows": 1, "members": {}}
        write_spec(
            directory,
            {
                "version": 1,
                "run_id": name,
                "kind": "function",
                "asset_path": str(code),
                "inline": [table],  # type: ignore[list-item]
                "output": {"kind": "inline"},
            },
        )
        (directory / "inputs/0.jsonl").write_text("[1]\n")
        assert ended(launcher.launch(Order(directory=directory, warm_key="w", readable=[code]))) == Ending()
        seen.append(json.loads((directory / "outputs/predictions-0.jsonl").read_text()))
    assert Path(seen[0][1]).parents[1] == Path(seen[1][1]).parents[1]


def test_many_at_once(launcher: ProcessLauncher, tmp_path: Path) -> None:
    orders = [staged(tmp_path / str(number), "print(os.getpid())\n") for number in range(6)]
    threads = [threading.Thread(target=said, args=(launcher, order)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {(order.directory / "run.log").read_text() for order in orders} == {"2\n"}
