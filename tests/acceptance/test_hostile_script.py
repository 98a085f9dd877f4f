"""Scripts that mean harm, beside one that works on: each is contained, and the server serves as if there were none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.acceptance.code_jobs import asset, ended, job, log, look, started
from tests.acceptance.rest import Json, Rest, output
from tests.acceptance.server import Server, are_gone, running
from tests.make import eventually

MIB = 1024**2
NEIGHBOUR = """
import os, time
from pathlib import Path
Path("mine.txt").write_text("a neighbour's secret")
print(os.getcwd(), flush=True)
while not Path("/nowhere").exists():
    time.sleep(0.1)
"""
FORK_BOMB = """
import os
made = 0
try:
    while True:
        os.posix_spawn("/bin/sleep", ["sleep", "600"], {})
        made += 1
except OSError as error:
    print("no more:", type(error).__name__, made > 10, made < 5000, flush=True)
"""
DISK_FILL = """
import os
folder = os.environ["BATCH_OUTPUT_DIR"]
for number in range(10**6):
    with open(f"{folder}/{number}", "wb") as file:
        file.write(os.urandom(2**20))
"""
# What it is to try comes in a variable, a line each.
NOSY = """
import os, signal, socket
from pathlib import Path

for line in os.environ["TRIES"].splitlines():
    try:
        print("DONE", line, repr(eval(line))[:200])
    except Exception as error:
        print("refused:", type(error).__name__)
print("all tried", flush=True)
"""
KILL_ALL = """
import os, signal
for number in (signal.SIGTERM, signal.SIGKILL):
    for pid in (-1, *range(1, 4)):
        try:
            os.kill(pid, number)
        except OSError:
            pass
"""
DEAF = """
import os, signal, time
for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
print("deaf", flush=True)
while True:
    try:
        time.sleep(600)
    except BaseException:
        pass
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose runs may have 64 MiB on disk."""
    with running(tmp_path_factory.mktemp("server") / "data", run_disk_bytes=str(64 * MIB)) as made:
        yield made


@pytest.fixture(scope="module")
def neighbour(rest: Rest) -> Iterator[Json]:
    """A run that works on while the others do harm; it must be there afterwards."""
    run = _started(rest, NEIGHBOUR)
    eventually(lambda: log(rest, run), within=30)
    yield run
    assert look(rest, run)["state"] == "Running"
    _cancel(rest, run)
    assert ended(rest, run)["state"] == "Canceled"


def test_a_fork_bomb_is_bounded_and_nothing_of_it_stays(server: Server, rest: Rest, neighbour: Json) -> None:
    before = {process.pid for process in server.descendants()}
    run = _started(rest, FORK_BOMB)
    ended(rest, run)
    assert log(rest, run)[-1].startswith("no more: BlockingIOError True True"), log(rest, run)
    eventually(lambda: len([one for one in server.descendants() if one.pid not in before]) < 10, within=30)
    _works_on(rest, neighbour)


def test_a_full_disk_is_the_runs_own(server: Server, rest: Rest, neighbour: Json) -> None:
    run = _started(rest, DISK_FILL, scoring={"output_data_reference": output("filled.zip")})
    found = ended(rest, run)
    assert found["failure"]["code"] == "disk_full", found
    assert rest.data_assets_named("filled.zip") == []
    eventually(lambda: _size(server.data_dir / "runs") < 8 * MIB, within=15)
    _works_on(rest, neighbour)


def test_files_and_processes_of_others_are_out_of_reach(server: Server, rest: Rest, neighbour: Json) -> None:
    data, place, pid = server.data_dir, Path(log(rest, neighbour)[0]), server.process.pid
    tries = [
        f"open({str(data / 'gristmill.db')!r}, 'rb').read(9)",
        f"open({str(data / 'secret.key')!r}, 'rb').read()",
        f"os.listdir({str(data / 'content')!r})",
        f"os.listdir({str(data / 'runs')!r})",
        f"open({str(place / 'mine.txt')!r}).read()",
        f"open({str(place / 'mine.txt')!r}, 'w')",
        f"os.symlink({str(place)!r}, 'there') or os.listdir('there')",
        f"open('/proc/{pid}/environ').read()",
        f"open('/proc/{pid}/root/etc/shadow').read()",
        "open('/etc/shadow').read()",
        "os.mknod('disk', 0o60660, os.makedev(8, 0))",
        "os.chroot('/')",
        f"os.kill({pid}, signal.SIGTERM)",
        f"os.kill({pid}, signal.SIGSTOP)",
    ]
    run = _started(rest, NOSY, env_variables=["TRIES=" + "\n".join(tries)])
    ended(rest, run)
    *lines, last = log(rest, run)
    assert last == "all tried"
    assert len(lines) == len(tries)
    assert [line for line in lines if not line.startswith("refused: ")] == []
    _works_on(rest, neighbour)


def test_a_script_that_signals_whatever_it_can_ends_only_itself(rest: Rest, neighbour: Json) -> None:
    run = _started(rest, KILL_ALL)
    assert ended(rest, run)["state"] in {"Failed", "Completed"}
    _works_on(rest, neighbour)


def test_a_script_that_is_deaf_to_every_signal_is_ended_by_a_cancel(
    server: Server, rest: Rest, neighbour: Json
) -> None:
    run = _started(rest, DEAF)
    eventually(lambda: "deaf" in log(rest, run), within=30)
    own = [process for process in server.descendants() if _is_in(process, run["asset_id"])]
    assert len(own) >= 4
    _cancel(rest, run)
    assert ended(rest, run, within=30)["state"] == "Canceled"
    are_gone(own)
    _works_on(rest, neighbour)


def _started(rest: Rest, code: str, **configuration: object) -> Json:
    script, _ = asset(rest, "script", "s.py", code.encode())
    return started(rest, job(rest, script, **configuration))


def _cancel(rest: Rest, run: Json) -> None:
    path = f"/v2/jobs/{run['entity']['job_run']['job_ref']}/runs/{run['asset_id']}/cancel"
    rest.call("POST", path, expect=204)


def _works_on(rest: Rest, neighbour: Json) -> None:
    """Check that the neighbour was left alone, and that the server runs what comes next."""
    assert look(rest, neighbour)["state"] == "Running"
    after = _started(rest, "print('as ever')")
    assert ended(rest, after, within=30)["state"] == "Completed"
    assert log(rest, after)[-1] == "as ever"


def _is_in(process: psutil.Process, run_id: str) -> bool:
    try:
        return run_id in process.cwd()
    except psutil.Error:
        return False


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_symlink())
