"""What was changed of a job, when and by whom, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.make_work import Shop, open_shop
from tests.people import add_user, client_of

from gristmill.domain.job_change import MOST_KEPT
from gristmill.service import jobs
from gristmill.service.context import Context


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def make(client: TestClient, shop: Shop, **configuration: Any) -> str:
    body = {"job": {"name": "j", "asset_ref": shop.script(), "configuration": configuration}}
    return str(client.post("/v2/jobs", params={"space_id": shop.space_id}, json=body).json()["asset_id"])


def test_each_change_tells_what_was_and_what_is(client: TestClient, shop: Shop) -> None:
    job_id = make(client, shop, env_variables=["A=1"])
    patch = [
        {"op": "replace", "path": "/metadata/name", "value": "k"},
        {"op": "replace", "path": "/entity/job/configuration/env_variables", "value": ["A=2"]},
        {"op": "add", "path": "/entity/job/configuration/secret_env_variables", "value": ["PASSWORD=hidden"]},
    ]
    assert client.patch(f"/v2/jobs/{job_id}", json=patch).status_code == 200
    assert client.patch(f"/v2/jobs/{job_id}", json=patch[:1]).status_code == 200, "the same again is no news"
    answer = client.get(f"/v2/jobs/{job_id}/changes")
    assert "hidden" not in answer.text
    changed, made = answer.json()["results"]
    assert (made["version"], made["changes"], made["actor_name"]) == (0, [], "admin")
    assert changed["changes"] == [
        {"field": "name", "before": "j", "after": "k"},
        {"field": "configuration.env_variables", "before": ["A=1"], "after": ["A=2"]},
        {"field": "configuration.secret_env_variables", "before": None, "after": None},
    ]
    first = client.get(f"/v2/jobs/{job_id}/changes", params={"limit": 1}).json()
    rest = client.get(f"/v2/jobs/{job_id}/changes", params={"limit": 1, "start": first["next"]}).json()
    assert (rest["results"], rest["next"]) == ([made], None)


def test_what_was_refused_is_not_noted_and_strangers_see_nothing(
    client: TestClient, context: Context, shop: Shop
) -> None:
    job_id = make(client, shop)
    wrong = [{"op": "replace", "path": "/entity/job/paused", "value": "perhaps"}]
    assert client.patch(f"/v2/jobs/{job_id}", json=wrong).status_code == 400
    assert len(client.get(f"/v2/jobs/{job_id}/changes").json()["results"]) == 1
    with client_of(context, add_user(context, "eve")[1]) as stranger:
        assert stranger.get(f"/v2/jobs/{job_id}/changes").status_code in {403, 404}


def test_the_newest_changes_are_kept(client: TestClient, context: Context, shop: Shop) -> None:
    job_id = make(client, shop)
    for number in range(MOST_KEPT + 5):
        jobs.change(context, shop.actor, job_id, {"description": str(number)})
    page = client.get(f"/v2/jobs/{job_id}/changes", params={"limit": 200}).json()
    assert len(page["results"]) == MOST_KEPT
    assert page["results"][0]["changes"][0]["after"] == str(MOST_KEPT + 4)
    assert page["next"] is None
