"""Deployment jobs over HTTP: submitted, refused with the field named, listed without rows, looked at with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.make_work import Shop, open_shop

from gristmill.api.app import create_api
from gristmill.domain.asset import AssetType
from gristmill.domain.run_spec import SMALL_TABLE_BYTES
from gristmill.service import purge
from gristmill.service.context import Context
from gristmill.store.database import Connection, Database
from gristmill.store.deployments import change

JOBS = "/ml/v4/deployment_jobs"
ROWS = [[47, "M", "LOW", 0.739], [12, None, "HIGH", 1e-7]]


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def body(deployment_id: str, **scoring: Any) -> dict[str, Any]:
    return {"name": "job", "deployment": {"id": deployment_id}, "scoring": scoring}


def inline(rows: Any = ROWS, **members: Any) -> dict[str, Any]:
    return {"input_data": [{"id": "x", "fields": ["a", "b", "c", "d"], "values": rows, **members}]}


def submit(client: TestClient, shop: Shop, document: Any, **options: Any) -> Any:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return client.post(f"{JOBS}?version=2026-10-14&space_id={shop.space_id}", content=content, **options)


def test_an_inline_job_is_queued_and_shown_with_its_rows(client: TestClient, shop: Shop) -> None:
    deployment = shop.deploy()
    answer = submit(client, shop, body(deployment.id, **inline()))
    assert answer.status_code == 202
    made = answer.json()
    assert list(made) == ["entity", "metadata"]
    assert made["entity"]["scoring"] == {"status": {"state": "queued", "running_at": "", "completed_at": ""}}
    shown = client.get(f"{JOBS}/{made['metadata']['id']}", params={"space_id": shop.space_id})
    assert '\n   "input_data": [' in shown.text
    table = shown.json()["entity"]["scoring"]["input_data"]
    assert table == [{"id": "x", "fields": ["a", "b", "c", "d"], "values": ROWS}]
    only = client.get(f"{JOBS}/{made['metadata']['id']}", params={"space_id": shop.space_id, "include": "status"})
    assert list(only.json()["entity"]["scoring"]) == ["status"]
    link = made["entity"]["platform_job"]
    run = client.get(f"/v2/jobs/{link['job_id']}/runs/{link['run_id']}").json()
    assert run["entity"]["job_run"]["state"] == "Queued"
    assert run["entity"]["job_run"]["runtime_job_id"] == made["metadata"]["id"]


def test_large_rows_become_content_and_come_back_to_the_letter(
    client: TestClient, shop: Shop, context: Context
) -> None:
    rows = [[number, 'ü\n"x"', None, number / 7] for number in range(SMALL_TABLE_BYTES // 20)]
    made = submit(client, shop, body(shop.deploy().id, **inline(rows))).json()
    assert len([path for path in (context.data_dir / "content").rglob("*") if path.is_file()]) == 2
    shown = client.get(f"{JOBS}/{made['metadata']['id']}", params={"space_id": shop.space_id}).json()
    assert shown["entity"]["scoring"]["input_data"][0]["values"] == rows


def test_lists_never_carry_rows_and_page_from_the_newest(client: TestClient, shop: Shop) -> None:
    deployment = shop.deploy()
    made = [submit(client, shop, body(deployment.id, **inline())).json()["metadata"]["id"] for _ in range(5)]
    first = client.get(JOBS, params={"space_id": shop.space_id, "limit": 3}).json()
    assert [item["metadata"]["id"] for item in first["resources"]] == made[:1:-1]
    assert all("input_data" not in item["entity"]["scoring"] for item in first["resources"])
    assert first["next"]["href"].startswith("http://testserver/ml/v4/deployment_jobs?")
    second = client.get(first["next"]["href"]).json()
    assert [item["metadata"]["id"] for item in second["resources"]] == made[1::-1]
    assert "next" not in second
    none = client.get(JOBS, params={"space_id": shop.space_id, "state": "completed,failed"}).json()
    assert none["resources"] == []


def test_q10_the_same_idempotency_key_gives_the_same_job(client: TestClient, shop: Shop, context: Context) -> None:
    document = body(shop.deploy().id, **inline([["x" * SMALL_TABLE_BYTES * 2, "", "", 1]]))
    answers = [submit(client, shop, document, headers={"Idempotency-Key": "once"}).json() for _ in range(3)]
    assert len({answer["metadata"]["id"] for answer in answers}) == 1
    assert submit(client, shop, document).json()["metadata"]["id"] != answers[0]["metadata"]["id"]
    assert len([path for path in (context.data_dir / "content").rglob("*") if path.is_file()]) == 3


def test_q10_the_same_key_at_the_same_moment_gives_one_job(shop: Shop) -> None:
    deployment = shop.deploy()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: shop.submit(deployment, idempotency_key="once").run.id, range(16)))
    assert len(set(found)) == 1


class ForgetfulDatabase(Database):
    """Commits, and then its answer is lost, as when a connection breaks at the wrong moment."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
        raise ConnectionError("the answer was lost")


