"""What is wrong in a job's configuration is refused when it is given, by name, and changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.test_jobs import JOBS, definition, post_job, script_job, start
from tests.make_work import Shop, open_shop

from gristmill.service.context import Context

MISSING = {"type": "data_asset", "connection": {}, "location": {"href": "/v2/assets/nowhere?space_id=s"}}
BEHIND = {
    "type": "connection_asset",
    "connection": {"id": "nowhere"},
    "location": {"bucket": "b", "file_name": "f.csv"},
}
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"hardware_spec": "L"}, "hardware_spec"),
    ({"hardware_spec": {"size": "L"}}, "hardware_spec"),
    ({"hardware_spec": {"name": 5}}, "hardware_spec"),
    ({"scoring": "x"}, "scoring"),
    ({"scoring": {"input_data": "x"}}, "scoring.input_data"),
    ({"scoring": {"input_data_references": ["x"]}}, "scoring.input_data_references[0]"),
    ({"scoring": {"output_data_reference": "x"}}, "scoring.output_data_reference"),
    ({"scoring": {"environment_variables": ["A=1"]}}, "scoring.environment_variables"),
    ({"version": {}}, "version"),
    ({"version": "first"}, "version"),
    ({"version": "9" * 30}, "version"),
    ({"env_id": 5}, "env_id"),
    ({"env_variables": "A=1"}, "env_variables"),
    ({"parameters": "x"}, "parameters"),
    ({"entrypoint": 5}, "entrypoint"),
    ({"network": "off"}, "network"),
    ({"timeout_seconds": "60"}, "timeout_seconds"),
]
UNKNOWN: list[tuple[dict[str, Any], str]] = [
    ({"hardware_spec": {"name": "huge"}}, "hardware_spec"),
    ({"version": "7"}, "version"),
    ({"env_id": "runtime-99"}, "env_id"),
    ({"env_id": "runtime-24.1-r4.3"}, "env_id"),
    ({"scoring": {"input_data_references": [MISSING]}}, "scoring.input_data_references[0].location"),
    ({"scoring": {"input_data_references": [BEHIND]}}, "scoring.input_data_references[0].connection.id"),
    ({"scoring": {"output_data_reference": BEHIND}}, "scoring.output_data_reference.connection.id"),
]


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def refused(answer: Any) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json()["errors"][0]["target"]["name"])


def test_when_a_job_is_made_or_changed(client: TestClient, shop: Shop) -> None:
    job, script = script_job(client, shop), shop.script()
    path = f"{JOBS}/{job['asset_id']}"
    for configuration, member in [*WRONG, *UNKNOWN]:
        field = f"configuration.{member}"
        assert refused(post_job(client, shop, asset_ref=script, configuration=configuration)) == field
        ((name, value),) = configuration.items()
        one = [{"op": "add", "path": f"/entity/job/configuration/{name}", "value": value}]
        assert refused(client.patch(path, json=one)) == field
    assert client.get(path).json() == job
    assert client.get(JOBS, params={"space_id": shop.space_id}).json()["total_rows"] == 1


def test_when_a_run_is_started(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    for configuration, member in WRONG:
        assert refused(start(client, job, configuration=configuration)) == f"configuration.{member}"
    assert client.get(f"{JOBS}/{job['asset_id']}/runs").json()["total_rows"] == 0


def test_when_a_definition_is_kept(client: TestClient, shop: Shop) -> None:
    deployment_id = shop.deploy().id
    body = {"name": "d", "space_id": shop.space_id, "deployment": {"id": deployment_id}}
    wrong: list[Any] = ["x", {"input_data": "x"}, {"output_data_reference": []}]
    for scoring in wrong:
        answer = client.post("/ml/v4/deployment_job_definitions", json={**body, "scoring": scoring})
        assert refused(answer).startswith("scoring")
    unknown = [
        ({"input_data_references": [MISSING]}, "scoring.input_data_references[0].location"),
        ({"input_data_references": [BEHIND]}, "scoring.input_data_references[0].connection.id"),
        ({"input_data_references": [], "output_data_reference": BEHIND}, "scoring.output_data_reference.connection.id"),
    ]
    for scoring, field in unknown:
        answer = client.post("/ml/v4/deployment_job_definitions", json={**body, "scoring": scoring})
        assert refused(answer) == field
    assert definition(client, shop, deployment_id)
    named = {"input_data_references": [{"location": {"href": f"/v2/assets/{shop.data_asset('in.csv', b'a,b')}"}}]}
    assert definition(client, shop, deployment_id, scoring=named)


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("/entity/job/paused", "no", "paused"),
        ("/metadata/name", 5, "name"),
        ("/metadata/description", 5, "description"),
        ("/entity/job/retention_policy", "x", "retention_policy"),
        ("/entity/job/configuration", "x", "configuration"),
        ("/entity/job/schedule", 5, "schedule"),
        ("/entity/job/schedule_info", "x", "schedule_info"),
        ("/entity/job/serving_name", 5, "serving_name"),
    ],
)
def test_a_value_of_the_wrong_kind_in_a_patch(
    client: TestClient, shop: Shop, path: str, value: object, field: str
) -> None:
    job = script_job(client, shop)
    place = f"{JOBS}/{job['asset_id']}"
    assert refused(client.patch(place, json=[{"op": "add", "path": path, "value": value}])) == field
    assert client.get(place).json() == job
