"""What a run left whose worker died is kept: its log, its files, and the log of every attempt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gristmill.content.folder import FolderContent
from gristmill.domain.asset import AssetType
from gristmill.domain.run import RunEvent, RunState
from gristmill.domain.run_spec import RunResult
from gristmill.engine import staging
from gristmill.engine.connected_inputs import Reading
from gristmill.engine.salvage import Salvage
from gristmill.launch.boxes import GIVEN
from gristmill.service import claims, runs
from gristmill.service.claims import Assignment, Outcome
from gristmill_runner import protocol
from tests.disk import Disk, own_disk
from tests.engine.conftest import LEASE, Works
from tests.make import eventually


def begun(works: Works, *, said: str, started: bool = True) -> tuple[Assignment, Path]:
    """Claim the next run for a worker of which nothing more is heard; it has said something by then."""
    held = claims.take(works.shop.context, works.shop.context.new_id(), lease=LEASE)
    assert held
    context = works.shop.context
    reading = Reading(context=context, space_id=held.run.space_id, look=lambda: None, tell=lambda _line: None)
    directory = staging.stage_in(context, held, reading)
    (directory / protocol.LOG).write_text(said)
    if started:
        claims.started(works.shop.context, held)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    return held, directory


def log(works: Works, held: Assignment) -> bytes:
    run = held.run
    return b"".join(runs.log(works.shop.context, works.shop.actor, run.job_id, run.id))


def result(works: Works, held: Assignment) -> RunResult:
    found = works.shop.look(held.run.deployment_job_id).result
    assert found
    return found


def test_l1_log_and_files_of_a_lost_script_are_kept(works: Works) -> None:
    salvage = Salvage(works.shop.context)
    works.shop.submit(works.shop.deploy(kind=AssetType.SCRIPT), input_references=[])
    held, directory = begun(works, said="up to the kill\n")
    (directory / protocol.BATCH).mkdir(parents=True)
    (directory / protocol.BATCH / "part").write_text("half")
    assert salvage.step() == 0  # nobody has rescued it yet
    assert works.rescuer.step() == 1
    assert salvage.step() == 1
    assert log(works, held) == b"up to the kill\n"
    assert [file.name for file in result(works, held).files] == ["outputs.zip"]
    assert not directory.exists()
    assert salvage.step() == 0


def left_on_a_full_disk(works: Works, disk: Disk) -> tuple[Assignment, Path]:
    works.shop.submit(works.shop.deploy(kind=AssetType.SCRIPT), input_references=[])
    held, directory = begun(works, said="up to the kill\n")
    (directory / protocol.BATCH).mkdir(parents=True)
    (directory / protocol.BATCH / "part").write_text("half")
    assert works.rescuer.step() == 1
    disk.fill()
    return held, directory


def test_l1_what_was_left_waits_until_the_content_store_has_room(works: Works, tmp_path: Path) -> None:
    with own_disk(tmp_path / "disk") as disk:
        if disk.missing:
            pytest.skip(disk.missing)
        context = replace(works.shop.context, content=FolderContent(disk.place / "content"))
        works = replace(works, shop=replace(works.shop, context=context))
        held, directory = left_on_a_full_disk(works, disk)
        assert Salvage(context).step() == 0
        assert (directory / protocol.LOG).exists()
        disk.clear()
        assert Salvage(context).step() == 1
        assert log(works, held) == b"up to the kill\n"
        assert [file.name for file in result(works, held).files] == ["outputs.zip"]
        assert not directory.exists()


def test_l1_a_full_disk_of_runs_is_relieved_of_them_and_their_logs_are_kept(works: Works, tmp_path: Path) -> None:
    with own_disk(tmp_path / "disk") as disk:
        if disk.missing:
            pytest.skip(disk.missing)
        place = FolderContent(disk.place / "content")
        context = replace(works.shop.context, content=place, data_dir=disk.place)
        works = replace(works, shop=replace(works.shop, context=context))
        held, directory = left_on_a_full_disk(works, disk)
        # What is on this disk itself may be what fills it: it is not waited for.
        assert Salvage(context).step() == 1
        assert log(works, held) == b"up to the kill\n"
        assert not directory.exists()


def test_a_directory_on_its_way_out_of_a_box_is_left_alone_while_its_run_is_at_work(works: Works) -> None:
    salvage = Salvage(works.shop.context)
    works.shop.submit(works.shop.deploy())
    held, directory = begun(works, said="scored\n")
    half = directory.rename(directory.with_name(directory.name + GIVEN))
    assert salvage.step() == 0
    assert (half / protocol.LOG).read_text() == "scored\n"
    assert claims.finish(works.shop.context, held, Outcome(event=RunEvent.SUCCEEDED, result=RunResult()))
    assert salvage.step() == 1
    assert not half.exists()


def test_l1_the_log_of_every_attempt_is_kept_apart(works: Works) -> None:
    context, salvage = works.shop.context, Salvage(works.shop.context)
    submitted = works.shop.submit(works.shop.deploy())
    for attempt in (1, 2):
        begun(works, said=f"attempt {attempt}\n")
        assert works.rescuer.step() == 1
        assert salvage.step() == 0
    held = claims.take(context, context.new_id(), lease=LEASE)
    assert held
    claims.started(context, held)
    own = RunResult(log_key=context.content.put([b"attempt 3\n"]).key)
    claims.finish(context, held, Outcome(event=RunEvent.SUCCEEDED, result=own))
    assert salvage.step() == 2
    assert log(works, held) == b"attempt 3\n"
    files = {file.name: file for file in result(works, held).files}
    assert set(files) == {"attempt-1.log", "attempt-2.log"}
    with context.content.open(files["attempt-1.log"].content_key) as stream:
        assert stream.read() == b"attempt 1\n"
    assert works.shop.look(submitted.run.deployment_job_id).run.state is RunState.COMPLETED


def test_directories_of_runs_that_are_gone_or_left_a_result_themselves_are_only_removed(works: Works) -> None:
    context = works.shop.context
    submitted = works.shop.submit(works.shop.deploy())
    held, directory = begun(works, said="once\n")
    own = RunResult(log_key=context.content.put([b"kept\n"]).key)
    claims.finish(context, held, Outcome(event=RunEvent.SUCCEEDED, result=own))
    (directory.parent / "nobody.1").mkdir()
    (directory.parent / "linked.1").symlink_to(directory.parent / "nobody.1")
    assert Salvage(context).step() == 3
    assert list(directory.parent.iterdir()) == []
    assert log(works, held) == b"kept\n"
    assert submitted.run.id == held.run.id


def test_a_run_that_its_worker_gives_up_keeps_its_log(works: Works) -> None:
    works.shop.submit(works.shop.deploy(kind=AssetType.FUNCTION))
    worker = works.new_worker()
    assert worker.step() == 1
    eventually(lambda: works.launcher.children, within=5)
    child = works.launcher.children[0]
    (child.order.directory / protocol.LOG).write_text("until the stop\n")
    worker.stop(0)
    (run,) = runs.page(works.shop.context, works.shop.actor, works.shop.space_id, limit=9).items
    assert (run.state, run.cause and run.cause.code) == (RunState.FAILED, "worker_lost")
    assert b"".join(runs.log(works.shop.context, works.shop.actor, run.job_id, run.id)) == b"until the stop\n"
