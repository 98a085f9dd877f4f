"""What jobs did a while ago and will do in a while, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.make_past import make_past_job
from tests.make_work import Shop, open_shop
from tests.people import add_user, client_of

from gristmill.domain.cron import parse_cron
from gristmill.domain.schedule import Schedule
from gristmill.service.context import Context

HOURLY = Schedule(repetition=parse_cron("0 * * * *"), zone="Asia/Kolkata")
EACH_MINUTE = Schedule(repetition=parse_cron("* * * * *"))


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def lanes(client: TestClient, shop: Shop, **query: Any) -> Any:
    answer = client.get("/v2/job_timelines", params={"space_id": shop.space_id, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_lane_has_what_ran_around_now_and_what_is_to_come(client: TestClient, shop: Shop) -> None:
    past, now = make_past_job(shop, "hourly", schedule=HOURLY), datetime.now(UTC)
    long_ago = past.ended("completed", seconds=60, at=now - timedelta(hours=13))
    over_the_edge = past.ended("completed", seconds=7_200, at=now - timedelta(hours=13))
    failed = past.ended("failed", seconds=60, at=now - timedelta(hours=1))
    found = lanes(client, shop)
    [lane] = found["results"]
    ids = [run["id"] for run in lane["runs"]]
    assert (failed in ids, over_the_edge in ids, long_ago in ids) == (True, True, False)
    assert lane["runs"][0]["state"] == "Failed"
    ticks = [datetime.fromisoformat(tick) for tick in lane["ticks"]]
    assert len(ticks) == 12
    assert all(tick.minute == 30 for tick in ticks), "India is half an hour off"
    assert all(now < tick <= now + timedelta(hours=12, minutes=1) for tick in ticks)
    assert lane["cut"] is False
    [lane] = lanes(client, shop, hours=24)["results"]
    assert long_ago in [run["id"] for run in lane["runs"]]
    assert len(lane["ticks"]) == 24


def test_a_lane_is_bounded_and_a_paused_job_has_no_ticks(client: TestClient, shop: Shop) -> None:
    past, now = make_past_job(shop, "busy", schedule=EACH_MINUTE), datetime.now(UTC)
    for number in range(101):
        past.ended("completed", seconds=1, at=now - timedelta(minutes=number))
    [lane] = lanes(client, shop)["results"]
    assert (len(lane["runs"]), len(lane["ticks"]), lane["cut"]) == (100, 100, True)
    patch = [{"op": "replace", "path": "/entity/job/paused", "value": True}]
    client.patch(f"/v2/jobs/{past.job.id}", params={"space_id": shop.space_id}, json=patch).raise_for_status()
    [lane] = lanes(client, shop)["results"]
    assert lane["ticks"] == []


def test_jobs_come_page_by_page_and_strangers_see_none(client: TestClient, shop: Shop, context: Context) -> None:
    for name in ("one", "two", "three"):
        make_past_job(shop, name)
    first = lanes(client, shop, limit=2)
    second = lanes(client, shop, limit=2, start=first["next"])
    assert [lane["name"] for lane in first["results"] + second["results"]] == ["three", "two", "one"]
    assert second["next"] is None
    assert [lane["name"] for lane in lanes(client, shop, name="TW")["results"]] == ["two"]
    _, key = add_user(context, "eve")
    query = {"space_id": shop.space_id}
    with client_of(context, key) as eve:
        assert eve.get("/v2/job_timelines", params=query).status_code in {403, 404}
    for hours in (0, 169):
        assert client.get("/v2/job_timelines", params={**query, "hours": hours}).status_code == 400
