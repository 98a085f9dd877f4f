"""The first rows of data assets, stored and connected: what is shown, what is counted, and what is refused."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire
from tests.fakes.connected import Behind
from tests.people import ADMIN_API_KEY, add_user, client_of, log_in

from gristmill.api.app import create_api
from gristmill.data.places import Places
from gristmill.service.context import Context


def preview(client: TestClient, space_id: str, asset_id: str, **params: object) -> wire.Json:
    answer = client.get(f"/v2/assets/{asset_id}/preview", params={"space_id": space_id, **params})
    assert answer.status_code == 200, answer.text
    found: wire.Json = answer.json()
    return found


def refused(client: TestClient, space_id: str, asset_id: str, **params: object) -> tuple[int, str]:
    answer = client.get(f"/v2/assets/{asset_id}/preview", params={"space_id": space_id, **params})
    return answer.status_code, str(wire.error(answer)["code"])


def types(found: wire.Json) -> list[tuple[str, str, bool]]:
    return [(column["name"], column["type"], column["inferred"]) for column in found["columns"]]


def connected(client: TestClient, space_id: str, connection_id: str, path: str) -> str:
    """A data asset behind a connection."""
    asset_id = str(wire.asset(client, space_id)["asset_id"])
    body = {"name": "far", "is_remote": True, "connection_id": connection_id, "connection_path": path}
    made = client.post(f"/v2/assets/{asset_id}/attachments", params={"space_id": space_id}, json=body)
    assert made.status_code == 201, made.text
    return asset_id


def test_a_small_file_is_counted(client: TestClient) -> None:
    space_id = wire.space(client)
    lines = "".join(f"{n},{n / 2},{n % 2 == 0},2026-11-{n % 28 + 1:02},name {n}\n" for n in range(1000))
    content = f"id,half,even,day,name\n{lines}".encode()
    found = preview(client, space_id, wire.data_asset(client, space_id, content), rows=3)
    assert types(found) == [
        ("id", "int64", True),
        ("half", "double", True),
        ("even", "bool", True),
        ("day", "date32", True),
        ("name", "string", True),
    ]
    assert found["rows"][1] == ["1", "0.5", "False", "2026-11-02", "name 1"]
    assert (len(found["rows"]), found["row_count"], found["row_count_kind"]) == (3, 1000, "exact")
    assert (found["size"], found["unreadable_rows"], found["columns_left_out"]) == (len(content), 0, 0)


def test_a_large_file_is_estimated_by_its_beginning(client: TestClient) -> None:
    space_id = wire.space(client)
    content = b"id,text\n" + b"".join(b"%08d,some text that stands in every row\n" % n for n in range(300_000))
    found = preview(client, space_id, wire.data_asset(client, space_id, content))
    assert (len(found["rows"]), found["row_count_kind"], found["size"]) == (20, "estimated", len(content))
    assert found["row_count"] == pytest.approx(300_000, rel=0.01)


def test_a_compressed_file_is_shown_and_not_estimated(client: TestClient) -> None:
    space_id = wire.space(client)
    text = b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7919 % 1_000_003) for n in range(1_500_000))
    packed = gzip.compress(text, 1)
    assert len(packed) > 5 * 1024**2
    found = preview(client, space_id, wire.data_asset(client, space_id, packed, "in.csv.gz"))
    assert found["rows"][2] == ["2", "15838"]
    assert (found["row_count"], found["row_count_kind"]) == (None, "unknown")
    small = preview(client, space_id, wire.data_asset(client, space_id, gzip.compress(b"a\n1\n2\n"), "in.csv.gz"))
    assert (small["row_count"], small["row_count_kind"]) == (2, "exact")


def test_types_of_parquet_are_its_own(client: TestClient) -> None:
    space_id = wire.space(client)
    table = pa.table(
        {
            "amount": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "at": pa.array([datetime(2026, 11, 28, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
            "day": pa.array([date(2026, 11, 28)] * 2),
            "list": [[1.0, float("nan")], []],
            "bytes": [b"\x00\xff", b""],
            "long": ["x" * 10_000, "é"],
        }
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    found = preview(client, space_id, wire.data_asset(client, space_id, buffer.getvalue(), "in.parquet"))
    assert [kind for _, kind, _ in types(found)][:3] == ["decimal128(10, 2)", "timestamp[us, tz=UTC]", "date32[day]"]
    assert not any(column["inferred"] for column in found["columns"])
    assert found["rows"][0][:5] == ["1.50", "2026-11-28T00:00:00+00:00", "2026-11-28", [1.0, None], "AP8="]
    assert len(found["rows"][0][5]) == 501
    assert (found["rows"][1][0], found["row_count"], found["row_count_kind"]) == (None, 2, "exact")


def test_json_lines_are_shown(client: TestClient) -> None:
    space_id = wire.space(client)
    content = b'{"a": 1, "b": ["x"]}\n{"a": 2, "b": []}\n'
    found = preview(client, space_id, wire.data_asset(client, space_id, content, "in.jsonl"))
    assert types(found) == [("a", "int64", True), ("b", "list<item: string>", True)]
    assert (found["rows"], found["row_count"]) == ([[1, ["x"]], [2, []]], 2)


def test_rows_that_cannot_be_read_are_counted(client: TestClient) -> None:
    space_id = wire.space(client)
    found = preview(client, space_id, wire.data_asset(client, space_id, b"a,b\n1,2\n1,2,3\n5,6\n"))
    assert (found["rows"], found["unreadable_rows"], found["row_count"]) == ([["1", "2"], ["5", "6"]], 1, 3)


def test_a_file_with_a_header_alone_shows_its_columns(client: TestClient) -> None:
    space_id = wire.space(client)
    found = preview(client, space_id, wire.data_asset(client, space_id, b"a,b\n"))
    assert (types(found), found["rows"], found["row_count"]) == ([("a", "null", True), ("b", "null", True)], [], 0)


def test_what_cannot_be_previewed_says_so(client: TestClient) -> None:
    space_id = wire.space(client)
    empty = str(wire.asset(client, space_id)["asset_id"])
    assert refused(client, space_id, empty) == (400, "no_content")
    broken = wire.data_asset(client, space_id, b"PAR1 and then nothing", "in.parquet")
    assert refused(client, space_id, broken) == (400, "input_unreadable")
    good = wire.data_asset(client, space_id)
    assert refused(client, space_id, good, rows=0)[0] == 400
    assert refused(client, space_id, good, rows=501)[0] == 400
    assert refused(client, space_id, good.replace("-", "0"))[0] == 404


def test_a_preview_is_for_those_who_may_see_the_space(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    asset_id = wire.data_asset(client, space_id)
    _, key = add_user(context, "stranger")
    with client_of(context, key) as stranger:
        assert refused(stranger, space_id, asset_id)[0] in {403, 404}


def test_a_preview_leaves_nothing_behind(client: TestClient, context: Context) -> None:
    space_id = wire.space(client)
    preview(client, space_id, wire.data_asset(client, space_id))
    assert list((context.data_dir / "staging").iterdir()) == []


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    made = tmp_path / "volume"
    made.mkdir()
    return made


@pytest.fixture
def reaching(context: Context, volume: Path) -> Iterator[TestClient]:
    """A client of an app whose connections may reach a folder."""
    with TestClient(create_api(replace(context, places=Places(folders=(volume,))))) as made:
        log_in(made, ADMIN_API_KEY)
        yield made


def test_files_behind_a_connection_are_shown(reaching: TestClient, volume: Path) -> None:
    space_id = wire.space(reaching)
    body = {"name": "v", "datasource_type": "volumes", "properties": {"volume": str(volume)}}
    made = reaching.post("/v2/connections", params={"space_id": space_id}, json=body).json()
    (volume / "small.csv").write_text("a\n1\n")
    (volume / "large.csv").write_text("a\n" + "12345678\n" * 1_000_000)
    parquet.write_table(pa.table({"a": [1, 2, 3]}), volume / "t.parquet")

    def of(path: str) -> wire.Json:
        return preview(reaching, space_id, connected(reaching, space_id, made["metadata"]["asset_id"], path))

    assert (of("/small.csv")["rows"], of("/small.csv")["row_count"], of("/small.csv")["size"]) == ([["1"]], 1, 4)
    large = of("/large.csv")
    assert (large["row_count_kind"], large["row_count"]) == ("estimated", pytest.approx(1_000_000, rel=0.01))
    assert (of("/t.parquet")["row_count"], of("/t.parquet")["row_count_kind"]) == (3, "exact")
    missing = connected(reaching, space_id, made["metadata"]["asset_id"], "/nowhere.csv")
    assert refused(reaching, space_id, missing) == (404, "data_not_found")


def test_tables_behind_a_connection_are_shown(context: Context) -> None:
    behind = Behind(tables={"public.t": pa.table({"a": list(range(30)), "b": ["x"] * 30})})
    with TestClient(create_api(replace(context, connect=behind.connect))) as client:
        log_in(client, ADMIN_API_KEY)
        space_id = wire.space(client)
        asset_id = connected(client, space_id, wire.connection(client, space_id), "/public/t")
        found = preview(client, space_id, asset_id, rows=2)
        assert (types(found), found["rows"]) == ([("a", "int64", False), ("b", "string", False)], [[0, "x"], [1, "x"]])
        assert (found["row_count"], found["row_count_kind"]) == (1, "estimated")
        whole = preview(client, space_id, asset_id, rows=100)
        assert (whole["row_count"], whole["row_count_kind"], whole["size"]) == (30, "exact", None)
        missing = connected(client, space_id, wire.connection(client, space_id), "/public/none")
        assert refused(client, space_id, missing) == (404, "data_not_found")
