"""What runs read and write behind connections, and what of these nobody sees."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from gristmill.data import arrow_file
from gristmill.data.source import DataFailed
from gristmill.domain.asset import AssetType
from gristmill.domain.run import RunState
from gristmill.service.runs import RunDetails
from gristmill_runner import protocol
from tests.engine.conftest import Works
from tests.engine.connected.referring import (
    PATIENTS,
    SECRET,
    connection,
    file,
    finished,
    log_of,
    result_of,
    scores,
    table,
)
from tests.fakes.connected import Behind
from tests.make_work import COMPLETED


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
