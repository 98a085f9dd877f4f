"""Twenty runs that ask for a new software environment at one moment: it is built once, and all of them work in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from tests.acceptance.code_jobs import asset, ended, job, log, started
from tests.acceptance.rest import Json, Rest
from tests.acceptance.server import running
from tests.make_packages import make_counting_project

RUNS = 20
# All of them are to be at work at once, on whatever machine.
ROOM = {"worker_slots": str(RUNS), "worker_cpus": str(4 * RUNS), "worker_memory_bytes": str(RUNS * 2**35)}


def test_twenty_runs_of_a_new_environment_build_it_once(tmp_path: Path) -> None:
    builds = tmp_path / "builds"
    package = make_counting_project(tmp_path, "counted", builds=builds)
    with running(tmp_path / "data", **ROOM) as server, Rest(server) as rest:
        rest.enter_new_space()
        software = {"id": rest.specification(package)}
        code = b"import counted, sys\nprint(counted.version, sys.prefix)"
        script, _ = asset(rest, "script", "s.py", code, software_spec=software)
        # A job each, so that no run waits for another one's turn.
        jobs = [job(rest, script) for _ in range(RUNS)]
        gate = Barrier(RUNS)

        def submitted(job_id: str) -> Json:
            gate.wait()
            return started(rest, job_id)

        with ThreadPoolExecutor(RUNS) as pool:
            runs = list(pool.map(submitted, jobs))
        # The libraries that ship are installed and compiled too.
        found = [ended(rest, run, within=300) for run in runs]
        logs = [log(rest, run) for run in runs]
    assert [run["state"] for run in found] == ["Completed"] * RUNS, found
    assert builds.read_text() == "built\n"
    assert {run["packages"]["counted"] for run in found} == {"1.0"}
    (environment,) = [path for path in (tmp_path / "data/environments").iterdir() if path.is_dir()]
    assert all(f"1.0 {environment}" in "\n".join(lines) for lines in logs)
    # Those that waited for the build heard it.
    assert sum(any("Building the software environment" in line for line in lines) for lines in logs) > 1
