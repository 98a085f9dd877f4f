"""A disk without room: a worker that has none claims nothing, and what it has goes back instead of failing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from gristmill.domain.asset import AssetType
from gristmill.domain.run import MAX_ATTEMPTS, Run, RunState
from gristmill.engine import heard
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.launch.launcher import Ending
from gristmill.service import claims, runs
from gristmill.store.database import Database
from gristmill_runner.failure import DISK_FULL, NO_ROOM
from gristmill_runner.protocol import ARCHIVE, EXIT_NO_ROOM, LOG, write_result
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
        assert found.cause.code == NO_ROOM
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
    assert state is RunState.QUEUED or (found.cause and found.cause.code == NO_ROOM)


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


def full_by_user_code(works: Works, disk: Disk) -> str:
    """Submit a script that completes on a disk that is full by then."""

    def fills(directory: Path) -> Ending:
        (directory / LOG).write_text("up to the end\n")
        (directory / ARCHIVE).parent.mkdir()
        (directory / ARCHIVE).write_bytes(bytes(2**20))
        (directory / os.fsdecode(b"no\xfftext\n")).write_bytes(bytes(2**21))
        write_result(directory, COMPLETED)
        disk.fill()
        return Ending()

    works.launcher.script = fills
    works.launcher.gate.set()
    return works.shop.submit(works.shop.deploy(kind=AssetType.SCRIPT), input_references=[]).run.deployment_job_id


def left(works: Works, job: str) -> list[str]:
    result = works.shop.look(job).result
    assert result
    return [file.name for file in result.files]


def test_what_completed_on_a_full_disk_keeps_what_it_left_if_its_end_can_be_written_down(
    works: Works, disk: Disk
) -> None:
    # The database and the content are elsewhere.
    job = full_by_user_code(works, disk)
    assert attempted(works, job).state is RunState.COMPLETED
    assert left(works, job) == ["outputs.zip"]


def test_what_completed_on_a_full_disk_makes_room_if_the_database_has_none_either(
    works: Works, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heard, "_PAUSES_SECONDS", (0.0,))
    job = full_by_user_code(works, disk)
    with no_room_to_renew(works.shop.context.database):
        found = attempted(works, job)
    assert (found.state, found.cause and found.cause.code) == (RunState.FAILED, NO_ROOM)
    assert left(works, job) == []
    said = b"".join(runs.log(works.shop.context, works.shop.actor, found.job_id, found.id)).decode()
    assert said.startswith("up to the end\nWarning: The disk was full when this run ended.")
    assert "the largest of them 'no\\udcfftext\\n' (2.0 MiB)" in said


@contextmanager
def no_room_to_renew(database: Database) -> Iterator[None]:
    """Have a lease take more room than the database has, so that it says so itself."""
    if database.dialect == "postgresql":
        full = "BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END"
        made = [f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ {full} $$"]
        made.append("CREATE TRIGGER full_disk AFTER UPDATE ON claims FOR EACH ROW EXECUTE FUNCTION full_disk()")
        gone = ["DROP TRIGGER full_disk ON claims", "DROP FUNCTION full_disk"]
    else:
        full = "INSERT INTO full_disk VALUES (zeroblob(100000000))"
        made = ["CREATE TABLE full_disk (filler BLOB)"]
        made.append(f"CREATE TRIGGER full_disk AFTER UPDATE ON claims BEGIN {full}; END")
        gone = ["DROP TRIGGER full_disk", "DROP TABLE full_disk"]
    limit = "PRAGMA max_page_count = 5000"
    if database.dialect == "sqlite":
        event.listen(database.engine, "begin", lambda connection: connection.exec_driver_sql(limit))
    for statements in (made, gone):
        with database.transaction() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        if statements is made:
            yield


def test_a_run_for_which_there_is_never_room_ends(works: Works, disk: Disk) -> None:
    job = submitted(works, AssetType.MODEL)
    disk.fill()
    states = [attempted(works, job).state for _ in range(MAX_ATTEMPTS)]
    assert states == [RunState.QUEUED] * (MAX_ATTEMPTS - 1) + [RunState.FAILED]
