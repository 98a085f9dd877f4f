from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.test_jobs import JOBS
from tests.make_work import Shop, open_shop

from gristmill.service.context import Context


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def check(client: TestClient, shop: Shop, **members: Any) -> Any:
    job = {"name": "nightly", "configuration": {}, **members}
    return client.post(JOBS, params={"space_id": shop.space_id, "dry_run": True}, json={"job": job})


def test_what_would_be_fine_makes_nothing(client: TestClient, shop: Shop) -> None:
    of_deployment = {"asset_ref": shop.deploy().id, "asset_ref_type": "wml_deployment"}
    before = client.get(JOBS, params={"space_id": shop.space_id}).json()["total_rows"]
    for target in (of_deployment, {"asset_ref": shop.script()}):
        checked = check(client, shop, **target, schedule="0 2 * * *")
        assert (checked.status_code, checked.content) == (204, b"")
    assert client.get(JOBS, params={"space_id": shop.space_id}).json()["total_rows"] == before
    assert client.get("/v1/api_keys").json().get("total_count", 0) <= 1


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"name": ""}, "job.name"),
        ({"configuration": {"env_variables": ["A"]}}, "configuration.env_variables[0]"),
        ({"configuration": {"secret_env_variables": ["A=1", "=2"]}}, "configuration.secret_env_variables[1]"),
        ({"configuration": {"hardware_spec": {"id": "none"}}}, "configuration.hardware_spec"),
        ({"retention_policy": {"amount": 0}}, "retention_policy.amount"),
        ({"notification_types": {"long_running": True}}, "long_running_minutes"),
        ({"notification_channels": ["none"]}, "notification_channels"),
        ({"schedule": "99 * * * *"}, "schedule"),
        ({"configuration": {"scoring": {"input_data": [{"values": []}]}}}, "scoring.input_data[0].values"),
    ],
)
def test_what_would_be_refused_is_refused_at_its_field(
    client: TestClient, shop: Shop, members: dict[str, Any], field: str
) -> None:
    refused = check(client, shop, asset_ref=shop.deploy().id, asset_ref_type="wml_deployment", **members)
    assert refused.status_code == 400, refused.text
    assert refused.json()["errors"][0]["target"]["name"].startswith(field)


def test_what_cannot_be_run_or_seen_is_refused(client: TestClient, shop: Shop) -> None:
    assert check(client, shop, asset_ref="none").status_code == 400
    assert check(client, shop, asset_ref="none", asset_ref_type="wml_deployment").status_code == 404
    assert check(client, shop, asset_ref=shop.data_asset("a.csv", b"a\n1\n")).status_code == 400
