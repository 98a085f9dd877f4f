"""Deployments at a glance, and their queues, on both databases."""

from __future__ import annotations

from fastapi.testclient import TestClient
from tests.make_work import open_shop

from gristmill.service.context import Context


def test_a_deployment_shows_its_queue_in_order_and_why_each_run_waits(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    deployment, idle = shop.deploy(), shop.deploy()
    first, second = shop.submit(deployment).run, shop.submit(deployment).run
    scope = {"space_id": shop.space_id}
    found = client.get("/v2/deployment_summaries", params=scope).json()["results"]
    assert [each["id"] for each in found] == [idle.id, deployment.id]
    shown = found[1]
    assert (shown["queued"], shown["running"], shown["max_running"], shown["jobs"]) == (2, 0, 2, 1)
    assert (shown["asset_name"], shown["hardware"], shown["state"]) == ("a", "S", "ready")
    assert shown["oldest_waiting_at"] is not None
    assert [run["id"] for run in shown["runs"]] == [second.id, first.id]
    assert found[0]["oldest_waiting_at"] is None
    queue = client.get(f"/v2/deployment_summaries/{deployment.id}/queue", params=scope).json()
    assert [(run["id"], run["place"]) for run in queue["waiting"]] == [(first.id, 1), (second.id, 2)]
    assert "No worker is up" in queue["waiting"][0]["reason"]
    assert (queue["working"], queue["queued"]) == ([], 2)
    one = client.get(f"/v2/deployment_summaries/{deployment.id}", params=scope).json()
    assert one == shown
    page = client.get("/v2/deployment_summaries", params={**scope, "name": "D", "limit": 1}).json()
    rest = client.get("/v2/deployment_summaries", params={**scope, "limit": 1, "start": page["next"]}).json()
    assert [each["id"] for each in (*page["results"], *rest["results"])] == [idle.id, deployment.id]
    assert client.get("/v2/deployment_summaries/nothing", params=scope).status_code == 404
