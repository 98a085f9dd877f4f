"""Runs from and to connected data: read when they start, published once and whole, and never with a secret in sight."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gristmill.data import arrow_file
from gristmill.data.source import DataFailed
from gristmill.domain.asset import AssetType
from gristmill.domain.run import RunState
from gristmill.domain.run_spec import RunResult
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.service import connections, runs
from gristmill.service.context import Context
from gristmill.service.runs import RunDetails
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works
from tests.fakes.connected import Behind
from tests.make import eventually
from tests.make_work import COMPLETED, Script

SECRET = "s3cret-of-the-database"
PATIENTS = pa.table({"age": [1, 2, 3, 4, 5]})


@pytest.fixture
def behind() -> Behind:
    return Behind(tables={"public.patients": PATIENTS}, files={"own/in.csv": b"age\n7\n", "b/dir/in.csv": b"age\n8\n"})


@pytest.fixture
def context(context: Context, behind: Behind) -> Context:
    return replace(context, connect=behind.connect)


def connection(works: Works, type_name: str = "postgresql") -> str:
    properties = {
        "postgresql": {"host": "h", "username": "u", "password": SECRET, "database": "d"},
        "generics3": {"access_key": "a", "secret_key": SECRET, "bucket": "own"},
    }[type_name]
    document = {"name": "the data", "datasource_type": type_name, "properties": properties}
    shop = works.shop
    return connections.create(shop.context, shop.actor, shop.space_id, document).id


def table(connection_id: str, name: str = "patients", **location: str) -> dict[str, Any]:
    place = {"schema_name": "public", "table_name": name, **location}
    return {"type": "connection_asset", "connection": {"id": connection_id}, "location": place}


def file(connection_id: str, name: str, **location: str) -> dict[str, Any]:
    place = {"file_name": name, **location}
    return {"type": "connection_asset", "connection": {"id": connection_id}, "location": place}


def submitted(works: Works, script: Script, **options: Any) -> RunDetails:
    works.launcher.script = script
    works.launcher.gate.set()
    kind = options.pop("kind", AssetType.MODEL)
    return works.shop.submit(works.shop.deploy(kind=kind), **options)


def finished(works: Works, script: Script, **options: Any) -> RunDetails:
    found = submitted(works, script, **options)
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    return works.shop.look(found.run.deployment_job_id)


def scores(rows: int = 2) -> Callable[[Path], protocol.Result]:
    def script(directory: Path) -> protocol.Result:
        path = protocol.read_spec(directory)["output"]["path"]
        batches = [pa.record_batch({"score": [float(number)]}) for number in range(rows)]
        arrow_file.write(directory / path, batches, schema=lambda: None, tell=lambda _rows: None)
        return {**COMPLETED, "outputs": [path]}

    return script


def log_of(works: Works, found: RunDetails) -> str:
    return b"".join(runs.log(works.shop.context, works.shop.actor, found.run.job_id, found.run.id)).decode()


def result_of(found: RunDetails) -> RunResult:
    assert found.result
    return found.result


def test_inputs_come_in_the_order_of_their_references(works: Works) -> None:
    connection_id = connection(works)
    local = works.shop.data_asset("local.csv", b"age\n6\n")

    def script(directory: Path) -> protocol.Result:
        files = protocol.read_spec(directory)["files"]
        assert [(file["name"], file["format"]) for file in files] == [
            ("public.patients", "arrow"),
            ("local.csv", "csv"),
            ("public.patients", "arrow"),
        ]
        rows = pa.Table.from_batches(arrow_file.read(directory / files[0]["path"]))
        assert rows == PATIENTS
        assert (directory / files[1]["path"]).read_bytes() == b"age\n6\n"
        assert len({file["path"] for file in files}) == 3
        assert files[2]["path"].endswith(".arrow")
        return COMPLETED

    found = finished(
        works,
        script,
        input_references=[
            table(connection_id),
            {"type": "data_asset", "location": {"href": f"/v2/assets/{local}"}},
            table(connection_id),
        ],
    )
    assert found.run.state is RunState.COMPLETED, found.run.cause
    assert "Read input: table public.patients of connection the data: 5 rows in" in log_of(works, found)


def test_objects_are_fetched_from_the_bucket_that_is_named_or_the_connections_own(works: Works) -> None:
    connection_id = connection(works, "generics3")

    def script(directory: Path) -> protocol.Result:
        files = protocol.read_spec(directory)["files"]
        assert [(directory / file["path"]).read_bytes() for file in files] == [b"age\n7\n", b"age\n8\n"]
        assert {file["format"] for file in files} == {"csv"}
        return COMPLETED

    references = [file(connection_id, "in.csv"), file(connection_id, "dir/in.csv", bucket="b")]
    found = finished(works, script, input_references=references)
    assert found.run.state is RunState.COMPLETED, found.run.cause


def test_nothing_that_the_child_sees_holds_a_secret(works: Works, behind: Behind) -> None:
    connection_id = connection(works)
    seen: list[bytes] = []

    def script(directory: Path) -> protocol.Result:
        seen.extend(path.read_bytes() for path in directory.rglob("*") if path.is_file())
        seen.extend(str(path).encode() for path in directory.rglob("*"))
        return scores()(directory)

    found = finished(
        works, script, input_references=[table(connection_id)], output_reference=table(connection_id, "out")
    )
    assert found.run.state is RunState.COMPLETED, found.run.cause
    assert behind.opened[0][1]["password"] == SECRET
    assert len(seen) > 6
    assert not [content for content in seen if SECRET.encode() in content]
    assert SECRET not in str(found)
    assert SECRET not in log_of(works, found)


def test_a_message_of_the_data_source_shows_no_secret(works: Works, behind: Behind) -> None:
    behind.refusal = DataFailed("data_access_denied", f"the password {SECRET} is wrong")
    found = finished(works, scores(), input_references=[table(connection(works))])
    assert found.run.cause
    assert found.run.cause.code == "data_access_denied"
    assert found.run.cause.message == (
        "The table public.patients of connection the data cannot be read: the password **** is wrong"
    )
    assert SECRET not in str(found)


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


def test_a_table_is_written_and_the_answer_says_where(works: Works, behind: Behind) -> None:
    connection_id = connection(works)
    behind.tables["public.out"] = pa.table({"score": [9.0]})

    def run(mode: dict[str, str]) -> RunDetails:
        reference = table(connection_id, "out", **mode)
        return finished(works, scores(), input_references=[table(connection_id)], output_reference=reference)

    found = run({})
    assert found.run.state is RunState.COMPLETED, found.run.cause
    assert behind.tables["public.out"]["score"].to_pylist() == [9.0, 0.0, 1.0]
    location = result_of(found).output_location or {}
    assert (location["location"], location["rows"]) == ({"schema_name": "public", "table_name": "out"}, 2)
    assert result_of(found).output_asset_id is None
    assert "Writing the results to public.out." in log_of(works, found)
    run({"write_mode": "truncate"})
    assert behind.tables["public.out"]["score"].to_pylist() == [0.0, 1.0]


def test_a_file_is_put_under_a_name_with_templates(works: Works, behind: Behind) -> None:
    def script(directory: Path) -> protocol.Result:
        output = protocol.read_spec(directory)["output"]
        assert output["format"] == "parquet"
        (directory / output["path"]).write_bytes(b"the scores")
        return {**COMPLETED, "outputs": [output["path"]]}

    connection_id = connection(works, "generics3")
    reference = file(connection_id, "scores/${run_id}/${update_time}.parquet", bucket="b")
    found = finished(works, script, input_references=[file(connection_id, "in.csv")], output_reference=reference)
    assert found.run.state is RunState.COMPLETED, found.run.cause
    name = f"scores/{found.run.id}/2026-11-22T090000Z.parquet"
    assert behind.files[f"b/{name}"] == b"the scores"
    assert (result_of(found).output_location or {})["location"] == {"bucket": "b", "file_name": name}


def test_an_asset_gets_a_name_with_templates(works: Works) -> None:
    def script(directory: Path) -> protocol.Result:
        path = protocol.read_spec(directory)["output"]["path"]
        (directory / path).write_bytes(b"x")
        return {**COMPLETED, "outputs": [path]}

    local = works.shop.data_asset("local.csv", b"age\n6\n")
    found = finished(
        works,
        script,
        input_references=[{"type": "data_asset", "location": {"href": f"/v2/assets/{local}"}}],
        output_reference={"type": "data_asset", "location": {"name": "${job_id}/${attachment_name}"}},
    )
    assert result_of(found).output_name == f"{found.run.deployment_job_id}/results.csv"


def test_what_a_script_leaves_is_put_as_a_file(works: Works, behind: Behind) -> None:
    def script(directory: Path) -> protocol.Result:
        assert protocol.read_spec(directory)["files"] == []
        payload = (directory / protocol.PAYLOAD).read_text()
        assert connection_id in payload
        (directory / protocol.BATCH).mkdir(parents=True)
        (directory / protocol.BATCH / "a.txt").write_text("a")
        return COMPLETED

    connection_id = connection(works, "generics3")
    found = finished(
        works,
        script,
        kind=AssetType.SCRIPT,
        input_references=[file(connection_id, "in.csv")],
        output_reference=file(connection_id, "out.zip"),
    )
    assert found.run.state is RunState.COMPLETED, found.run.cause
    assert behind.files["own/out.zip"].startswith(b"PK")
    assert result_of(found).files == ()


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


def test_cancel_while_results_are_written_takes_them_back(works: Works, behind: Behind) -> None:
    connection_id, go_on = connection(works), threading.Event()
    found = submitted(
        works, scores(), input_references=[table(connection_id)], output_reference=table(connection_id, "out")
    )
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
