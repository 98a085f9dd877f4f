"""Jobs and their runs over the Common Core API."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.make_work import Shop, open_shop

from gristmill.engine.janitor import Janitor
from gristmill.service import job_runs
from gristmill.service.context import Context
from gristmill.service.job_runs import Overrides
from gristmill.store import runs

JOBS = "/v2/jobs"
SCORING = {"input_data": [{"fields": ["a", "b"], "values": [[1, 2]]}]}


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def post_job(client: TestClient, shop: Shop, **members: Any) -> Any:
    job = {"name": "nightly", "configuration": {}, **members}
    return client.post(JOBS, params={"space_id": shop.space_id}, json={"job": job})


def definition(client: TestClient, shop: Shop, deployment_id: str, **entity: Any) -> str:
    body = {"name": "d", "space_id": shop.space_id, "deployment": {"id": deployment_id}, "scoring": SCORING, **entity}
    made = client.post("/ml/v4/deployment_job_definitions", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["metadata"]["id"])


def job_of_deployment(client: TestClient, shop: Shop, **configuration: Any) -> dict[str, Any]:
    wanted = {"deployment_job_definition_id": definition(client, shop, shop.deploy().id), **configuration}
    made = post_job(client, shop, configuration=wanted)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def script_job(client: TestClient, shop: Shop, **configuration: Any) -> dict[str, Any]:
    made = post_job(client, shop, asset_ref=shop.script(), asset_ref_type="script", configuration=configuration)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def start(client: TestClient, job: dict[str, Any], **run: Any) -> Any:
    return client.post(f"{JOBS}/{job['asset_id']}/runs", json={"job_run": run})


def test_a_job_of_a_deployment_runs_its_definition_in_the_deployments_lane(
    client: TestClient, shop: Shop, context: Context
) -> None:
    job = job_of_deployment(client, shop, env_variables=["A=1", "B=2"])
    assert job["entity"]["job"]["asset_ref_type"] == "wml_deployment"
    made = start(client, job, name="by hand", configuration={"env_variables": ["B=3"]})
    assert made.status_code == 201, made.text
    run = client.get(f"{JOBS}/{job['asset_id']}/runs/{made.json()['asset_id']}").json()
    assert (run["metadata"]["name"], run["entity"]["job_run"]["state"]) == ("by hand", "Queued")
    assert run["entity"]["job_run"]["configuration"]["env_variables"] == ["A=1", "B=3"]
    with context.database.snapshot() as connection:
        stored = runs.get(connection, run["asset_id"])
    assert stored
    assert stored.lane_id == job["entity"]["job"]["asset_ref"]
    same = client.get(f"/ml/v4/deployment_jobs/{stored.deployment_job_id}", params={"space_id": shop.space_id}).json()
    assert same["entity"]["platform_job"] == {"job_id": job["asset_id"], "run_id": run["asset_id"]}
    assert same["entity"]["scoring"]["input_data"] == SCORING["input_data"]


def test_a_job_of_a_script_has_a_lane_of_its_own(client: TestClient, shop: Shop, context: Context) -> None:
    job = script_job(client, shop, max_running=1)
    made = start(client, job)
    assert made.status_code == 201, made.text
    with context.database.snapshot() as connection:
        stored = runs.get(connection, made.json()["asset_id"])
    assert stored
    assert (stored.lane_id, stored.kind, stored.deployment_id) == (job["asset_id"], "python_script", None)


def test_secret_variables_are_stored_encrypted_and_never_shown(
    client: TestClient, shop: Shop, context: Context
) -> None:
    job = script_job(client, shop, secret_env_variables=["PASSWORD=open sesame"], env_variables=["A=1"])
    shown = client.get(f"{JOBS}/{job['asset_id']}").text + start(client, job).text
    shown += client.get(f"{JOBS}/{job['asset_id']}/runs").text
    assert "open sesame" not in shown
    with context.database.snapshot() as connection:
        dumped = [
            str(row) for table in ("jobs", "runs") for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]
    assert dumped
    assert not [row for row in dumped if "open sesame" in row]


def test_patches_of_the_public_scripts(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    operations = [
        {"op": "replace", "path": "/metadata/name", "value": "renamed"},
        {"op": "add", "path": "/entity/job/retention_policy", "value": {"days": None, "amount": 5}},
        {"op": "add", "path": "/entity/job/notification_types", "value": {"success": True, "failure": True}},
        {"op": "add", "path": "/entity/job/configuration/env_variables", "value": ["K=V"]},
        {"op": "replace", "path": "/entity/job/schedule", "value": ""},
        {"op": "replace", "path": "/entity/job/schedule_info", "value": None},
    ]
    changed = client.patch(f"{JOBS}/{job['asset_id']}", json=operations)
    assert changed.status_code == 200, changed.text
    entity, metadata = changed.json()["entity"]["job"], changed.json()["metadata"]
    assert (metadata["name"], metadata["version"]) == ("renamed", 1)
    assert (entity["retention_policy"], entity["configuration"]) == ({"amount": 5}, {"env_variables": ["K=V"]})
    assert entity["enable_notifications"] is True
    removed = [{"op": "remove", "path": "/entity/job/retention_policy"}]
    assert "retention_policy" not in client.patch(f"{JOBS}/{job['asset_id']}", json=removed).json()["entity"]["job"]


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ({"op": "replace", "path": "/entity/job/state", "value": 1}, "[0].path"),
        ({"op": "add", "path": "/entity/job/retention_policy", "value": {"days": 1, "amount": 1}}, "retention_policy"),
        ({"op": "add", "path": "/entity/job/retention_policy", "value": {"days": 0}}, "retention_policy.days"),
        ({"op": "add", "path": "/entity/job/retention_policy", "value": {}}, "retention_policy"),
        ({"op": "add", "path": "/entity/job/configuration/env_variables", "value": ["K"]}, "configuration.env_var"),
        ({"op": "add", "path": "/entity/job/configuration/max_running", "value": 0}, "configuration.max_running"),
        ({"op": "replace", "path": "/entity/job/schedule", "value": "61 * * * *"}, "schedule"),
        ({"op": "replace", "path": "/entity/job/schedule", "value": "0 0 30 2 *"}, "schedule"),
        ({"op": "replace", "path": "/metadata/name", "value": ""}, "name"),
    ],
)
def test_what_is_wrong_in_a_patch_is_named_and_changes_nothing(
    client: TestClient, shop: Shop, operation: dict[str, Any], field: str
) -> None:
    job = script_job(client, shop)
    answer = client.patch(f"{JOBS}/{job['asset_id']}", json=[operation])
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["target"]["name"].startswith(field)
    assert client.get(f"{JOBS}/{job['asset_id']}").json()["metadata"]["version"] == 0


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"asset_ref": "00000000-0000-0000-0000-000000000000"}, "asset_ref"),
        ({"asset_ref_type": "wml_deployment"}, "configuration.deployment_job_definition_id"),
        ({"configuration": {"deployment_job_definition_id": "no"}}, "configuration.deployment_job_definition_id"),
        ({"name": ""}, "job.name"),
        ({"configuration": None}, "job.configuration"),
    ],
)
def test_what_is_wrong_in_a_new_job_is_named(
    client: TestClient, shop: Shop, members: dict[str, Any], field: str
) -> None:
    answer = post_job(client, shop, **members)
    assert (answer.status_code, answer.json()["errors"][0]["target"]["name"]) == (400, field)


def test_a_model_needs_a_deployment_and_a_script_keeps_its_type(client: TestClient, shop: Shop) -> None:
    model = post_job(client, shop, asset_ref=shop.deploy().asset_id)
    assert (model.status_code, model.json()["errors"][0]["code"]) == (400, "asset_not_self_contained")
    other = post_job(client, shop, asset_ref=shop.script(), asset_ref_type="notebook")
    assert (other.status_code, other.json()["errors"][0]["target"]["name"]) == (400, "asset_ref_type")


def test_a_default_job_starts_nothing_by_itself(client: TestClient, shop: Shop) -> None:
    shop.deploy()
    job = client.get(JOBS, params={"space_id": shop.space_id}).json()["results"][0]
    for answer in (start(client, job), client.patch(f"{JOBS}/{job['asset_id']}", json=[])):
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "default_job")


def test_a_run_is_done_again_as_it_was_after_its_job_has_changed(client: TestClient, shop: Shop) -> None:
    job = job_of_deployment(client, shop, env_variables=["A=1"])
    path = f"{JOBS}/{job['asset_id']}"
    first = start(client, job).json()["asset_id"]
    operation = {"op": "replace", "path": "/entity/job/configuration/env_variables", "value": ["A=2"]}
    assert client.patch(path, json=[operation]).status_code == 200
    again = client.post(f"{path}/runs/{first}/rerun")
    assert again.status_code == 201
    shown = client.get(f"{path}/runs/{again.json()['asset_id']}").json()
    assert shown["entity"]["job_run"]["configuration"]["env_variables"] == ["A=1"]
    assert client.get(f"{path}/runs").json()["total_rows"] == 2


def test_jobs_and_runs_are_listed_filtered_and_paged(client: TestClient, shop: Shop) -> None:
    jobs = [script_job(client, shop) for _ in range(3)]
    made = [start(client, jobs[0]).json()["asset_id"] for _ in range(3)]
    scope = {"space_id": shop.space_id}
    first = client.get(JOBS, params={**scope, "limit": 2}).json()
    assert (first["total_rows"], len(first["results"])) == (3, 2)
    second = client.get(JOBS, params={**scope, "limit": 2, "next": json.dumps(first["next"])}).json()
    assert ([job["asset_id"] for job in second["results"]], "next" in second) == ([jobs[2]["asset_id"]], False)
    parent = client.get(JOBS, params={**scope, "run_id": made[0]}).json()
    assert [job["asset_id"] for job in parent["results"]] == [jobs[0]["asset_id"]]
    path = f"{JOBS}/{jobs[0]['asset_id']}/runs"
    client.post(f"{path}/{made[1]}/cancel")
    assert [run["asset_id"] for run in client.get(path).json()["results"]] == made[::-1]
    for states, wanted in (("Queued,Starting", [made[2], made[0]]), ("Canceled", [made[1]]), ("Paused", [])):
        found = client.get(path, params={"states": states}).json()
        assert [run["asset_id"] for run in found["results"]] == wanted
    assert client.get(path, params={"states": "Dreaming"}).status_code == 400


def test_one_delete_takes_a_job_and_its_runs(client: TestClient, shop: Shop, context: Context) -> None:
    jobs = [script_job(client, shop) for _ in range(3)]
    runs_of = [start(client, job).json()["asset_id"] for job in jobs]
    assert client.delete(f"{JOBS}/{jobs[0]['asset_id']}").status_code == 204
    assert client.get(f"{JOBS}/{jobs[0]['asset_id']}").status_code == 404
    assert client.get(f"{JOBS}/{jobs[0]['asset_id']}/runs/{runs_of[0]}").status_code == 404
    rest = [job["asset_id"] for job in jobs[1:]]
    assert client.post(f"{JOBS}/bulk_delete", json={"job_ids": rest}).status_code == 204
    assert client.get(JOBS, params={"space_id": shop.space_id}).json()["total_rows"] == 0
    janitor = Janitor(context)
    while janitor.step():
        pass
    with context.database.snapshot() as connection:
        counts = [
            connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() for table in ("jobs", "runs", "lanes")
        ]
    assert counts == [0, 0, 0]


def test_a_waiting_run_says_why_and_its_place(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    made = [start(client, job).json()["asset_id"] for _ in range(2)]
    waits = client.get(f"{JOBS}/{job['asset_id']}/runs/{made[1]}").json()["entity"]["job_run"]["waiting"]
    assert waits == {"reason": "No worker is up: start `gristmill work`, or `gristmill up`.", "place": 2}


def test_a_schedule_comes_back_in_the_wires_form_with_its_next_runs(client: TestClient, shop: Shop) -> None:
    info = {"repeat": True, "timezone": "Europe/Berlin", "startOn": 1_800_000_000_000}
    made = post_job(client, shop, asset_ref=shop.script(), schedule="30 2 * * *", schedule_info=info)
    assert made.status_code == 201, made.text
    job = made.json()
    entity = job["entity"]["job"]
    assert (entity["schedule_info"]["timezone"], entity["schedule_info"]["startOn"]) == (
        "Europe/Berlin",
        info["startOn"],
    )
    assert (len(entity["future_scheduled_runs"]), entity["schedule_id"]) == (5, job["asset_id"])
    shown = client.get(f"{JOBS}/{job['asset_id']}/schedule_preview", params={"count": 100}).json()["results"]
    assert len(shown) == 100
    moved = [tick for tick in shown if tick.get("note")]
    assert [tick["local"][:10] for tick in moved] == ["2027-03-28"]


def test_the_wires_own_utc_form_is_taken_and_taken_away(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    path = f"{JOBS}/{job['asset_id']}"
    operations = [
        {"op": "add", "path": "/entity/job/schedule", "value": "30 9 * * 1,2,3,4,5"},
        {"op": "add", "path": "/entity/job/schedule_info", "value": {"repeat": True, "endOn": None}},
    ]
    entity = client.patch(path, json=operations).json()["entity"]["job"]
    assert entity["schedule"] == "30 9 * * 1,2,3,4,5"
    assert len(entity["future_scheduled_runs"]) == 5
    paused = client.patch(path, json=[{"op": "add", "path": "/entity/job/paused", "value": True}]).json()
    assert (paused["entity"]["job"]["paused"], paused["entity"]["job"]["future_scheduled_runs"]) == (True, [])
    removed = client.patch(path, json=[{"op": "add", "path": "/entity/job/schedule", "value": ""}]).json()
    assert (removed["entity"]["job"]["schedule"], removed["entity"]["job"]["schedule_info"]) == ("", {})
    assert client.get(f"{path}/ticks").json() == {"results": [], "total_count": 0}


@pytest.mark.parametrize(
    ("schedule", "info", "field"),
    [
        ("0 0 30 2 *", {}, "schedule"),
        ("nonsense", {}, "schedule"),
        ("0 0 * * *", {"timezone": "Mars/Olympus"}, "schedule_info.timezone"),
        ("0 0 * * *", {"startOn": 2_000_000_000_000, "endOn": 1_900_000_000_000}, ""),
        ("0 0 * * *", {"endOn": 1_600_000_000_000}, "schedule_info.endOn"),
        ("", {"repeat": False, "startOn": 1_600_000_000_000}, "schedule_info.startOn"),
        ("0 3 21 13 1 ? 2019", {}, "schedule"),
        ("", {"repeat": True}, "schedule"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(
    client: TestClient, shop: Shop, schedule: str, info: dict[str, Any], field: str
) -> None:
    answer = post_job(client, shop, asset_ref=shop.script(), schedule=schedule, schedule_info=info)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["target"]["name"].startswith(field)


def test_a_patch_that_repeats_nothing_is_refused(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    path = f"{JOBS}/{job['asset_id']}"
    repeat = {"op": "add", "path": "/entity/job/schedule_info", "value": {"repeat": True}}
    answer = client.patch(path, json=[repeat])
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["target"]["name"] == "schedule"
    # An expression that is taken away ends the schedule, whatever the other half still says.
    ended = [{"op": "add", "path": "/entity/job/schedule", "value": ""}, repeat]
    assert client.patch(path, json=ended).json()["entity"]["job"]["schedule_info"] == {}


def test_a_rule_that_is_sent_needs_no_expression_and_an_empty_expression_alone_ends_the_schedule(
    client: TestClient, shop: Shop
) -> None:
    info = {"repeat": True, "startOn": 1_800_000_000_000, "rule": {"every": {"number": 3, "unit": "days"}}}
    made = post_job(client, shop, asset_ref=shop.script(), schedule="", schedule_info=info)
    assert made.status_code == 201, made.text
    path = f"{JOBS}/{made.json()['asset_id']}"
    ended = [{"op": "add", "path": "/entity/job/schedule", "value": ""}]
    assert client.patch(path, json=ended).json()["entity"]["job"]["future_scheduled_runs"] == []
    sent = [*ended, {"op": "add", "path": "/entity/job/schedule_info", "value": info}]
    again = client.patch(path, json=sent).json()["entity"]["job"]["future_scheduled_runs"]
    assert again == made.json()["entity"]["job"]["future_scheduled_runs"]


def test_q10_a_start_that_is_repeated_with_its_key_gives_the_same_run(client: TestClient, shop: Shop) -> None:
    job, other = script_job(client, shop), script_job(client, shop)
    path, key = f"{JOBS}/{job['asset_id']}/runs", {"Idempotency-Key": "once"}
    first, again = (client.post(path, headers=key).json()["asset_id"] for _ in range(2))
    assert first == again
    assert client.get(path).json()["total_rows"] == 1
    assert client.post(path).json()["asset_id"] != first
    assert client.post(f"{JOBS}/{other['asset_id']}/runs", headers=key).status_code == 409


def test_q10_starts_with_one_key_at_the_same_moment_make_one_run(shop: Shop, client: TestClient) -> None:
    job_id = script_job(client, shop)["asset_id"]
    overrides = Overrides(idempotency_key="once")
    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(lambda _: job_runs.start(shop.context, shop.actor, job_id, overrides), range(12)))
    assert len({run.id for run, _job in started}) == 1
