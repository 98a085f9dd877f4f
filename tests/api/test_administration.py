"""What administrators look at, what users do about themselves, and finding things across spaces."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from tests.make_past import make_past_job
from tests.make_work import open_shop
from tests.people import ADMIN_API_KEY, add_user, admin, client_of, log_in
from tests.s3 import ObjectStore, bucket_of

from gristmill.api.app import create_api
from gristmill.content.s3 import S3Content
from gristmill.domain.capacity import Capacity
from gristmill.engine.scheduler import Scheduler
from gristmill.service import job_runs, users, workers
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides

HERE = {"Sec-Fetch-Site": "same-origin"}


@pytest.mark.parametrize("path", ["workers", "queue", "storage", "audit_events"])
def test_only_administrators_look(context: Context, client: TestClient, path: str) -> None:
    _, key = add_user(context, "eve")
    with client_of(context, key) as eve:
        refused = eve.get(f"/v1/{path}")
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["code"] == "forbidden"
        assert eve.get("/v1/health").status_code == 200
    assert client.get(f"/v1/{path}").status_code == 200


def test_who_is_silent_is_told(context: Context, client: TestClient) -> None:
    assert client.get("/v1/health").json()["silent"] == ["scheduler", "workers"]
    workers.register(context, host="h", pid=1, slots=2, offers=Capacity(millicores=4000, memory_bytes=8 * 1024**3))
    Scheduler(context).step()
    assert client.get("/v1/health").json()["silent"] == []
    [worker] = client.get("/v1/workers").json()["results"]
    shown = {name: worker[name] for name in ("host", "slots", "millicores", "reserved_millicores", "running", "stale")}
    assert shown == {
        "host": "h",
        "slots": 2,
        "millicores": 4000,
        "reserved_millicores": 0,
        "running": 0,
        "stale": False,
    }


def test_the_queue_is_told_lane_by_lane(context: Context, client: TestClient) -> None:
    shop = open_shop(context)
    for name in ("first", "second"):
        job = make_past_job(shop, name).job
        job_runs.start(context, shop.actor, job.id, Overrides())
    page = client.get("/v1/queue", params={"limit": 1}).json()
    rest = client.get("/v1/queue", params={"start": page["next"]}).json()
    lanes = [*page["results"], *rest["results"]]
    assert [(lane["name"], lane["space_name"], lane["queued"], lane["running"]) for lane in lanes] == [
        ("first", "shop", 1, 0),
        ("second", "shop", 1, 0),
    ]
    assert lanes[0]["oldest_at"]
    assert client.get("/v1/queue", params={"start": "nonsense"}).status_code == 400


def test_storage_is_told_by_kind(context: Context, client: TestClient) -> None:
    shop = open_shop(context)
    shop.script()
    answer = client.get("/v1/storage").json()
    scripts = next(each for each in answer["contents"] if each["kind"] == "script")
    assert scripts["number"] == 1
    assert scripts["size"] > 0
    assert 0 < answer["disk_free"] <= answer["disk_total"]
    assert answer["place"] == str(context.data_dir / "content")
    assert answer["growth_a_day"] == sum(each["size"] for each in answer["contents"]) // answer["growth_days"]


def test_of_a_bucket_no_disk_is_told(context: Context, object_store: ObjectStore) -> None:
    content = S3Content(bucket_of(object_store))
    with TestClient(create_api(replace(context, content=content))) as client:
        log_in(client, ADMIN_API_KEY)
        answer = client.get("/v1/storage").json()
    assert answer["place"] == content.place
    assert answer["place"].startswith("s3://")
    assert (answer["disk_total"], answer["disk_free"], answer["days_left"]) == (None, None, None)


def test_users_change_their_own_password(context: Context) -> None:
    users.create(context, admin(context), name="ann", password="correct horse")
    with TestClient(create_api(context)) as browser:
        browser.post("/v1/session", json={"username": "ann", "password": "correct horse"}, headers=HERE)
        wrong = browser.post("/v1/me/password", json={"current": "x", "password": "battery staple"}, headers=HERE)
        assert (wrong.status_code, wrong.json()["errors"][0]["target"]["name"]) == (400, "current")
        short = browser.post("/v1/me/password", json={"current": "correct horse", "password": "x"}, headers=HERE)
        assert (short.status_code, short.json()["errors"][0]["target"]["name"]) == (400, "password")
        body = {"current": "correct horse", "password": "battery staple"}
        assert browser.post("/v1/me/password", json=body, headers=HERE).status_code == 204
        assert browser.get("/v1/session").json()["user"] is None
        again = {"username": "ann", "password": "battery staple"}
        assert browser.post("/v1/session", json=again, headers=HERE).status_code == 201


def test_users_sign_out_everywhere(context: Context) -> None:
    users.create(context, admin(context), name="ann", password="correct horse")
    with TestClient(create_api(context)) as one, TestClient(create_api(context)) as other:
        for browser in (one, other):
            browser.post("/v1/session", json={"username": "ann", "password": "correct horse"}, headers=HERE)
        lines = one.get("/v1/me/sessions").json()["results"]
        assert sorted(line["current"] for line in lines) == [False, True]
        assert one.delete("/v1/me/sessions", headers=HERE).status_code == 204
        assert other.get("/v1/session").json()["user"] is None


def test_things_are_found_in_the_spaces_that_one_sees(context: Context, client: TestClient) -> None:
    past = make_past_job(open_shop(context), "Nightly 100%")
    run = past.ended("completed", seconds=3, at=context.now() - timedelta(hours=1))
    answer = client.get("/v2/finds", params={"text": "nightly"})
    assert answer.status_code == 200
    _, key = add_user(context, "eve")
    with client_of(context, ADMIN_API_KEY) as mine, client_of(context, key) as eve:
        seen = mine.get("/v2/finds", params={"text": "GHTLY 100%"}).json()["results"]
        assert [(each["kind"], each["name"], each["space_name"]) for each in seen] == [("job", "Nightly 100%", "shop")]
        assert mine.get("/v2/finds", params={"text": run}).json()["results"][0]["job_id"] == past.job.id
        for text in ("nightly", run):
            assert eve.get("/v2/finds", params={"text": text}).json()["results"] == []
    assert client.get("/v2/finds", params={"text": "n"}).status_code == 400


def test_a_space_has_a_retention_for_jobs_without_one(client: TestClient) -> None:
    made = client.post("/v2/spaces", json={"name": "ward"}).json()
    path = f"/v2/spaces/{made['metadata']['id']}"
    assert client.get(f"{path}/retention_preview").json()["source"] == "installation"
    change = [{"op": "add", "path": "/retention", "value": {"days": 7}}]
    assert client.patch(path, json=change).json()["entity"]["retention"] == {"days": 7}
    held = client.get(f"{path}/retention_preview").json()
    assert (held["source"], held["policy"], held["runs"]) == ("space", {"days": 7, "results": "keep"}, 0)
    assert client.get(f"{path}/retention_preview", params={"amount": 3}).json()["source"] == "request"
    for value, field in (({"days": 0}, "retention_policy.days"), (True, "retention"), ({}, "retention_policy")):
        refused = client.patch(path, json=[{"op": "add", "path": "/retention", "value": value}])
        assert (refused.status_code, refused.json()["errors"][0]["target"]["name"]) == (400, field)
