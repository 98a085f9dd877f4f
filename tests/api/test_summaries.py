"""Spaces and jobs at a glance, on both databases."""

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
from gristmill.service import jobs, spaces
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides, start

NIGHTLY = Schedule(repetition=parse_cron("0 2 * * *"), zone="Europe/Berlin")


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def glances(client: TestClient, shop: Shop, **query: Any) -> Any:
    answer = client.get("/v2/job_summaries", params={"space_id": shop.space_id, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(client: TestClient, shop: Shop, **query: Any) -> list[str]:
    return [job["name"] for job in glances(client, shop, **query)["results"]]


def test_a_job_shows_its_newest_runs_its_schedule_and_how_long_it_takes(client: TestClient, shop: Shop) -> None:
    past = make_past_job(shop, "nightly", schedule=NIGHTLY)
    begun = datetime.now(UTC) - timedelta(days=20)
    for day in range(15):
        past.ended("completed", seconds=60, at=begun + timedelta(days=day), rejected=3 if day == 14 else 0)
    failed = past.ended("failed", seconds=90, at=begun + timedelta(days=16))
    [job] = glances(client, shop)["results"]
    assert job["target"] == "s.py"
    assert job["schedule"]["words"] == "Every day at 02:00"
    assert job["schedule"]["zone"] == "Europe/Berlin"
    assert job["schedule"]["next_at"] is not None
    assert job["last_run"]["id"] == failed
    assert (job["last_run"]["state"], job["last_run"]["seconds"]) == ("Failed", 90)
    assert job["last_run"]["failure"] == "The table patients is gone."
    states = [run["state"] for run in job["runs"]]
    assert states == ["Failed", "CompletedWithWarnings", *["Completed"] * 12]
    assert job["median_seconds"] == 60


def test_filters_let_through_what_their_counts_say(client: TestClient, shop: Shop, context: Context) -> None:
    failing, mended, waiting, paused = (
        make_past_job(shop, name, schedule=NIGHTLY if name == "paused" else None)
        for name in ("failing", "mended", "waiting", "paused")
    )
    now = datetime.now(UTC)
    for past, states in ((failing, ["completed", "failed"]), (mended, ["failed", "completed"])):
        for state in states:
            past.ended(state, seconds=1, at=now)
    start(context, shop.actor, waiting.job.id, Overrides())
    jobs.change(context, shop.actor, paused.job.id, {"paused": True})
    found = glances(client, shop)
    assert found["total_count"] == 4
    assert found["counts"] == {"running": 0, "queued": 1, "failing": 1, "late": 0, "paused": 1}
    for name in ("failing", "queued", "paused"):
        assert names(client, shop, filter=name) == ["waiting" if name == "queued" else name]
    assert names(client, shop, filter="late") == []
    assert found["results"][0]["schedule"]["next_at"] is None, "a paused job does not come"
    refused = client.get("/v2/job_summaries", params={"space_id": shop.space_id, "filter": "odd"})
    assert (refused.status_code, refused.json()["errors"][0]["target"]["name"]) == (400, "filter")


def test_jobs_are_found_by_a_part_of_their_name_page_by_page(client: TestClient, shop: Shop) -> None:
    for name in ("Ward A", "Ward B", "100 % of all", "ward C"):
        make_past_job(shop, name)
    assert names(client, shop, name="WARD") == ["ward C", "Ward B", "Ward A"]
    assert names(client, shop, name="%") == ["100 % of all"]
    first = glances(client, shop, limit=3)
    assert names(client, shop, limit=3, start=first["next"]) == ["Ward A"]


def test_spaces_show_what_goes_on_and_what_needs_somebody(client: TestClient, shop: Shop, context: Context) -> None:
    past = make_past_job(shop, "nightly", schedule=NIGHTLY)
    now = datetime.now(UTC)
    past.ended("failed", seconds=1, at=now - timedelta(hours=30))
    past.ended("failed", seconds=1, at=now - timedelta(hours=1))
    past.ended("failed", seconds=1, at=now)
    start(context, shop.actor, past.job.id, Overrides())
    spaces.create(context, shop.actor, spaces.NewSpace(name="empty"))
    found = client.get("/v2/space_summaries").json()
    shown, empty = found["results"]
    assert (shown["name"], shown["role"], shown["queued"], shown["running"]) == ("shop", "admin", 1, 0)
    assert shown["failed"] == 2
    assert [job["name"] for job in shown["failing"]] == ["nightly"]
    assert shown["next_tick"]["name"] == "nightly"
    assert (empty["failed"], empty["failing"], empty["next_tick"]) == (0, [], None)
    assert (found["workers"], found["has_credential"]) == (0, True)
    past.ended("completed", seconds=1, at=now)
    assert client.get("/v2/space_summaries").json()["results"][0]["failing"] == []


def test_nobody_sees_what_others_have(context: Context, shop: Shop) -> None:
    _, key = add_user(context, "eve")
    with client_of(context, key) as eve:
        assert eve.get("/v2/space_summaries").json()["results"] == []
        assert eve.get("/v2/job_summaries", params={"space_id": shop.space_id}).status_code == 404
