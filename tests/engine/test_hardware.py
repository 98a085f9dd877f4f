"""What runs may have of a machine: a worker takes no more than it offers, and a run that fills the disk is ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gristmill.domain.asset import AssetType
from gristmill.domain.capacity import Capacity
from gristmill.domain.errors import Invalid
from gristmill.domain.run import RunState
from gristmill.engine.disk_watch import DiskWatch, used_bytes
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.launch.launcher import Ending
from gristmill.service import claims, hardware_specifications, job_runs, jobs, runs
from gristmill.service.claims import Room
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works

GIB = 1024**3


def worker(works: Works, *, offers: Capacity | None = None, disk_bytes: int | None = None) -> Worker:
    context, launcher = works.shop.context, works.launcher
    return Worker(
        context,
        context.new_id(),
        lambda assignment: Execution(context, launcher, assignment, disk_bytes=disk_bytes),
        slots=4,
        lease=LEASE,
        offers=offers,
    )


def test_a_worker_takes_no_more_than_it_offers(works: Works) -> None:
    deployments = [works.shop.deploy() for _ in range(3)]
    jobs = [works.shop.submit(deployment).run.deployment_job_id for deployment in deployments]
    # The default specification has 2 CPU and 8 GiB.
    taking = worker(works, offers=Capacity.of(cpus=4, memory_bytes=20 * GIB))
    try:
        assert taking.step() == 2
        assert taking.step() == 0
        assert works.shop.look(jobs[2]).run.state is RunState.QUEUED
        works.launcher.gate.set()
        works.until_idle(taking)
        assert taking.step() == 1
        works.until_idle(taking)
        assert {works.shop.look(job).run.state for job in jobs} == {RunState.COMPLETED}
    finally:
        taking.stop(5)


def test_who_takes_several_at_once_leaves_room_for_nothing_beside_one_that_gets_all(works: Works) -> None:
    large = works.shop.submit(works.shop.deploy(), hardware={"name": "L"})
    for deployment in [works.shop.deploy() for _ in range(2)]:
        works.shop.submit(deployment)
    context, offered = works.shop.context, Capacity.of(cpus=4, memory_bytes=20 * GIB)

    def taken(room: Room) -> list[str]:
        found = claims.take_some(context, "w", lease=LEASE, room=room, most=3)
        return [assignment.run.id for assignment in found]

    assert taken(Room(offered=offered, left=offered)) == [large.run.id]
    assert len(taken(Room(offered=offered, left=offered))) == 2


@pytest.mark.parametrize(("kind", "nodes"), [(AssetType.MODEL, 3), (AssetType.FUNCTION, 1)])
def test_a_scoring_run_is_spread_over_the_nodes_that_it_asks_for(works: Works, kind: AssetType, nodes: int) -> None:
    works.launcher.gate.set()
    works.shop.submit(works.shop.deploy(kind=kind), hardware={"name": "S", "num_nodes": 3})
    taking = worker(works)
    try:
        assert taking.step() == 1
        works.until_idle(taking)
    finally:
        taking.stop(5)
    assert [child.order.nodes for child in works.launcher.children] == [nodes]


def test_a_number_of_nodes_that_is_none_is_refused(works: Works) -> None:
    with pytest.raises(Invalid, match=r"hardware_spec.num_nodes: '2' is not a whole number from 1 to 1000"):
        works.shop.submit(works.shop.deploy(), hardware={"name": "S", "num_nodes": "2"})


def test_a_worker_whose_cluster_has_grown_takes_more(works: Works) -> None:
    for deployment in [works.shop.deploy() for _ in range(2)]:
        works.shop.submit(deployment)
    taking = worker(works, offers=Capacity.of(cpus=2, memory_bytes=8 * GIB))
    try:
        assert taking.step() == 1
        taking.offer(Capacity.of(cpus=4, memory_bytes=16 * GIB))
        assert taking.step() == 1
        works.launcher.gate.set()
        works.until_idle(taking)
    finally:
        taking.stop(5)


def test_a_run_that_asks_for_more_than_there_is_gets_all_of_a_worker_and_says_so(works: Works) -> None:
    deployments = [works.shop.deploy() for _ in range(2)]
    jobs = [works.shop.submit(deployment).run.deployment_job_id for deployment in deployments]
    # The default specification has 2 CPU and 8 GiB; this machine is a small one.
    taking = worker(works, offers=Capacity.of(cpus=2, memory_bytes=4 * GIB))
    try:
        assert taking.step() == 1
        assert taking.step() == 0, "it has the worker for itself"
        works.launcher.gate.set()
        works.until_idle(taking)
        assert taking.step() == 1
        works.until_idle(taking)
    finally:
        taking.stop(5)
    (order, _) = (child.order for child in works.launcher.children)
    assert (order.cpus, order.memory_limit_bytes) == (2, 4 * GIB)
    said = "S asks for 2 CPU and 8 GiB, more than any worker offers: the run has 2 CPU and 4 GiB, all of this one."
    for job in jobs:
        found = works.shop.look(job)
        assert (found.run.state, found.run.warning) == (RunState.COMPLETED, None)
        assert found.result
        assert found.result.capped == said
        log = b"".join(runs.log(works.shop.context, works.shop.actor, found.run.job_id, found.run.id))
        assert f"Warning: {said}\n".encode() in log


def test_small_runs_work_side_by_side_on_a_small_machine(works: Works) -> None:
    space = works.shop.space_id
    tiny = hardware_specifications.create(
        works.shop.context,
        works.shop.actor,
        space,
        {"name": "tiny", "nodes": {"cpu": {"units": "500m"}, "mem": {"size": "1Gi"}}},
    )
    for _ in range(5):
        works.shop.submit(works.shop.deploy(), hardware={"id": tiny.id})
    taking = worker(works, offers=Capacity.of(cpus=2, memory_bytes=4 * GIB))
    try:
        assert taking.step() == 4
    finally:
        works.launcher.gate.set()
        taking.stop(5)


def test_a_run_that_fills_the_disk_is_ended_and_says_so(works: Works) -> None:
    job = works.shop.submit(works.shop.deploy()).run.deployment_job_id
    taking = worker(works, disk_bytes=1)
    try:
        taking.step()
        works.until_idle(taking)
    finally:
        taking.stop(5)
    found = works.shop.look(job).run
    assert found.state is RunState.FAILED
    assert found.cause
    assert found.cause.code == "disk_full"
    assert "GRISTMILL_RUN_DISK_BYTES" in found.cause.message
    assert works.launcher.children[0].signals[-1] == "KILL"


def test_what_a_run_used_is_kept_with_its_result(works: Works) -> None:
    job = works.shop.submit(works.shop.deploy()).run.deployment_job_id
    held = ("landlock", "cgroup-v1:memory")
    works.launcher.script = lambda _: Ending(
        signal=9, out_of_memory=True, peak_bytes=3 * 2**20, cpu_seconds=1.23456, isolation=held
    )
    works.launcher.gate.set()
    taking = worker(works)
    try:
        taking.step()
        works.until_idle(taking)
    finally:
        taking.stop(5)
    found = works.shop.look(job)
    assert found.run.cause
    assert found.run.cause.code == "out_of_memory"
    assert found.run.cause.message.endswith("It held 3 MiB at its peak.")
    assert found.result
    assert (found.result.peak_memory_bytes, found.result.cpu_seconds) == (3 * 2**20, 1.235)
    assert tuple(found.result.isolation) == held


@pytest.mark.parametrize(
    ("kind", "batch", "allowed"),
    [
        (AssetType.MODEL, {}, False),
        (AssetType.MODEL, {"network": True}, True),
        (AssetType.FUNCTION, {}, True),
        (AssetType.FUNCTION, {"network": False}, False),
    ],
)
def test_the_network_is_for_those_that_need_it(
    works: Works, kind: AssetType, batch: dict[str, bool], *, allowed: bool
) -> None:
    works.shop.submit(works.shop.deploy(kind=kind, batch=batch))
    works.launcher.gate.set()
    taking = worker(works)
    try:
        taking.step()
        works.until_idle(taking)
    finally:
        taking.stop(5)
    assert works.launcher.children[0].order.network is allowed


def test_a_result_that_names_a_file_of_the_server_publishes_nothing(works: Works, tmp_path: Path) -> None:
    (tmp_path / "secret.key").write_text("theirs")

    def script(_: Path) -> protocol.Result:
        table = protocol.InlineTable(path=str(tmp_path / "secret.key"), rows=1, members={})
        return {"version": 1, "outcome": "completed", "python": "3", "packages": {}, "predictions": [table]}

    works.launcher.script = script
    works.launcher.gate.set()
    job = works.shop.submit(works.shop.deploy()).run.deployment_job_id
    taking = worker(works)
    try:
        taking.step()
        works.until_idle(taking)
    finally:
        taking.stop(5)
    found = works.shop.look(job)
    assert found.run.state is RunState.FAILED
    assert not (found.result and found.result.predictions)


def test_a_file_with_two_names_is_counted_once(tmp_path: Path) -> None:
    (tmp_path / "staged").mkdir()
    (tmp_path / "outputs").mkdir()
    (tmp_path / "staged/output").write_bytes(b"x" * 100_000)
    (tmp_path / "outputs/predictions.csv").hardlink_to(tmp_path / "staged/output")
    assert 100_000 <= used_bytes(tmp_path) < 150_000


def test_disk_is_counted_below_links_and_boxes(tmp_path: Path) -> None:
    box = tmp_path / "box"
    (box / "run/work").mkdir(parents=True)
    (box / "run/work/large").write_bytes(b"x" * 100_000)
    (box / ".tmp").mkdir()
    (box / ".tmp/more").write_bytes(b"x" * 100_000)
    (box / "run/link").symlink_to("/usr")
    link = tmp_path / "run"
    link.symlink_to(box / "run")
    assert 200_000 <= used_bytes(box) < 300_000
    assert DiskWatch(link, 190_000).is_full()
    assert not DiskWatch(link, 300_000).is_full()
    (box / "run/sparse").touch()
    os.truncate(box / "run/sparse", 10**12)  # which takes nothing on disk
    assert not DiskWatch(link, 300_000).is_full()


def test_secrets_are_masked_in_why_a_run_failed(works: Works) -> None:
    shop = works.shop
    script = shop.script()
    job = jobs.create(
        shop.context,
        shop.actor,
        jobs.NewJob(
            space_id=shop.space_id,
            name="j",
            asset_ref=script,
            asset_ref_type="script",
            configuration={"secret_env_variables": ["PASSWORD=hunter2-hunter2"]},
        ),
    )
    run, _ = job_runs.start(shop.context, shop.actor, job.id, job_runs.Overrides())
    secret = "hunter2-hunter2"
    cause: protocol.Cause = {"code": "user_code_failed", "message": f"bad {secret}", "traceback": secret}
    works.launcher.script = lambda _: {"version": 1, "outcome": "failed", "python": "3", "packages": {}, "cause": cause}
    works.launcher.gate.set()
    taking = worker(works)
    try:
        taking.step()
        works.until_idle(taking)
    finally:
        taking.stop(5)
    assert "hunter2-hunter2" in works.launcher.children[0].order.secrets
    found = shop.look(run.deployment_job_id).run
    assert found.cause
    assert (found.cause.message, found.cause.traceback) == ("bad ****", "****")


def test_a_network_that_is_neither_on_nor_off_is_refused_by_name(works: Works) -> None:
    shop = works.shop
    with pytest.raises(Invalid) as refused:
        shop.deploy(batch={"network": "no"})
    assert refused.value.field == "batch.network"
    new = jobs.NewJob(
        space_id=shop.space_id,
        name="j",
        asset_ref=shop.script(),
        asset_ref_type="script",
        configuration={"network": 0},
    )
    with pytest.raises(Invalid) as refused:
        jobs.create(shop.context, shop.actor, new)
    assert refused.value.field == "configuration.network"


def test_a_runs_own_word_on_the_network_wins_over_its_jobs(works: Works) -> None:
    shop = works.shop
    new = jobs.NewJob(
        space_id=shop.space_id,
        name="j",
        asset_ref=shop.script(),
        asset_ref_type="script",
        configuration={"network": False},
    )
    job = jobs.create(shop.context, shop.actor, new)
    for configuration, allowed in (({}, False), ({"network": True}, True)):
        run, _ = job_runs.start(shop.context, shop.actor, job.id, job_runs.Overrides(configuration=configuration))
        assert shop.look(run.deployment_job_id).spec.network is allowed
