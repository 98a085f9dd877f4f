"""Runs with connected data that fail, are canceled or are done again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gristmill.data.source import DataFailed
from gristmill.domain.asset import AssetType
from gristmill.domain.run import RunState
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.service import connections, runs
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works
from tests.engine.connected.referring import (
    connection,
    file,
    finished,
    log_of,
    result_of,
    scores,
    submitted,
    table,
)
from tests.fakes.connected import Behind
from tests.make import eventually
from tests.make_work import COMPLETED


def test_a_connection_that_is_deleted_meanwhile_fails_the_run(works: Works) -> None:
    connection_id = connection(works)
    found = submitted(works, scores(), input_references=[table(connection_id)])
    connections.delete(works.shop.context, works.shop.actor, works.shop.space_id, connection_id)
    worker = works.new_worker()
    worker.step()
    works.until_idle(worker)
    found = works.shop.look(found.run.deployment_job_id)
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    assert found.run.cause.code == "data_not_found"
    assert "is gone from its space" in found.run.cause.message
    assert works.launcher.children == []


def test_what_a_script_left_is_kept_with_the_run_when_it_cannot_be_put(works: Works, behind: Behind) -> None:
    behind.write_refusal = DataFailed("data_access_denied", "you may not write here")

    def script(directory: Path) -> protocol.Result:
        (directory / protocol.BATCH).mkdir(parents=True)
        (directory / protocol.BATCH / "a.txt").write_text("a")
        return COMPLETED

    connection_id = connection(works, "generics3")
    options: dict[str, Any] = {"input_references": [], "output_reference": file(connection_id, "out.zip")}
    found = finished(works, script, kind=AssetType.SCRIPT, **options)
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    assert found.run.cause.message == (
        "The results cannot be written to out.zip of connection the data: you may not write here"
    )
    assert [kept.name for kept in result_of(found).files] == ["outputs.zip"]


def test_a_failed_publication_is_a_failed_run(works: Works, behind: Behind) -> None:
    behind.write_refusal = DataFailed("data_mismatch", "column score does not fit")
    connection_id = connection(works)
    found = finished(
        works, scores(), input_references=[table(connection_id)], output_reference=table(connection_id, "out")
    )
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    assert found.run.cause.code == "data_mismatch"
    assert "public.out of connection the data: column score does not fit" in found.run.cause.message
    assert "public.out" not in behind.tables


def test_a9_an_append_that_is_repeated_after_a_crash_adds_no_row_twice(works: Works, behind: Behind) -> None:
    class Killed(BaseException):
        """Ends the worker's thread as a kill would: nothing after it happens."""

    def die() -> None:
        raise Killed

    connection_id = connection(works)
    found = submitted(
        works, scores(), input_references=[table(connection_id)], output_reference=table(connection_id, "out")
    )
    behind.after_write = die
    first = works.new_worker()
    first.step()
    works.until_idle(first)
    assert behind.tables["public.out"].num_rows == 2
    assert works.shop.look(found.run.deployment_job_id).run.state is RunState.RUNNING

    behind.after_write = lambda: None
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    works.rescuer.step()
    second = works.new_worker()
    assert second.step() == 1
    works.until_idle(second)
    done = works.shop.look(found.run.deployment_job_id)
    assert (done.run.state, done.run.attempt) == (RunState.COMPLETED, 2), done.run.cause
    assert behind.tables["public.out"]["score"].to_pylist() == [0.0, 1.0]
    assert behind.publications == {found.run.id: 2}
    assert (result_of(done).output_location or {})["rows"] == 2


@pytest.mark.parametrize("changes", [True, False])
def test_an_attempt_tells_whether_it_read_what_the_one_before_it_read(
    works: Works, behind: Behind, changes: bool
) -> None:
    digests = []

    def script(directory: Path) -> protocol.Result:
        digests.append(protocol.read_spec(directory)["files"][0]["digest"])
        if len(digests) == 1:
            if changes:
                behind.tables["public.patients"] = pa.table({"age": [5, 4, 3, 2, 1]})
            works.clock.advance(seconds=LEASE.total_seconds() + 1)
            works.rescuer.step()
        return scores()(directory)

    connection_id = connection(works)
    found = submitted(
        works, script, input_references=[table(connection_id)], output_reference=table(connection_id, "out")
    )
    for _ in range(2):
        worker = works.new_worker()
        assert worker.step() == 1
        works.until_idle(worker)
    assert works.shop.look(found.run.deployment_job_id).run.state is RunState.COMPLETED
    assert len(set(digests)) == (2 if changes else 1)
    assert behind.publications == {found.run.id: 2}


