"""Jobs by other ways than their id: the asset search, serving names, and what a job says of its newest run."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.test_jobs import JOBS, definition, post_job, script_job, start
from tests.make_work import Shop, open_shop

from gristmill.service.context import Context


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def search(client: TestClient, shop: Shop, kind: str, **body: Any) -> Any:
    found = client.post(f"/v2/asset_types/{kind}/search", params={"space_id": shop.space_id}, json=body)
    assert found.status_code == 200, found.text
    return found.json()


def names(found: Any) -> list[str]:
    return [item["metadata"]["name"] for item in found["results"]]


def test_jobs_are_found_by_the_asset_search_with_their_own_entity(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    found = search(client, shop, "job", query="asset.name:night*", include="entity")
    assert (found["total_rows"], names(found)) == (1, ["nightly"])
    assert found["results"][0]["entity"] == client.get(f"{JOBS}/{job['asset_id']}").json()["entity"]
    assert found["results"][0]["metadata"]["asset_type"] == "job"
    assert search(client, shop, "job", query="asset.name:none*")["total_rows"] == 0


def test_a_search_over_all_types_finds_jobs_among_assets_page_by_page(client: TestClient, shop: Shop) -> None:
    script_job(client, shop)
    seen: list[str] = []
    body: dict[str, Any] | None = {"query": "*:*", "limit": 1, "sort": "asset.name"}
    while body:
        found = search(client, shop, "asset", **body)
        assert found["total_rows"] == 2
        seen += names(found)
        body = found.get("next")
    assert seen == ["nightly", "s.py"]


def test_a_deleted_job_is_not_found(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    assert client.delete(f"{JOBS}/{job['asset_id']}").status_code == 204
    assert search(client, shop, "job")["total_rows"] == 0


def test_runs_are_found_by_their_type(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    run = start(client, job, name="by hand").json()
    found = search(client, shop, "job_run", query='asset.name:"by hand"', include="entity")
    assert [item["asset_id"] for item in found["results"]] == [run["asset_id"]]
    assert found["results"][0]["entity"]["job_run"]["state"] == "Queued"


def test_a_job_cannot_be_made_as_a_plain_asset(client: TestClient, shop: Shop) -> None:
    body = {"metadata": {"name": "j", "asset_type": "job"}, "entity": {"job": {}}}
    answer = client.post("/v2/assets", params={"space_id": shop.space_id}, json=body)
    assert answer.status_code == 400
    assert "metadata.asset_type" in answer.text


def test_a_serving_name_stands_for_the_id(client: TestClient, shop: Shop) -> None:
    wanted = {"deployment_job_definition_id": definition(client, shop, shop.deploy().id)}
    made = post_job(client, shop, configuration=wanted, serving_name="nightly_1")
    assert made.json()["entity"]["job"]["serving_name"] == "nightly_1"
    identifier = made.json()["asset_id"]
    assert client.get(f"{JOBS}/nightly_1").json()["asset_id"] == identifier
    run = client.post(f"{JOBS}/nightly_1/runs").json()
    assert client.get(f"{JOBS}/nightly_1/runs/{run['asset_id']}").json()["entity"]["job_run"]["job_ref"] == identifier
    assert client.get(f"{JOBS}/nightly_1/runs").json()["total_rows"] == 1
    assert client.post(f"{JOBS}/nightly_1/runs/{run['asset_id']}/cancel").status_code == 204


def test_a_serving_name_is_one_of_a_kind(client: TestClient, shop: Shop) -> None:
    free = {"serving_name": "nightly", "conflict": True}
    assert client.get(JOBS, params=free).status_code == 204
    asset = {"asset_ref": shop.script(), "asset_ref_type": "script"}
    assert post_job(client, shop, serving_name="nightly", **asset).status_code == 201
    assert client.get(JOBS, params=free).status_code == 409
    assert post_job(client, shop, serving_name="nightly", **asset).status_code == 409
    wrong = post_job(client, shop, serving_name="Nightly-1", **asset)
    assert wrong.status_code == 400
    assert "serving_name" in wrong.text


def test_a_job_tells_of_its_newest_run(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    assert job["entity"]["job"]["last_run_status"] == "None"
    start(client, job)
    run = start(client, job).json()
    client.post(f"{JOBS}/{job['asset_id']}/runs/{run['asset_id']}/cancel")
    for shown in (
        client.get(f"{JOBS}/{job['asset_id']}").json(),
        client.get(JOBS, params={"space_id": shop.space_id}).json()["results"][0],
    ):
        told = shown["entity"]["job"]
        assert (told["last_run_status"], told["last_run_initiator"]) == ("Canceled", shop.actor.user_id)
        assert told["last_run_time"] == run["metadata"]["created_at"]


@pytest.mark.parametrize("wrong", [0, -5, 1.5, "60", True])
def test_a_time_limit_is_whole_seconds(client: TestClient, shop: Shop, wrong: object) -> None:
    asset = {"asset_ref": shop.script(), "asset_ref_type": "script"}
    answer = post_job(client, shop, configuration={"timeout_seconds": wrong}, **asset)
    assert answer.status_code == 400
    assert "configuration.timeout_seconds" in answer.text


def test_lines_of_a_log_are_found_by_what_they_hold(client: TestClient, shop: Shop, context: Context) -> None:
    job = script_job(client, shop)
    run = start(client, job).json()["asset_id"]
    path = f"{JOBS}/{job['asset_id']}/runs/{run}/logs"
    directory = context.data_dir / "runs" / f"{run}.0"
    directory.mkdir(parents=True)
    (directory / "run.log").write_text(
        "".join(f"row {number}: {'Error' if number % 3 else 'ok'}\n" for number in range(9))
    )
    assert client.get(path, params={"limit": 2}).json() == {
        "results": ["row 7: Error", "row 8: Error"],
        "total_count": 9,
    }
    found = client.get(path, params={"contains": "ERROR", "limit": 1}).json()
    assert found == {"results": ["row 8: Error"], "total_count": 6}
    assert client.get(path, params={"contains": "nothing"}).json() == {"results": [], "total_count": 0}
