"""Parameters and parameter sets of jobs and of their runs: variables of the run, frozen when it is started."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.test_jobs import JOBS, post_job, script_job, start
from tests.make_work import Shop, open_shop

from gristmill.service.context import Context
from gristmill.store import runs

SETS = "/v2/parameter_sets"


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def parameter_set(client: TestClient, shop: Shop, **members: Any) -> str:
    described = {
        "name": "ps",
        "parameters": [
            {"name": "region", "prompt": "p", "type": "string", "value": "EMEA"},
            {"name": "rows", "type": "int64", "value": 10},
            {"name": "open", "type": "string"},
        ],
        "value_sets": [{"name": "big", "values": [{"name": "rows", "value": 1000}]}],
        **members,
    }
    made = client.post(SETS, params={"space_id": shop.space_id}, json={"parameter_set": described})
    assert made.status_code == 201, made.text
    return str(made.json()["metadata"]["asset_id"])


def variables(client: TestClient, job: dict[str, Any], made: Any) -> list[str]:
    assert made.status_code == 201, made.text
    run = client.get(f"{JOBS}/{job['asset_id']}/runs/{made.json()['asset_id']}").json()
    found: list[str] = run["entity"]["job_run"]["configuration"]["env_variables"]
    # JSONB knows no order of members.
    return sorted(found)


def test_a_runs_description_is_kept_and_goes_with_it(client: TestClient, shop: Shop) -> None:
    job = script_job(client, shop)
    made = start(client, job, name="by hand", description="after the fix")
    assert made.json()["metadata"]["description"] == "after the fix"
    path = f"{JOBS}/{job['asset_id']}/runs"
    again = client.post(f"{path}/{made.json()['asset_id']}/rerun")
    assert again.json()["metadata"]["description"] == "after the fix"
    plain = start(client, job)
    assert plain.json()["metadata"]["description"] == ""
    listed = [run["metadata"]["description"] for run in client.get(path).json()["results"]]
    assert listed == ["", "after the fix", "after the fix"]


def test_parameters_become_variables_and_a_notebooks_parameters(
    client: TestClient, shop: Shop, context: Context
) -> None:
    job = script_job(client, shop, env_variables=["A=of the job"])
    given = [{"name": "count", "value": 3}, {"name": "flags", "value": [True, None]}, {"name": "name", "value": "x"}]
    made = start(client, job, job_parameters=given)
    assert variables(client, job, made) == ["A=of the job", "count=3", "flags=[true, null]", "name=x"]
    with context.database.snapshot() as connection:
        spec = runs.spec(connection, made.json()["asset_id"])
    assert spec.parameters == {"count": 3, "flags": [True, None], "name": "x"}
    run = client.get(f"{JOBS}/{job['asset_id']}/runs/{made.json()['asset_id']}").json()
    assert sorted(run["entity"]["job_run"]["job_parameters"], key=lambda one: str(one["name"])) == given


def test_a_set_gives_its_values_under_those_of_its_value_set_and_of_the_run(client: TestClient, shop: Shop) -> None:
    job, ref = script_job(client, shop), parameter_set(client, shop)
    for reference in ({"ref": ref}, {"name": "ps"}, {"name": "whatever it is called here", "ref": ref}):
        made = start(client, job, parameter_sets=[reference])
        assert variables(client, job, made) == ["region=EMEA", "rows=10"]
    big = [{"name": "ps", "ref": ref, "value_set": "big"}]
    assert variables(client, job, start(client, job, parameter_sets=big)) == ["region=EMEA", "rows=1000"]
    over = start(client, job, parameter_sets=big, job_parameters=[{"name": "region", "value": "APAC"}])
    assert variables(client, job, over) == ["region=APAC", "rows=1000"]
    said = start(client, job, parameter_sets=big, configuration={"env_variables": ["rows=7"]})
    assert variables(client, job, said) == ["region=EMEA", "rows=7"]


def test_what_a_run_was_started_with_is_frozen(client: TestClient, shop: Shop) -> None:
    job, ref = script_job(client, shop), parameter_set(client, shop)
    made = start(client, job, parameter_sets=[{"ref": ref}])
    assert client.delete(f"{SETS}/{ref}", params={"space_id": shop.space_id}).status_code == 204
    assert variables(client, job, made) == ["region=EMEA", "rows=10"]
    again = client.post(f"{JOBS}/{job['asset_id']}/runs/{made.json()['asset_id']}/rerun")
    assert variables(client, job, again) == ["region=EMEA", "rows=10"]
    run = client.get(f"{JOBS}/{job['asset_id']}/runs/{made.json()['asset_id']}").json()["entity"]["job_run"]
    assert run["parameter_sets"] == [{"name": "ps", "ref": ref, "values": {"region": "EMEA", "rows": 10}}]


def test_a_job_has_parameters_that_its_runs_may_overrule(client: TestClient, shop: Shop) -> None:
    ref = parameter_set(client, shop)
    own = {"job_parameters": [{"name": "p", "value": 1}], "parameter_sets": [{"name": "ps", "ref": ref}]}
    made = post_job(client, shop, asset_ref=shop.script(), **own)
    assert made.status_code == 201, made.text
    job = made.json()
    assert {name: job["entity"]["job"][name] for name in own} == own
    assert job["entity"]["job"]["configuration"] == {}
    assert variables(client, job, start(client, job)) == ["p=1", "region=EMEA", "rows=10"]
    other = start(client, job, job_parameters=[{"name": "p", "value": 2}], parameter_sets=[])
    assert variables(client, job, other) == ["p=2", "region=EMEA", "rows=10"]
    path = f"{JOBS}/{job['asset_id']}"
    changed = client.patch(
        path,
        json=[
            {"op": "replace", "path": "/entity/job/job_parameters", "value": []},
            {"op": "replace", "path": "/entity/job/configuration", "value": {"env_variables": ["A=1"]}},
        ],
    ).json()["entity"]["job"]
    assert (changed["job_parameters"], changed["parameter_sets"]) == ([], own["parameter_sets"])
    assert changed["configuration"] == {"env_variables": ["A=1"]}
    assert variables(client, job, start(client, job)) == ["A=1", "region=EMEA", "rows=10"]


@pytest.mark.parametrize(
    ("member", "value", "field"),
    [
        ("job_parameters", [{"name": "p"}], "job_parameters[0].value"),
        ("job_parameters", [{"value": 1}], "job_parameters[0].name"),
        ("job_parameters", [{"name": "a-b", "value": 1}], "job_parameters[0].name"),
        ("job_parameters", ["p=1"], "job_parameters[0]"),
        ("parameter_sets", ["ps"], "parameter_sets[0]"),
        ("parameter_sets", [{}], "parameter_sets[0]"),
        ("parameter_sets", [{"ref": 5}], "parameter_sets[0].ref"),
        ("parameter_sets", [{"name": "ps"}, {"name": "nope"}], "parameter_sets[1].name"),
        ("parameter_sets", [{"ref": "nope", "name": "ps"}], "parameter_sets[0].ref"),
        ("parameter_sets", [{"name": "ps", "value_set": "nope"}], "parameter_sets[0].value_set"),
        ("parameter_sets", [{"name": "odd"}], "parameter_sets[0]"),
    ],
)
def test_what_is_unknown_or_wrong_is_named(
    client: TestClient, shop: Shop, member: str, value: object, field: str
) -> None:
    parameter_set(client, shop)
    parameter_set(client, shop, name="odd", parameters=[{"name": "not a variable", "value": 1}], value_sets=[])
    job = script_job(client, shop)
    patch = [{"op": "add", "path": f"/entity/job/{member}", "value": value}]
    for answer in (
        start(client, job, **{member: value}),
        post_job(client, shop, asset_ref=shop.script(), **{member: value}),
        client.patch(f"{JOBS}/{job['asset_id']}", json=patch),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"][0]["target"]["name"] == field
    assert client.get(f"{JOBS}/{job['asset_id']}/runs").json()["total_rows"] == 0
