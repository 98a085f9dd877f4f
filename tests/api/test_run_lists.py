"""Lists of runs over both APIs: marks that lead on, marks that no page gave, and totals while runs come."""

from __future__ import annotations

import json

from fastapi.testclient import TestClient
from tests.make_queue import make_lane, make_run
from tests.make_work import Shop, open_shop

from gristmill.service.context import Context


def a_job(context: Context, *, runs: int) -> tuple[Shop, str]:
    shop = open_shop(context)
    with context.database.transaction() as connection:
        job = make_lane(connection, shop.space_id)
        for _ in range(runs):
            make_run(connection, shop.space_id, job)
    return shop, job


def test_a_job_lists_its_runs_page_after_page_with_their_number(client: TestClient, context: Context) -> None:
    shop, job = a_job(context, runs=5)
    seen, query = [], {"limit": "2"}
    for total, length in ((5, 2), (6, 2), (7, 1)):
        page = client.get(f"/v2/jobs/{job}/runs", params=query).json()
        assert (page["total_rows"], len(page["results"])) == (total, length)
        seen += [run["metadata"]["asset_id"] for run in page["results"]]
        if "next" in page:
            assert not page["next"]["start"].isdigit()
            query["next"] = json.dumps(page["next"])
        with context.database.transaction() as connection:
            make_run(connection, shop.space_id, job)
    assert (len(set(seen)), "next" in page) == (5, False)


def test_u2_numbers_equal_the_lists_by_state_whatever_becomes_of_runs(client: TestClient, context: Context) -> None:
    _, job = a_job(context, runs=7)
    path = f"/v2/jobs/{job}/runs"
    first, second, third, *_ = [run["asset_id"] for run in client.get(path).json()["results"]]
    for run in (first, second):
        assert client.post(f"{path}/{run}/cancel").status_code == 204
    for run in (second, third):
        assert client.delete(f"{path}/{run}").status_code == 204
    for states, number in (("", 5), ("Queued", 4), ("Canceled", 1), ("Queued,Canceled", 5), ("Failed", 0)):
        found = client.get(path, params={"states": states, "limit": 2}).json()
        assert found["total_rows"] == number
        assert len(client.get(path, params={"states": states}).json()["results"]) == number


def test_the_ml_list_leads_on_by_its_own_links(client: TestClient, context: Context) -> None:
    shop, _ = a_job(context, runs=5)
    seen, link = [], f"/ml/v4/deployment_jobs?space_id={shop.space_id}&limit=2&state=queued"
    while link:
        page = client.get(link).json()
        seen += [job["metadata"]["id"] for job in page["resources"]]
        link = page.get("next", {}).get("href", "")
    assert (len(seen), len(set(seen))) == (5, 5)


def test_a_mark_that_no_page_gave_is_refused_by_name(client: TestClient, context: Context) -> None:
    shop, job = a_job(context, runs=1)
    for mark in ("3", "WzBd", "nonsense", "ä"):
        refusals = [
            client.get("/ml/v4/deployment_jobs", params={"space_id": shop.space_id, "start": mark}),
            client.get(f"/v2/jobs/{job}/runs", params={"next": json.dumps({"start": mark})}),
        ]
        for refused in refusals:
            assert (refused.status_code, "start" in refused.text) == (400, True)
    for mark in ("3", "[]", "{}", "nonsense"):
        refused = client.get(f"/v2/jobs/{job}/runs", params={"next": mark})
        assert (refused.status_code, "next" in refused.text) == (400, True)
