"""Control groups, over a tree of plain files that looks like the kernel's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gristmill.launch.cgroups import Cgroups, Share, memory_limit_bytes, processor_limit

MIB = 2**20


@pytest.fixture
def second(tmp_path: Path) -> tuple[Path, Path]:
    """A group of the second version that was given to the server, and the file that tells which it is."""
    group = tmp_path / "root/system.slice/gristmill.service"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    (group / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (group / "memory.max").write_text("max\n")
    own = tmp_path / "own"
    own.write_text("0::/system.slice/gristmill.service\n")
    return tmp_path / "root", own


def test_second_version_limits_everything_in_one_group(second: tuple[Path, Path]) -> None:
    groups = Cgroups(*second)
    assert groups.held == ["cgroup-v2:memory", "cgroup-v2:cpu", "cgroup-v2:pids"]
    group = groups.new(Share(memory_bytes=200 * MIB, cpus=0.5))
    (place,) = set(group.places.values())
    assert (place / "memory.max").read_text() == str(264 * MIB)
    assert (place / "memory.swap.max").read_text() == "0"
    assert (place / "memory.oom.group").read_text() == "1"
    assert (place / "cpu.max").read_text() == "50000 100000"
    assert group.entrances == [str(place / "cgroup.procs")]
    (place / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (place / "memory.peak").write_text("12345\n")
    assert (group.memory_kills(), group.peak_bytes()) == (2, 12345)


def test_second_version_without_delegation_holds_nothing(second: tuple[Path, Path]) -> None:
    root, own = second
    own.write_text("0::/not/there\n")
    groups = Cgroups(root, own)
    group = groups.new(Share(memory_bytes=MIB))
    assert (groups.held, group.held, group.entrances, group.memory_kills()) == ([], [], [], None)
    group.remove()


def test_the_server_moves_aside_to_switch_controllers_on(second: tuple[Path, Path]) -> None:
    place = second[0] / "system.slice/gristmill.service"
    (place / "cgroup.subtree_control").write_text("\n")
    Cgroups(*second)
    assert (place / "gristmill-server/cgroup.procs").read_text() == str(os.getpid())
    assert (place / "cgroup.subtree_control").read_text() == "+memory +cpu +pids"


def test_first_version_has_a_group_a_controller(tmp_path: Path) -> None:
    for name in ("memory", "cpu", "pids"):
        (tmp_path / name / "mine").mkdir(parents=True)
    (tmp_path / "own").write_text("4:memory:/mine\n3:cpu,cpuacct:/mine\n2:pids:/mine\n0::/\n")
    group = Cgroups(tmp_path, tmp_path / "own").new(Share(memory_bytes=100 * MIB, cpus=2))
    assert group.held == ["cgroup-v1:memory", "cgroup-v1:cpu", "cgroup-v1:pids"]
    assert (group.places["memory"] / "memory.limit_in_bytes").read_text() == str(164 * MIB)
    assert (group.places["cpu"] / "cpu.cfs_quota_us").read_text() == "200000"
    assert int((group.places["pids"] / "pids.max").read_text()) > 100


def test_groups_of_servers_that_are_gone_are_removed(second: tuple[Path, Path]) -> None:
    left = second[0] / "system.slice/gristmill.service/gristmill-999999999-1"
    left.mkdir()
    Cgroups(*second)
    assert not left.exists()


def test_memory_of_the_group_that_holds_this_process(second: tuple[Path, Path]) -> None:
    assert memory_limit_bytes(*second) is None
    (second[0] / "system.slice/gristmill.service/memory.max").write_text("123456\n")
    assert memory_limit_bytes(*second) == 123456


def test_processors_of_the_group_that_holds_this_process(second: tuple[Path, Path]) -> None:
    assert processor_limit(*second) is None
    place = second[0] / "system.slice/gristmill.service/cpu.max"
    place.write_text("max 100000\n")
    assert processor_limit(*second) is None
    place.write_text("150000 100000\n")
    assert processor_limit(*second) == 1.5


def test_a_container_sees_its_group_of_the_first_version_as_the_root(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n")
    for controller in ("cpu", "memory"):
        (tmp_path / "root" / controller).mkdir(parents=True)
    (tmp_path / "root/cpu/cpu.cfs_quota_us").write_text("-1\n")
    (tmp_path / "root/cpu/cpu.cfs_period_us").write_text("100000\n")
    (tmp_path / "root/memory/memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert (processor_limit(tmp_path / "root", own), memory_limit_bytes(tmp_path / "root", own)) == (None, None)
    (tmp_path / "root/cpu/cpu.cfs_quota_us").write_text("50000\n")
    (tmp_path / "root/memory/memory.limit_in_bytes").write_text("4294967296\n")
    assert (processor_limit(tmp_path / "root", own), memory_limit_bytes(tmp_path / "root", own)) == (0.5, 2**32)
