from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.test_jobs import post_job
from tests.make_work import Shop, open_shop

from gristmill.service.context import Context

PREVIEWS = "/v2/schedule_previews"


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def test_a_schedule_that_is_not_there_yet_tells_its_ticks_and_its_form_on_the_wire(
    client: TestClient, shop: Shop
) -> None:
    plan = {"cron": "30 2 * * *", "zone": "Europe/Berlin", "start": "2027-03-27T00:00", "excluded_weekdays": ["FRI"]}
    found = client.post(PREVIEWS, params={"count": 3}, json=plan)
    assert found.status_code == 200, found.text
    told = found.json()
    assert told["words"] == "Every day at 02:30, not on Friday"
    assert [tick["local"][:16] for tick in told["results"]] == [
        "2027-03-27T02:30",
        "2027-03-28T03:00",
        "2027-03-29T02:30",
    ]
    assert "02:30 does not exist" in told["results"][1]["note"]
    wire = {"schedule": told["schedule"], "schedule_info": told["schedule_info"]}
    job = post_job(client, shop, asset_ref=shop.script(), **wire)
    assert job.status_code == 201, job.text
    assert job.json()["entity"]["job"]["future_scheduled_runs"][0] == "2027-03-27T01:30:00.000Z"


def test_an_interval_without_a_start_begins_next_minute(client: TestClient) -> None:
    told = client.post(PREVIEWS, json={"every": {"number": 15, "unit": "minutes"}}).json()
    assert (told["words"], len(told["results"])) == ("Every 15 minutes", 5)


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        ({"cron": "99 2 * * *"}, "schedule"),
        ({"cron": "30 2 * * *", "zone": "Mars/Base"}, "zone"),
        ({"every": {"number": 0, "unit": "days"}}, "schedule"),
        ({"every": {"number": 1, "unit": "years"}}, "every.unit"),
        ({"cron": "30 2 * * *", "start": "soon"}, "start"),
        ({"cron": "30 2 * * *", "zone": "Europe/Berlin", "start": "2027-03-28T02:30"}, "start"),
        ({"cron": "30 2 * * *", "start": "2027-02-01T00:00", "end": "2027-01-01T00:00"}, "end"),
        ({"cron": "30 2 * * *", "end": "2020-01-01T00:00"}, "end"),
        ({"repeat": False, "start": "2020-01-01T00:00"}, "start"),
        ({"cron": "30 2 * * *", "excluded_weekdays": ["XXX"]}, "excluded_weekdays"),
        ({}, "schedule"),
    ],
)
def test_a_bad_schedule_is_refused_at_its_field(client: TestClient, plan: dict[str, Any], field: str) -> None:
    refused = client.post(PREVIEWS, json=plan)
    assert refused.status_code == 400, refused.text
    assert refused.json()["errors"][0]["target"]["name"] == field
