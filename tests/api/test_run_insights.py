"""What runs were made of, the first rows of their results, and rejected rows that are run again alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.test_rows import play, shown, submit
from tests.engine.test_rows import profile
from tests.make_work import COMPLETED, Shop, open_shop

from gristmill.service.context import Context
from gristmill_runner import protocol


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def test_a_run_tells_what_it_was_made_of(client: TestClient, shop: Shop) -> None:
    made = submit(client, shop, environment_variables={"MODE": "x"}).json()
    link = made["entity"]["platform_job"]
    spec = client.get(f"/v2/jobs/{link['job_id']}/runs/{link['run_id']}/specification").json()
    assert (spec["kind"], spec["asset_name"], spec["software"]["name"]) == ("model", "a", "runtime-24.1-py3.11")
    assert spec["inputs"] == [{"kind": "inline", "name": "input_data[0]", "asset_id": None, "bytes": None, "rows": 3}]
    assert spec["environment_variables"] == {"MODE": "x"}
    assert spec["hardware"]["name"]


def test_inputs_are_beside_predictions(client: TestClient, context: Context, shop: Shop) -> None:
    made = submit(client, shop).json()
    play(context, predicting)
    _, run = shown(client, shop, made)
    rows = client.get(f"{run['path']}/first_rows", params={"limit": 2}).json()
    assert [(column["name"], column["role"]) for column in rows["columns"]] == [
        ("a", "input"),
        ("b", "input"),
        ("p", "prediction"),
    ]
    assert rows["rows"] == [[1, 2, 10], [3, 4, 20]]
    assert rows["row_count"] == 3


@pytest.mark.parametrize("profiled", [True, False])
def test_a_column_that_the_model_did_not_take_is_no_prediction(
    client: TestClient, context: Context, shop: Shop, *, profiled: bool
) -> None:
    def script(directory: Path) -> protocol.Result:
        (directory / "outputs/out.csv").write_text("id,a,b,prediction\nx,1,2,0.5\n")
        result: Any = {
            **COMPLETED,
            "rows": {"read": 1, "scored": 1, "rejected": 0, "not_attempted": 0},
            "outputs": ["outputs/out.csv"],
            "fields": [{"name": "a", "type": "integer"}, {"name": "b", "type": "integer"}],
            "profile": profile(0.5) if profiled else [],
        }
        return result  # type: ignore[no-any-return]

    asset_id = shop.data_asset("in.csv", b"id,a,b\nx,1,2\n")
    wanted = {
        "input_data": None,
        "input_data_references": [{"type": "data_asset", "location": {"href": f"/v2/assets/{asset_id}"}}],
        "output_data_reference": {"type": "data_asset", "location": {"name": "out.csv"}},
    }
    made = submit(client, shop, **wanted).json()
    play(context, script)
    _, run = shown(client, shop, made)
    found = client.get(f"{run['path']}/first_rows").json()["columns"]
    assert [column["name"] for column in found if column["role"] == "prediction"] == ["prediction"]


def test_only_rejected_rows_are_run_again(client: TestClient, context: Context, shop: Shop) -> None:
    made = submit(client, shop, error_threshold=2).json()
    play(context, quarantining)
    _, run = shown(client, shop, made)
    assert run["rows"]["rejected"] == 2
    refused = client.post(f"{run['path']}/rerun_rejected", json={"job_run": {"configuration": {"env_id": "x"}}})
    assert (refused.status_code, refused.json()["errors"][0]["target"]["name"]) == (400, "configuration.env_id")
    again = client.post(f"{run['path']}/rerun_rejected").json()
    assert again["entity"]["job_run"]["rejected_of"] == run["path"].rpartition("/")[2]
    spec = client.get(again["href"].partition("?")[0] + "/specification").json()
    assert [(each["kind"], each["name"]) for each in spec["inputs"]] == [("data_asset", "rejected_rows.jsonl")]
    assert spec["output"]["location"]["name"].startswith("rejected-rows-")
    staged: list[bytes] = []

    def look(directory: Path) -> protocol.Result:
        staged.append(_input(directory))
        return predicting(directory)

    play(context, look)
    assert staged[0].count(b"no number") == 4


def test_a_run_that_rejected_nothing_has_nothing_to_run_again(client: TestClient, context: Context, shop: Shop) -> None:
    made = submit(client, shop).json()
    play(context, predicting)
    _, run = shown(client, shop, made)
    refused = client.post(f"{run['path']}/rerun_rejected")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "nothing_rejected")


def predicting(directory: Path) -> protocol.Result:
    (directory / protocol.OUTPUTS).mkdir(exist_ok=True)
    path = f"{protocol.OUTPUTS}/0.jsonl"
    (directory / path).write_text("[10]\n[20]\n[30]\n")
    rows = {"read": 3, "scored": 3, "rejected": 0, "not_attempted": 0}
    table = {"path": path, "fields": ["p"], "rows": 3, "members": {}}
    result: Any = {**COMPLETED, "rows": rows, "profile": profile(0.0), "predictions": [table]}
    return result  # type: ignore[no-any-return]


def quarantining(directory: Path) -> protocol.Result:
    """Reject two rows of three."""
    (directory / protocol.RESULTS).mkdir(exist_ok=True)
    file = directory / protocol.RESULTS / f"{protocol.REJECTED}.jsonl"
    file.write_text('{"a": "no number", "b": 2, "rejected_row": 1, "rejected_reason": "no number"}\n' * 2)
    rows = {"read": 3, "scored": 1, "rejected": 2, "not_attempted": 0}
    result: Any = {**COMPLETED, "rows": rows}
    return result  # type: ignore[no-any-return]


def _input(directory: Path) -> bytes:
    [file] = protocol.read_spec(directory)["files"]
    return (directory / file["path"]).read_bytes()
