"""A server that dies at any moment and comes back over the same data: nothing lost, nothing doubled, nobody left."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.acceptance.rest import Rest, cause
from tests.acceptance.server import Server, are_gone, running, start
from tests.acceptance.work import Work
from tests.make import eventually

LEASE = "2"
States = list[str]
MOMENTS: dict[str, Callable[[States], bool]] = {
    "everything is queued or starts": lambda _states: True,
    "the first starts": lambda states: "starting" in states or "running" in states,
    "the first runs": lambda states: "running" in states,
    "the first has completed": lambda states: "completed" in states,
    "most have completed": lambda states: states.count("completed") >= len(states) // 2,
}
_SAMPLE = ("everything is queued or starts", "the first runs", "most have completed")
_SWEEP = ("the first starts", "the first has completed")


@pytest.mark.parametrize("moment", [*_SAMPLE, *(pytest.param(each, marks=pytest.mark.sweep) for each in _SWEEP)])
def test_a_killed_server_takes_up_its_work_again(tmp_path: Path, moment: str) -> None:
    first = start(tmp_path / "data", lease_seconds=LEASE)
    with Rest(first) as rest:
        rest.enter_new_space()
        work = Work(rest)
        work.submit(tables=6, calls=4)
        eventually(lambda: MOMENTS[moment](work.states()), within=60, every=0.005)
        _kill(first)
    with running(tmp_path / "data", lease_seconds=LEASE) as second, Rest(second, space_id=rest.space_id) as again:
        work.rest = again
        eventually(work.is_over, within=60, every=0.1)
        work.check()


def test_a_server_that_is_killed_again_and_again_gets_done(tmp_path: Path) -> None:
    server = start(tmp_path / "data", lease_seconds="1")
    with Rest(server) as rest:
        rest.enter_new_space()
        work = Work(rest)
        work.submit(tables=6, calls=2)
    for done in (1, 3):
        with Rest(server, space_id=rest.space_id) as work.rest:
            eventually(lambda least=done: work.states().count("completed") >= least, within=60, every=0.02)  # type: ignore[misc]
            _kill(server)
        server = start(tmp_path / "data", lease_seconds="1")
    with Rest(server, space_id=rest.space_id) as work.rest:
        eventually(work.is_over, within=60, every=0.1)
        work.check()
    assert server.stop() == 0


def test_a_server_that_is_asked_to_stop_lets_a_run_finish(tmp_path: Path) -> None:
    visits, go_on = tmp_path / "visits", tmp_path / "go on"
    # Without a box, because the function notes its visits outside of its run.
    server = start(tmp_path / "data", lease_seconds=LEASE, grace_seconds="30", sandbox="off")
    with Rest(server) as rest:
        rest.enter_new_space()
        job_id = _visit(rest, visits, go_on)
        server.process.terminate()
        eventually(lambda: _refuses(server), within=30)
        go_on.touch()
        assert server.process.wait(30) == 0
    with running(tmp_path / "data", lease_seconds=LEASE) as second, Rest(second, space_id=rest.space_id) as again:
        assert again.ended(job_id)["state"] == "completed"
        assert again.job(job_id)["entity"]["scoring"]["predictions"] == [{"values": [["done"]]}]
    assert visits.read_text() == "here\n"


def test_a_run_that_outlasts_the_grace_period_ends_with_the_cause(tmp_path: Path) -> None:
    visits, go_on = tmp_path / "visits", tmp_path / "go on"
    server = start(tmp_path / "data", lease_seconds=LEASE, grace_seconds="1", sandbox="off")
    with Rest(server) as rest:
        rest.enter_new_space()
        job_id = _visit(rest, visits, go_on)
        left = server.descendants()
        assert server.stop(within=30) == 0
    are_gone(left)
    with running(tmp_path / "data", lease_seconds=LEASE) as second, Rest(second, space_id=rest.space_id) as again:
        code, message = cause(again.ended(job_id))
        assert code == "worker_lost", message
    assert visits.read_text() == "here\n"


def test_runs_of_models_are_handed_on_when_the_grace_period_is_over(tmp_path: Path) -> None:
    server = start(tmp_path / "data", lease_seconds=LEASE, grace_seconds="0")
    with Rest(server) as rest:
        rest.enter_new_space()
        work = Work(rest)
        work.submit(tables=5, calls=0)
        eventually(lambda: "running" in work.states(), within=30, every=0.005)
        left = server.descendants()
        assert server.stop(within=30) == 0
    are_gone(left)
    with running(tmp_path / "data", lease_seconds=LEASE) as second, Rest(second, space_id=rest.space_id) as work.rest:
        eventually(work.is_over, within=60, every=0.1)
        work.check()


def _visit(rest: Rest, visits: Path, go_on: Path) -> str:
    """Submit a run of a function that notes that it was there and waits; return its id when it waits."""
    source = f"""
import time
from pathlib import Path

def score(payload):
    with open({str(visits)!r}, "a") as file:
        file.write("here\\n")
    while not Path({str(go_on)!r}).exists():
        time.sleep(0.02)
    return {{"predictions": [{{"values": [["done"]]}}]}}
"""
    deployment = rest.deployment(rest.function(source))
    job_id = str(rest.submit(deployment, {"input_data": [{"values": [[1]]}]})["metadata"]["id"])
    eventually(visits.exists, within=30)
    return job_id


def _kill(server: Server) -> None:
    """Kill the server, and wait until nothing of it is left."""
    left = server.descendants()
    server.kill()
    are_gone(left)


def _refuses(server: Server) -> bool:
    """Whether the server takes no more connections."""
    host, port = server.url.removeprefix("https://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False
