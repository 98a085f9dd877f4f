"""Retention over the API: policies, what they would take, pins; and that the same definitions again add nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.test_jobs import JOBS, definition, post_job, script_job, start
from tests.make_work import Shop, open_shop
from tests.people import add_user, client_of

from gristmill.engine.janitor import Janitor
from gristmill.service import members
from gristmill.service.context import Context
from gristmill.service.members import NewMember
from gristmill.store.schema import metadata


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def ended_run(client: TestClient, job: dict[str, Any]) -> str:
    run_id = str(start(client, job).json()["asset_id"])
    assert client.post(f"{JOBS}/{job['asset_id']}/runs/{run_id}/cancel").status_code == 204
    return run_id


def later(context: Context, **duration: float) -> Janitor:
    return Janitor(replace(context, clock=lambda: datetime.now(UTC) + timedelta(**duration)))


def test_a_pinned_run_is_shown_as_such_and_stays(client: TestClient, shop: Shop, context: Context) -> None:
    job = script_job(client, shop)
    path = f"{JOBS}/{job['asset_id']}/runs"
    pinned, other = ended_run(client, job), ended_run(client, job)
    assert client.post(f"{path}/{pinned}/pin").status_code == 204
    assert client.post(f"{path}/{pinned}/pin").status_code == 204, "twice is once"
    shown = {run["asset_id"]: run["entity"]["job_run"]["pinned"] for run in client.get(path).json()["results"]}
    assert shown == {pinned: True, other: False}
    later(context, days=31).step()
    assert [run["asset_id"] for run in client.get(path).json()["results"]] == [pinned]
    assert client.delete(f"{path}/{pinned}/pin").status_code == 204
    later(context, days=31).step()
    assert client.get(path).json()["total_rows"] == 0
    assert client.post(f"{path}/{pinned}/pin").json()["errors"][0]["code"] == "run_not_found"


def test_only_who_may_operate_runs_pins_them_and_who_sees_them_previews(
    client: TestClient, shop: Shop, context: Context
) -> None:
    job = script_job(client, shop)
    path = f"{JOBS}/{job['asset_id']}"
    run_id = ended_run(client, job)
    viewer, key = add_user(context, "viewer")
    members.add(context, shop.actor, shop.space_id, [NewMember(id=viewer.user_id, role="viewer")])
    _, stranger = add_user(context, "stranger")
    with client_of(context, key) as theirs:
        assert theirs.post(f"{path}/runs/{run_id}/pin").status_code == 403
        assert theirs.get(f"{path}/retention_preview").status_code == 200
    with client_of(context, stranger) as theirs:
        assert theirs.post(f"{path}/runs/{run_id}/pin").status_code == 404
        assert theirs.get(f"{path}/retention_preview").status_code == 404


def test_a_preview_tries_a_policy_before_it_is_set(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    path = f"{JOBS}/{job['asset_id']}"
    for _ in range(3):
        ended_run(client, job)
    found = client.get(f"{path}/retention_preview").json()
    assert (found["policy"], found["source"], found["runs"]) == ({"days": 30, "results": "keep"}, "installation", 0)
    tried = client.get(f"{path}/retention_preview", params={"amount": 1}).json()
    assert (tried["policy"], tried["source"], tried["runs"]) == ({"amount": 1, "results": "keep"}, "request", 2)
    assert tried["oldest"] < tried["newest"]
    assert (tried["bytes"], tried["bytes_exact"], tried["results_deleted"]) == (0, True, 0)
    patch = [{"op": "add", "path": "/entity/job/retention_policy", "value": {"amount": 2, "results": "delete"}}]
    changed = client.patch(path, json=patch).json()["entity"]["job"]["retention_policy"]
    assert changed == {"amount": 2, "results": "delete"}
    found = client.get(f"{path}/retention_preview").json()
    assert (found["policy"], found["source"], found["runs"]) == (changed, "job", 1)
    assert client.get(f"{path}/runs").json()["total_rows"] == 3


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"days": 1, "amount": 1}, "retention_policy"),
        ({"results": "delete"}, "retention_policy"),
        ({}, "retention_policy"),
        ({"days": None, "amount": None}, "retention_policy"),
        ({"days": 0}, "retention_policy.days"),
        ({"days": True}, "retention_policy.days"),
        ({"days": 10**30}, "retention_policy.days"),
        ({"amount": 10**30}, "retention_policy.amount"),
        ({"amount": 1.5}, "retention_policy.amount"),
        ({"amount": 1, "results": "burn"}, "retention_policy.results"),
        ({"amount": 1, "results": ["keep"]}, "retention_policy.results"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(client: TestClient, shop: Shop, policy: dict[str, Any], field: str) -> None:
    refused = post_job(client, shop, asset_ref=shop.script(), retention_policy=policy)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["target"]["name"] == field
    query = {name: value for name, value in policy.items() if isinstance(value, int | str)}
    job = script_job(client, shop)
    if query and query == policy:
        assert client.get(f"{JOBS}/{job['asset_id']}/retention_preview", params=query).status_code == 400


def test_s4_the_same_definitions_again_and_again_add_no_rows(client: TestClient, shop: Shop, context: Context) -> None:
    deployment_id = shop.deploy().id
    definition_id = definition(client, shop, deployment_id)
    job = post_job(client, shop, configuration={"deployment_job_definition_id": definition_id}).json()
    operations = [
        {"op": "replace", "path": "/entity/job/schedule", "value": "0 * * * *"},
        {"op": "replace", "path": "/metadata/description", "value": "as it is in the file"},
        {"op": "add", "path": "/entity/job/retention_policy", "value": {"days": 7}},
    ]
    sizes = []
    for _ in range(12):
        assert client.patch(f"{JOBS}/{job['asset_id']}", json=operations).status_code == 200
        janitor = later(context, minutes=2)
        while janitor.step():
            pass
        with context.database.snapshot() as connection:
            tables = [table.name for table in metadata.sorted_tables]
            counts = {name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar() for name in tables}
        sizes.append((counts, sum(1 for path in (context.data_dir / "content").rglob("*") if path.is_file())))
    assert sizes[1:] == [sizes[0]] * 11
