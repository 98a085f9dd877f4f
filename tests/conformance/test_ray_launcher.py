"""What the launcher over Ray alone promises: room that is kept, and the loss of nodes told within seconds."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.conformance.functions import QUICK, SLEEP, answer, answering, begun, ended, function, ran
from tests.conformance.spreading import NUMBERS, check_complete, go, scored, spread_run, told_of_loss
from tests.make import eventually
from tests.ray_cluster import SILENCE_SECONDS

from gristmill.launch.environments import shipped
from gristmill.launch.launcher import ChildLost, Ending, LaunchFailed, Order
from gristmill.launch.ray import RayLauncher
from gristmill.launch.ray_cluster import Cluster, ClusterUnusable, check

GIB = 2**30


def agents(place: Path) -> set[psutil.Process]:
    """Return the agents whose children have scored blocks of a spread run: scorer, coordinator, zygote, agent."""
    found = set()
    for _, _, _, coordinator in scored(place):
        with contextlib.suppress(psutil.NoSuchProcess):
            zygote = psutil.Process(coordinator).parent()
            agent = zygote.parent() if zygote else None
            found |= {agent} if agent else set()
    return found


def free_cpus(cluster: Cluster) -> float:
    return float(cluster.ray.available_resources().get("CPU", 0))


def test_room_is_kept_for_as_long_as_a_run_works(cluster: Cluster, ray_launcher: RayLauncher, tmp_path: Path) -> None:
    eventually(lambda: free_cpus(cluster) == 5, within=10)
    child = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=3, memory_limit_bytes=GIB)
    eventually(lambda: free_cpus(cluster) == 2, within=10)
    child.kill()
    ended(child)
    eventually(lambda: free_cpus(cluster) == 5, within=10)


def test_run_waits_for_room_and_says_so(ray_launcher: RayLauncher, tmp_path: Path) -> None:
    first = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=3)
    second = ray_launcher.launch(Order(directory=function(tmp_path / "2", answering("1"), code="2.py"), cpus=3))
    log = tmp_path / "2/run.log"
    waiting = "Waiting until a node of the Ray cluster has 3 CPU and 0 GiB free.\n"
    eventually(lambda: log.exists() and log.read_text() == waiting, within=10)
    assert second.wait(0) is None
    first.kill()
    ended(first)
    assert ended(second) == Ending()
    assert answer(tmp_path / "2") == 1


def test_run_that_waits_for_room_can_be_canceled(ray_launcher: RayLauncher, tmp_path: Path) -> None:
    first = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=3)
    second = ray_launcher.launch(Order(directory=function(tmp_path / "2", SLEEP), cpus=3))
    second.terminate()
    assert ended(second) == Ending(signal=signal.SIGTERM)
    assert not (tmp_path / "2/work").exists()
    first.release()


@pytest.mark.parametrize(("cpus", "memory_bytes"), [(4, GIB), (1, 10 * GIB), (3, 9 * GIB + 1)])
def test_run_that_fits_no_node_is_refused(
    ray_launcher: RayLauncher, tmp_path: Path, cpus: float, memory_bytes: int
) -> None:
    order = Order(directory=tmp_path, cpus=cpus, memory_limit_bytes=memory_bytes)
    with pytest.raises(LaunchFailed, match=r"no node .* is large enough for .*2 CPU and 2 GiB.*") as refused:
        ray_launcher.launch(order).wait(20)
    assert "3 CPU and 9 GiB" in str(refused.value)


def test_warm_child_is_found_again_on_its_node(ray_launcher: RayLauncher, tmp_path: Path) -> None:
    body = answering("os.getpid()")
    for name in ("1", "2", "3", "4"):
        ran(ray_launcher, function(tmp_path / name, body), warm_key="w", cpus=1)
    # A busy node may take longer to let go of a child than the next run waits for that.
    assert len({answer(tmp_path / name) for name in ("1", "2", "3", "4")}) < 4


def test_r1_run_on_two_nodes_survives_the_loss_of_one(ray_launcher: RayLauncher, tmp_path: Path) -> None:
    place = spread_run(tmp_path / "1", held=True)
    child = ray_launcher.launch(Order(directory=place, nodes=2, cpus=2, environment=shipped()))
    eventually(lambda: len(agents(place)) == 2, within=60)  # the two are apart
    agents(place).pop().kill()
    eventually(lambda: told_of_loss(place), within=20)
    go(place)
    assert ended(child, within=60) == Ending()
    check_complete(place)
    assert sum(rows for _, rows, _, _ in scored(place)) < NUMBERS * 1.2


def test_r2_agent_that_falls_silent_is_lost_within_seconds_and_ends_what_it_had(
    ray_launcher: RayLauncher, tmp_path: Path
) -> None:
    child = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=1)
    pid, zygote = map(int, (tmp_path / "1/run.log").read_text().split())
    agent = psutil.Process(zygote).parent()
    assert agent is not None
    os.kill(agent.pid, signal.SIGSTOP)  # as a machine that hangs, or is cut off
    try:
        with pytest.raises(ChildLost, match="did not answer for"):
            child.wait(SILENCE_SECONDS + 10)
    finally:
        os.kill(agent.pid, signal.SIGCONT)
    eventually(lambda: not psutil.pid_exists(pid), within=10)
    assert ran(ray_launcher, function(tmp_path / "2", answering("1"), code="2.py"), cpus=1) == Ending()


def test_agent_that_is_killed_leaves_nothing_behind(ray_launcher: RayLauncher, tmp_path: Path) -> None:
    child = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=1)
    pid, zygote = map(int, (tmp_path / "1/run.log").read_text().split())
    agent = psutil.Process(zygote).parent()
    assert agent is not None
    agent.kill()
    with pytest.raises(ChildLost):
        child.wait(20)
    eventually(lambda: not psutil.pid_exists(pid) and not psutil.pid_exists(zygote), within=10)


def test_close_ends_everything_and_refuses_launches(cluster: Cluster, tmp_path: Path) -> None:
    ray_launcher = RayLauncher(Cluster(cluster.ray, ours=False), directory=tmp_path / "l", environment=QUICK)
    child = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=1)
    pid = int((tmp_path / "1/run.log").read_text().split()[0])
    ray_launcher.close()
    assert child.wait(0) == Ending(signal=signal.SIGKILL)
    assert not psutil.pid_exists(pid)
    ray_launcher.close()
    with pytest.raises(LaunchFailed, match="closed"):
        ray_launcher.launch(Order(directory=tmp_path / "1"))


def test_what_a_killed_worker_left_in_boxes_of_nodes_goes_back_to_its_place(cluster: Cluster, tmp_path: Path) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    served = tmp_path / "runs"
    served.mkdir()
    places = {}
    for run, owner in (("of-the-dead.1", gone.pid), ("of-the-living.1", os.getppid())):
        place = tmp_path / "l" / f"{socket.gethostname()}-{owner}-0a" / "node/boxes/7-0b" / run
        place.mkdir(parents=True)
        (place / "run.log").write_text("said")
        (served / run).symlink_to(place)
        places[run] = place
    made = RayLauncher(Cluster(cluster.ray, ours=False), directory=tmp_path / "l", environment=QUICK, served=served)
    made.close()
    assert not (served / "of-the-dead.1").is_symlink()
    assert (served / "of-the-dead.1/run.log").read_text() == "said"
    assert not places["of-the-dead.1"].parents[3].exists()
    assert (served / "of-the-living.1").readlink() == places["of-the-living.1"]


@pytest.mark.parametrize("address", ["ray://127.0.0.1:10001", "somewhere", "127.0.0.1:1"])
def test_address_that_is_none_is_told_apart(address: str) -> None:
    with pytest.raises(ClusterUnusable, match="GRISTMILL_RAY_ADDRESS"):
        check(address)


def test_ray_that_is_not_installed_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ClusterUnusable, match=r"Ray is not installed .* pip install 'gristmill\[ray\]'"):
        Cluster.connect("127.0.0.1:6379")