def test_rows_of_a_job_whose_commit_was_not_answered_stay(
    client: TestClient, shop: Shop, context: Context, database_url: str
) -> None:
    rows = [["x" * 1_000, "", "", 1]] * 200
    document = body(shop.deploy().id, **inline(rows))
    forgetful = ForgetfulDatabase(database_url)
    with TestClient(create_api(replace(context, database=forgetful)), raise_server_exceptions=False) as doubtful:
        doubtful.headers.update(client.headers)
        assert submit(doubtful, shop, document).status_code == 500
    forgetful.close()
    purge.loose_contents(replace(context, clock=lambda: datetime.now(UTC) + timedelta(hours=1)))
    (queued,) = client.get(JOBS, params={"space_id": shop.space_id}).json()["resources"]
    shown = client.get(f"{JOBS}/{queued['metadata']['id']}", params={"space_id": shop.space_id}).json()
    assert shown["entity"]["scoring"]["input_data"][0]["values"] == rows


@pytest.mark.parametrize(
    ("change_of", "field"),
    [
        ({"scoring": None}, "scoring"),
        ({"scoring": {}}, "scoring"),
        ({"scoring": {"input_data": {}}}, "scoring.input_data"),
        ({"scoring": {"input_data": [1]}}, "scoring.input_data[0]"),
        ({"scoring": {"input_data": [{"fields": ["a"]}]}}, "scoring.input_data[0].values"),
        ({"scoring": {"input_data": [{"fields": "a", "values": []}]}}, "scoring.input_data[0].fields"),
        ({"deployment": {}}, "deployment.id"),
        ({"scoring": {"input_data_references": [{"location": {}}]}}, "scoring.input_data_references[0].location.href"),
        ({"scoring": {"input_data_references": 1}}, "scoring.input_data_references"),
        (
            {"scoring": {"input_data_references": [{"location": {"href": "/v2/assets/none"}}]}},
            "scoring.input_data_references[0].location",
        ),
        ({"decision_optimization": {}}, "decision_optimization"),
        ({"hardware_spec": {"name": "XXXL"}}, "hardware_spec"),
        ({"scoring": {**inline(), "environment_variables": {"A=": "1"}}}, "scoring.environment_variables.A="),
        ({"scoring": {**inline(), "output_data_reference": {"location": {}}}}, "scoring.output_data_reference"),
    ],
)
def test_what_is_wrong_is_named(
    client: TestClient, shop: Shop, change_of: dict[str, Any], field: str, context: Context
) -> None:
    document = {**body(shop.deploy().id, **inline()), **change_of}
    answer = submit(client, shop, document)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["target"]["name"].startswith(field)
    assert client.get(JOBS, params={"space_id": shop.space_id}).json()["resources"] == []
    assert len([path for path in (context.data_dir / "content").rglob("*") if path.is_file()]) == 1


def test_a_body_that_breaks_off_keeps_nothing(client: TestClient, shop: Shop, context: Context) -> None:
    deployment = shop.deploy()
    whole = json.dumps(body(deployment.id, **inline([["x" * 1000, "", "", 1]] * 500))).encode()
    answer = submit(client, shop, whole[:-20])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "invalid_json"
    assert len([path for path in (context.data_dir / "content").rglob("*") if path.is_file()]) == 1


def test_a_script_takes_no_inline_rows_and_an_unready_deployment_no_job(
    client: TestClient, shop: Shop, context: Context
) -> None:
    script = submit(client, shop, body(shop.deploy(kind=AssetType.SCRIPT).id, **inline()))
    assert (script.status_code, script.json()["errors"][0]["target"]["name"]) == (400, "scoring.input_data")
    broken = shop.deploy()
    with context.database.transaction() as connection:
        change(connection, broken.id, context.now(), {"state": "failed", "failure": "no content"})
    answer = submit(client, shop, body(broken.id, **inline()))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "deployment_not_ready")


def test_cancel_and_hard_delete(client: TestClient, shop: Shop) -> None:
    deployment = shop.deploy()
    first, second = (submit(client, shop, body(deployment.id, **inline())).json()["metadata"]["id"] for _ in range(2))
    scope = {"space_id": shop.space_id}
    assert client.delete(f"{JOBS}/{first}", params=scope).status_code == 204
    state = client.get(f"{JOBS}/{first}", params=scope).json()["entity"]["scoring"]["status"]
    assert state["state"] == "canceled"
    assert state["completed_at"]
    assert client.delete(f"{JOBS}/{second}", params={**scope, "hard_delete": True}).status_code == 204
    gone = client.get(f"{JOBS}/{second}", params=scope)
    assert (gone.status_code, gone.json()["errors"][0]["code"]) == (404, "deployment_job_not_found")


def test_a_default_job_cannot_be_deleted_alone(client: TestClient, shop: Shop) -> None:
    shop.deploy()
    listed = client.get("/v2/jobs", params={"space_id": shop.space_id}).json()
    assert listed["total_rows"] == 1
    answer = client.delete(f"/v2/jobs/{listed['results'][0]['metadata']['asset_id']}")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "default_job")
