"""A disk without room: a worker that has none claims nothing, and what it has goes back instead of failing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gristmill.domain.asset import AssetType
from gristmill.domain.run import MAX_ATTEMPTS, Run, RunState
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.launch.launcher import Ending
from gristmill.service import claims
from gristmill_runner.failure import DISK_FULL, NO_ROOM
from gristmill_runner.protocol import EXIT_NO_ROOM, write_result
from tests.disk import Disk, own_disk
from tests.engine.conftest import LEASE, Works
from tests.make_work import COMPLETED


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """The disk on which runs work."""
    with own_disk(tmp_path / "runs") as made:
        if made.missing and not (os.environ.get("CI") and os.geteuid() == 0):
            pytest.skip(made.missing)
        yield made


def submitted(works: Works, kind: AssetType) -> str:
    return works.shop.submit(works.shop.deploy(kind=kind)).run.deployment_job_id


def attempted(works: Works, job: str) -> Run:
    context = works.shop.context
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    Execution(context, works.launcher, assignment).run()
    return works.shop.look(job).run


def test_a_worker_whose_disk_is_full_claims_nothing_until_there_is_room(works: Works) -> None:
    context, job = works.shop.context, submitted(works, AssetType.MODEL)

    def worker(least_free_bytes: int) -> Worker:
        return Worker(
            context,
            context.new_id(),
            lambda assignment: Execution(context, works.launcher, assignment),
            slots=1,
            lease=LEASE,
            least_free_bytes=least_free_bytes,
        )

    full, roomy = worker(2**62), worker(1)
    try:
        assert full.step() == 0
        assert works.shop.look(job).run.state is RunState.QUEUED
        assert roomy.step() == 1
        works.launcher.gate.set()
        works.until_idle(roomy)
    finally:
        roomy.stop(5)
        full.stop(5)
    assert works.shop.look(job).run.state is RunState.COMPLETED


@pytest.mark.parametrize("kind", [AssetType.MODEL, AssetType.FUNCTION])
def test_a_run_that_finds_no_room_to_begin_waits_again(works: Works, disk: Disk, kind: AssetType) -> None:
    job = submitted(works, kind)
    works.launcher.gate.set()
    disk.fill()
    found = attempted(works, job)
    assert (found.state, found.attempt) == (RunState.QUEUED, 1)
    disk.clear()
    assert attempted(works, job).state is RunState.COMPLETED


@pytest.mark.parametrize(("kind", "state"), [(AssetType.MODEL, RunState.QUEUED), (AssetType.FUNCTION, RunState.FAILED)])
def test_a_run_that_could_not_even_say_why_it_ended_is_no_failure_of_its_code(
    works: Works, disk: Disk, kind: AssetType, state: RunState
) -> None:
    def fills(_directory: Path) -> Ending:
        disk.fill()
        return Ending(exit_code=1)

    job = submitted(works, kind)
    works.launcher.script = fills
    works.launcher.gate.set()
    found = attempted(works, job)
    assert found.state is state
    if state is RunState.FAILED:
        assert found.cause
        assert (found.cause.code, "had no room left on its disk" in found.cause.message) == ("worker_lost", True)
        return
    disk.clear()
    works.launcher.script = lambda _directory: COMPLETED
    assert attempted(works, job).state is RunState.COMPLETED


@pytest.mark.parametrize(("kind", "state"), [(AssetType.MODEL, RunState.QUEUED), (AssetType.FUNCTION, RunState.FAILED)])
def test_a_run_that_found_no_room_is_told_from_others_when_there_is_room_again(
    works: Works, kind: AssetType, state: RunState
) -> None:
    """What others left makes room as soon as they have ended, before anybody looks."""
    job = submitted(works, kind)
    works.launcher.script = lambda _directory: Ending(exit_code=EXIT_NO_ROOM)
    works.launcher.gate.set()
    found = attempted(works, job)
    assert found.state is state
    assert state is RunState.QUEUED or (found.cause and "had no room left on its disk" in found.cause.message)


@pytest.mark.parametrize(
    ("kind", "code", "attempts"),
    [
        (AssetType.MODEL, NO_ROOM, MAX_ATTEMPTS),
        (AssetType.FUNCTION, NO_ROOM, 1),
        (AssetType.MODEL, DISK_FULL, 1),
    ],
)
def test_a_run_that_says_that_there_was_no_room_fails_with_its_own_words_when_nothing_else_is_left(
    works: Works, kind: AssetType, code: str, attempts: int
) -> None:
    def says(directory: Path) -> Ending:
        write_result(directory, {"outcome": "failed", "cause": {"code": code, "message": "no room"}})
        return Ending()

    job = submitted(works, kind)
    works.launcher.script = says
    works.launcher.gate.set()
    states = [attempted(works, job).state for _ in range(attempts)]
    assert states == [RunState.QUEUED] * (attempts - 1) + [RunState.FAILED]
    found = works.shop.look(job).run
    assert found.cause
    assert found.cause.code == code


def test_a_run_for_which_there_is_never_room_ends(works: Works, disk: Disk) -> None:
    job = submitted(works, AssetType.MODEL)
    disk.fill()
    states = [attempted(works, job).state for _ in range(MAX_ATTEMPTS)]
    assert states == [RunState.QUEUED] * (MAX_ATTEMPTS - 1) + [RunState.FAILED]
