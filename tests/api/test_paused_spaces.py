"""A paused space: nothing of it starts, what waits goes on waiting and says why, and all goes on when it is resumed."""

from __future__ import annotations

from typing import Any

from fastapi.testclient import TestClient
from tests.api.test_jobs import JOBS, script_job, start
from tests.make_work import open_shop

from gristmill.service.context import Context


def pause(client: TestClient, space_id: str, value: Any) -> Any:
    patch = [{"op": "replace", "path": "/paused", "value": value}]
    return client.patch(f"/v2/spaces/{space_id}", json=patch)


def test_a_start_in_a_paused_space_is_refused_with_the_way_out(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    job = script_job(client, shop)
    run = start(client, job).json()
    assert pause(client, shop.space_id, value=True).json()["entity"]["paused"] is True
    for refused in (start(client, job), client.post(f"{JOBS}/{job['asset_id']}/runs/{run['asset_id']}/rerun")):
        assert refused.status_code == 409
        assert refused.json()["errors"][0]["code"] == "space_paused"
    waits = client.get(f"{JOBS}/{job['asset_id']}/runs/{run['asset_id']}").json()["entity"]["job_run"]["waiting"]
    assert "paused" in waits["reason"]
    assert client.get(f"{JOBS}/{job['asset_id']}/runs").json()["total_rows"] == 1
    pause(client, shop.space_id, value=False)
    assert start(client, job).status_code == 201


def test_what_pauses_a_space_is_true_or_false(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    wrong = pause(client, shop.space_id, value="yes")
    assert wrong.status_code == 400
    assert "paused" in wrong.text