def test_a_worker_that_lost_its_run_writes_nothing(works: Works, behind: Behind) -> None:
    connection_id = connection(works)

    def script(directory: Path) -> protocol.Result:
        works.clock.advance(seconds=LEASE.total_seconds() + 1)
        works.rescuer.step()
        return scores()(directory)

    found = submitted(
        works, script, input_references=[table(connection_id)], output_reference=table(connection_id, "out")
    )
    worker = works.new_worker()
    worker.step()
    works.until_idle(worker)
    assert works.shop.look(found.run.deployment_job_id).run.state is RunState.QUEUED
    assert behind.publications == {}


def test_cancel_is_heard_while_an_input_is_read(works: Works, behind: Behind) -> None:
    behind.hold = threading.Event()
    found = submitted(works, scores(), input_references=[table(connection(works))])
    worker = works.new_worker()
    worker.step()
    eventually(lambda: behind.opened, within=5)
    runs.cancel(works.shop.context, works.shop.actor, works.shop.space_id, found.run.deployment_job_id, delete=False)
    worker.pulse()
    eventually(lambda: worker.idle, within=5)
    behind.hold.set()
    ended = works.shop.look(found.run.deployment_job_id)
    assert ended.run.state is RunState.CANCELED
    assert "Reading input: table public.patients" in log_of(works, ended)
    assert works.launcher.children == []


@pytest.mark.parametrize("kind", ["postgresql", "generics3"])
def test_cancel_while_results_are_written_takes_them_back(works: Works, behind: Behind, kind: str) -> None:
    connection_id, go_on = connection(works, kind), threading.Event()
    place = table(connection_id, "out") if kind == "postgresql" else file(connection_id, "out.csv")
    found = submitted(works, scores(), input_references=[table(connection(works))], output_reference=place)
    worker = works.new_worker()

    def cancel() -> None:
        runs.cancel(
            works.shop.context, works.shop.actor, works.shop.space_id, found.run.deployment_job_id, delete=False
        )
        worker.pulse()
        go_on.wait(30)

    behind.before_write = cancel
    worker.step()
    eventually(lambda: worker.idle, within=10)
    assert works.shop.look(found.run.deployment_job_id).run.state is RunState.CANCELED
    go_on.set()
    assert behind.given_up.wait(10)
    assert behind.publications == {}
    assert "own/out.csv" not in behind.files


def test_cancel_when_results_are_written_is_too_late(works: Works, behind: Behind) -> None:
    connection_id = connection(works)
    found = submitted(
        works, scores(), input_references=[table(connection_id)], output_reference=table(connection_id, "out")
    )
    worker = works.new_worker()

    def cancel() -> None:
        runs.cancel(
            works.shop.context, works.shop.actor, works.shop.space_id, found.run.deployment_job_id, delete=False
        )
        worker.pulse()

    behind.after_write = cancel
    worker.step()
    eventually(lambda: worker.idle, within=10)
    assert works.shop.look(found.run.deployment_job_id).run.state is RunState.COMPLETED


@pytest.mark.parametrize("of", ["table", "file"])
def test_an_input_that_fills_the_disk_ends_the_run(works: Works, behind: Behind, of: str) -> None:
    behind.files["own/large.csv"] = b"x" * 3_000_000
    behind.tables["public.large"] = pa.table({"a": ["x" * 1_500_000] * 2})
    behind.hold = threading.Event()
    shop = works.shop
    reference = (
        table(connection(works), "large") if of == "table" else file(connection(works, "generics3"), "large.csv")
    )
    works.launcher.gate.set()
    found = shop.submit(shop.deploy(), input_references=[reference])
    execute: Callable[[Any], Execution] = lambda assignment: Execution(  # noqa: E731
        shop.context, works.launcher, assignment, disk_bytes=2_000_000
    )
    worker = Worker(shop.context, "w", execute, slots=1, lease=LEASE)
    worker.step()
    try:
        eventually(lambda: worker.idle, within=20)
    finally:
        behind.hold.set()
        worker.stop(5)
    ended = shop.look(found.run.deployment_job_id)
    assert ended.run.cause
    assert ended.run.cause.code == "disk_full"
    assert works.launcher.children == []
