"""Nodes of a real cluster that die, or are cut off: told within seconds, and what they had goes on elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.conformance.functions import SLEEP, answering, begun, ended, function, ran
from tests.conformance.spreading import NUMBERS, check_complete, go, scored, spread_run, told_of_loss
from tests.hosts import Host, another_host
from tests.make import eventually
from tests.ray_cluster import SILENCE_SECONDS, RayCluster

from gristmill.launch.environments import shipped
from gristmill.launch.launcher import ChildLost, Ending, LaunchFailed, Order
from gristmill.launch.ray import RayLauncher
from gristmill.launch.ray_cluster import Cluster


@pytest.fixture
def host() -> Iterator[Host]:
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root makes network namespaces")
    with another_host() as made:
        yield made


def test_r1_node_that_dies_loses_its_run_and_is_told(
    ray: RayCluster, cluster: Cluster, ray_launcher: RayLauncher, tmp_path: Path
) -> None:
    before = cluster.has().millicores
    node = ray.add(cpus=4, gib=4)
    assert cluster.has().millicores == before + 4000
    child = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=4)
    node.kill()
    with pytest.raises(ChildLost, match=r"The Ray node .* (is gone|does not answer)"):
        child.wait(20)
    assert not (tmp_path / "1").is_symlink()
    pid = int((tmp_path / "1/run.log").read_text().split()[0])
    eventually(lambda: not psutil.pid_exists(pid), within=10)
    eventually(lambda: cluster.has().millicores == before, within=20)
    # The others go on, and what needs the lost one is told that it will never fit.
    assert ran(ray_launcher, function(tmp_path / "2", answering("1"), code="2.py"), cpus=1) == Ending()

    with pytest.raises(LaunchFailed, match="no node"):
        ray_launcher.launch(Order(directory=function(tmp_path / "3", SLEEP), cpus=4)).wait(30)


def test_r3_run_on_two_nodes_survives_the_death_of_one(
    ray: RayCluster, ray_launcher: RayLauncher, tmp_path: Path
) -> None:
    node = ray.add(cpus=3, gib=4)
    place = spread_run(tmp_path / "1", held=True)
    child = ray_launcher.launch(Order(directory=place, nodes=2, cpus=3, environment=shipped()))
    eventually(lambda: len({pid for _, _, pid, _ in scored(place)}) == 2, within=60)
    on_it = {pid for _, _, pid, _ in scored(place) if node.has(pid)}
    assert len(on_it) == 1  # the two are apart
    node.kill()
    eventually(lambda: told_of_loss(place), within=20)
    go(place)
    assert ended(child, within=60) == Ending()
    check_complete(place)
    assert sum(rows for _, rows, _, _ in scored(place)) < NUMBERS * 1.2


def test_r4_node_that_is_cut_off_leaves_nothing_pending(
    ray: RayCluster, ray_launcher: RayLauncher, host: Host, tmp_path: Path
) -> None:
    node = ray.add(cpus=4, gib=4, host=host)
    child = begun(ray_launcher, function(tmp_path / "1", SLEEP), cpus=4)
    pid = int((tmp_path / "1/run.log").read_text().split()[0])
    assert node.has(pid)
    host.cut_off()
    with pytest.raises(ChildLost, match="The Ray node"):
        child.wait(SILENCE_SECONDS + 20)
    # What is cut off ends what it had, by itself.
    eventually(lambda: not psutil.pid_exists(pid), within=SILENCE_SECONDS + 20)
    assert ran(ray_launcher, function(tmp_path / "2", answering("1"), code="2.py"), cpus=1) == Ending()
    node.kill()


def test_r5_run_on_two_nodes_survives_that_one_is_cut_off(
    ray: RayCluster, ray_launcher: RayLauncher, host: Host, tmp_path: Path
) -> None:
    node = ray.add(cpus=3, gib=4, host=host)
    place = spread_run(tmp_path / "1", held=True)
    child = ray_launcher.launch(Order(directory=place, nodes=2, cpus=3, environment=shipped()))
    eventually(lambda: len({pid for _, _, pid, _ in scored(place)}) == 2, within=60)
    assert any(node.has(pid) for _, _, pid, _ in scored(place))
    host.cut_off()
    eventually(lambda: told_of_loss(place), within=SILENCE_SECONDS + 20)
    go(place)
    assert ended(child, within=90) == Ending()
    check_complete(place)
    node.kill()
