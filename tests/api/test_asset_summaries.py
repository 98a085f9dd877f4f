"""Assets at a glance, and what would miss them, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire
from tests.make_past import make_past_job
from tests.make_work import Shop, open_shop
from tests.people import add_user, client_of

from gristmill.service.context import Context
from gristmill.store import assets


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def glances(client: TestClient, shop: Shop, **query: Any) -> Any:
    answer = client.get("/v2/asset_summaries", params={"space_id": shop.space_id, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(client: TestClient, shop: Shop, **query: Any) -> list[str]:
    return [asset["name"] for asset in glances(client, shop, **query)["results"]]


def uses(client: TestClient, shop: Shop, asset_id: str) -> Any:
    return client.get(f"/v2/assets/{asset_id}/uses", params={"space_id": shop.space_id}).json()


def test_assets_are_found_by_name_and_type_page_by_page(client: TestClient, shop: Shop) -> None:
    for name in ("patients.csv", "Patients of ward A.csv", "100 %.csv"):
        shop.data_asset(name, b"a\n1\n")
    shop.script()
    assert glances(client, shop)["counts"] == {"data_asset": 3, "script": 1}
    assert names(client, shop, name="PATIENTS") == ["Patients of ward A.csv", "patients.csv"]
    assert names(client, shop, name="%") == ["100 %.csv"]
    assert names(client, shop, asset_type="script") == ["s.py"]
    first = glances(client, shop, limit=3)
    assert names(client, shop, limit=3, start=first["next"]) == ["patients.csv"]


def test_outputs_stand_apart_by_the_job_that_wrote_them(client: TestClient, shop: Shop, context: Context) -> None:
    past = make_past_job(shop, "nightly")
    kept, written = shop.data_asset("in.csv", b"a\n"), shop.data_asset("out.csv", b"a,b\n")
    with context.database.transaction() as connection:
        assets.set_maker(connection, written, job_id=past.job.id, run_id=past.template.id)
    found = glances(client, shop)
    assert [asset["id"] for asset in found["results"] if asset["asset_type"] == "data_asset"] == [kept]
    [outputs] = found["outputs"]
    assert (outputs["job_name"], outputs["number"], outputs["size"]) == ("nightly", 1, 4)
    [output] = glances(client, shop, made_by=past.job.id)["results"]
    assert output["made_by"] == {
        "job_id": past.job.id,
        "job_name": "nightly",
        "run_id": past.template.id,
        "run_name": past.template.name,
    }
    assert uses(client, shop, written)["made_by"]["run_id"] == past.template.id
    with context.database.transaction() as connection:
        assets.set_maker(connection, written, job_id="gone", run_id="gone")
    assert glances(client, shop)["outputs"][0]["job_name"] is None


def test_what_uses_an_asset_is_named(client: TestClient, shop: Shop) -> None:
    deployment = shop.deploy()
    data = shop.data_asset("patients.csv", b"a\n1\n")
    reference = {"type": "data_asset", "location": {"href": f"/v2/assets/{data}?space_id={shop.space_id}"}}
    output = {"type": "data_asset", "location": {"name": "out.csv"}}
    body = {
        "name": "what nightly does",
        "deployment": {"id": deployment.id},
        "scoring": {"input_data_references": [reference], "output_data_reference": output},
        "space_id": shop.space_id,
    }
    definition = client.post("/ml/v4/deployment_job_definitions", json=body).json()["metadata"]["id"]
    wanted = {"name": "nightly", "configuration": {"deployment_job_definition_id": definition}}
    made = client.post("/v2/jobs", params={"space_id": shop.space_id}, json={"job": wanted})
    assert made.status_code == 201, made.text
    assert [(use["name"], use["how"]) for use in uses(client, shop, data)["jobs"]] == [("nightly", "reads")]
    by_name = {asset["name"]: asset for asset in glances(client, shop)["results"]}
    assert by_name["patients.csv"]["jobs"] == 1
    assert by_name["a"]["deployments"] == 1
    assert [use["id"] for use in uses(client, shop, deployment.asset_id)["deployments"]] == [deployment.id]


def test_a_script_is_run_by_its_job_and_a_connection_has_data_behind_it(client: TestClient, shop: Shop) -> None:
    past = make_past_job(shop, "by script")
    script = past.job.asset_ref
    assert [(use["name"], use["how"]) for use in uses(client, shop, script)["jobs"]] == [("by script", "runs")]
    scope = {"space_id": shop.space_id}
    body = {"name": "lake", "datasource_type": "volumes", "properties": {"volume": "/nowhere"}}
    lake = client.post("/v2/connections", params=scope, json=body).json()["metadata"]["asset_id"]
    asset_id = str(wire.asset(client, shop.space_id)["asset_id"])
    remote = {"name": "far", "is_remote": True, "connection_id": lake, "connection_path": "/far.csv"}
    assert client.post(f"/v2/assets/{asset_id}/attachments", params=scope, json=remote).status_code == 201
    assert [use["id"] for use in uses(client, shop, lake)["assets"]] == [asset_id]


def test_types_of_model_have_the_versions_of_the_software(client: TestClient, shop: Shop) -> None:
    found = client.get("/v2/software_specifications", params={"space_id": shop.space_id, "name": "runtime-24.1-py3.11"})
    chosen = found.json()["resources"][0]["metadata"]["asset_id"]
    query = {"space_id": shop.space_id, "software_specification_id": chosen}
    types = client.get("/v2/model_types", params=query).json()["results"]
    assert types[0] == {"name": "scikit-learn_1.3", "family": "scikit-learn", "runnable": True}
    assert [each["name"] for each in types if not each["runnable"]] == ["spark-mllib_3.4", "spss-modeler_18.4"]


def test_nobody_sees_what_others_have(context: Context, shop: Shop) -> None:
    data = shop.data_asset("patients.csv", b"a\n1\n")
    _, key = add_user(context, "eve")
    with client_of(context, key) as eve:
        for path in ("/v2/asset_summaries", f"/v2/assets/{data}/uses", "/v2/deployment_summaries"):
            assert eve.get(path, params={"space_id": shop.space_id}).status_code == 404
