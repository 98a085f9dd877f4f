"""A whole space to another: specifications, channels, deployments, definitions, jobs; and what stays behind."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.api.assets import wire
from tests.api.assets.test_exports_and_imports import _export, _import
from tests.make_outlets import RecordingOutlets
from tests.make_work import Shop, open_shop
from tests.people import ADMIN_API_KEY, log_in

from gristmill.api.app import create_api
from gristmill.service.context import Context
from gristmill.store import jobs as job_store

SECRETS = ("open sesame", "secret-path", "s3cret")
HOOK = "https://hooks.example.com/T0/secret-path"


@pytest.fixture
def context(context: Context) -> Context:
    """The context of every test, with ways out that write down."""
    return replace(context, outlets=RecordingOutlets())


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    with TestClient(create_api(context)) as made:
        log_in(made, ADMIN_API_KEY)
        yield made


def post(client: TestClient, path: str, space_id: str, body: Any) -> Any:
    answer = client.post(path, params={"space_id": space_id}, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def furnished(client: TestClient, shop: Shop) -> None:
    space_id = shop.space_id
    wire.connection(client, space_id)
    extension = post(client, "/v2/package_extensions", space_id, {"name": "own", "type": "requirements_txt"})
    client.put(extension["entity"]["package_extension"]["href"], content=b"tabulate==0.9.0\n").raise_for_status()
    extension_id = extension["metadata"]["asset_id"]
    client.post(f"/v2/package_extensions/{extension_id}/upload_complete", params={"space_id": space_id})
    base, extensions = {"name": wire.RUNTIME}, [{"guid": extension_id}]
    for name in ("derived", "more derived"):
        body = {"name": name, "base_software_specification": base, "package_extensions": extensions}
        post(client, "/v2/software_specifications", space_id, body)
        base, extensions = {"name": "derived"}, []
    nodes = {"cpu": {"units": "2"}, "mem": {"size": "3Gi"}}
    post(client, "/v2/hardware_specifications", space_id, {"name": "own size", "nodes": nodes})
    mail = post(
        client,
        "/v2/notification_channels",
        space_id,
        {"name": "team", "type": "email", "settings": {"addresses": ["a@example.com"]}},
    )
    hook = {"name": "hook", "type": "webhook", "settings": {"url": HOOK}}
    post(client, "/v2/notification_channels", space_id, hook)
    _deployed(client, shop, str(mail["id"]))


def _deployed(client: TestClient, shop: Shop, channel_id: str) -> None:
    space_id, data = shop.space_id, shop.data_asset("in.csv", b"a,b\n1,2\n")
    model = wire.model(client, space_id, software_spec={"name": "more derived"})["metadata"]["id"]
    wire.put_model(client, space_id, model, wire.tar_gz({"m.pkl": wire.PICKLE})).raise_for_status()
    body = {
        "name": "deployed",
        "space_id": space_id,
        "asset": {"id": model},
        "batch": {"max_running": 5},
        "hardware_spec": {"name": "own size"},
        "serving_name": "deployed_once",
    }
    deployment = client.post("/ml/v4/deployments", json=body).raise_for_status().json()["metadata"]["id"]
    reference = {"type": "data_asset", "location": {"href": f"/v2/assets/{data}?space_id={space_id}"}}
    scoring = {"input_data_references": [reference], "output_data_reference": {"location": {"name": "out.csv"}}}
    body = {"name": "d", "space_id": space_id, "deployment": {"id": deployment}, "scoring": scoring}
    definition = client.post("/ml/v4/deployment_job_definitions", json=body).raise_for_status().json()["metadata"]["id"]
    nightly = {
        "name": "nightly",
        "configuration": {"deployment_job_definition_id": definition, "secret_env_variables": ["PASSWORD=open sesame"]},
        "schedule": "30 2 * * *",
        "schedule_info": {"repeat": True, "timezone": "Europe/Berlin"},
        "retention_policy": {"days": 7},
        "notification_types": {"failure": True},
        "notification_channels": [channel_id],
    }
    post(client, "/v2/jobs", space_id, {"job": nightly})
    script = {"name": "by script", "asset_ref": shop.script(), "asset_ref_type": "script", "configuration": {}}
    post(client, "/v2/jobs", space_id, {"job": script})


def summary_of(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()["entity"]["summary"]
    return found


def test_a_whole_space_moves(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    furnished(client, shop)
    content = _export(client, shop.space_id)
    target = wire.space(client, "target")
    summary = summary_of(_import(client, target, content))
    assert summary["made"] == {
        "package_extensions": 1,
        "software_specifications": 2,
        "hardware_specifications": 1,
        "channels": 1,
        "deployments": 1,
        "definitions": 1,
        "jobs": 2,
    }
    assert [skipped["name"] for skipped in summary["skipped"]] == ["hook"]
    notes = {
        (left["name"], left["note"].partition(" ")[0], left["note"].rpartition(" ")[2]) for left in summary["attention"]
    }
    assert ("nightly", "set", "PASSWORD") in notes
    assert ("pg", "set", "password") in notes
    assert any("serving name" in left["note"] for left in summary["attention"])
    assert any("paused" in left["note"] for left in summary["attention"])
    _check_moved(client, context, shop, target)


def _check_moved(client: TestClient, context: Context, shop: Shop, target: str) -> None:
    with context.database.snapshot() as connection:
        job = job_store.named(connection, target, "nightly")
        before = job_store.named(connection, shop.space_id, "nightly")
    assert job
    assert before
    assert (job.paused, job.sealed_variables, job.schedule, job.retention) == (True, None, before.schedule, {"days": 7})
    assert job.notification["channels"] != before.notification["channels"]
    deployment = client.get("/ml/v4/deployments", params={"space_id": target}).json()["resources"][0]
    assert deployment["metadata"]["id"] == job.deployment_id != before.deployment_id
    assert deployment["entity"]["status"]["state"] == "ready"
    assert deployment["entity"]["hardware_spec"]["name"] == "own size"
    assert deployment["entity"]["batch"] == {"max_running": 5}
    # A run of the moved job is frozen from what is here: nothing refers to the space that it came from.
    started = client.post(f"/v2/jobs/{job.id}/runs", json={"job_run": {}})
    assert started.status_code == 201, started.text
    run_id = started.json()["asset_id"]
    frozen = client.get(f"/v2/jobs/{job.id}/runs/{run_id}/specification").text
    assert shop.space_id not in frozen
    assert str(before.deployment_id) not in frozen


def test_a_second_import_makes_nothing(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    furnished(client, shop)
    content, target = _export(client, shop.space_id), wire.space(client, "target")
    summary_of(_import(client, target, content))
    kept = {path for path in (context.data_dir / "content").rglob("*") if path.is_file()}
    again = summary_of(_import(client, target, content))
    assert (again["imported"], again.get("made")) == (0, None)
    assert {path for path in (context.data_dir / "content").rglob("*") if path.is_file()} == kept
    assert len(client.get("/ml/v4/deployments", params={"space_id": target}).json()["resources"]) == 1


def test_no_secret_is_in_the_file(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    furnished(client, shop)
    with zipfile.ZipFile(io.BytesIO(_export(client, shop.space_id))) as archive:
        files = [archive.read(name) for name in archive.namelist()]
    for secret in SECRETS:
        assert not any(secret.encode() in content for content in files), secret
    assert not any(b"gAAAA" in content for content in files), "nor anything that is encrypted"


def test_what_is_malformed_in_the_parts_is_refused_or_skipped(client: TestClient, context: Context) -> None:
    shop = open_shop(context)
    furnished(client, shop)
    with zipfile.ZipFile(io.BytesIO(_export(client, shop.space_id))) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    target = wire.space(client, "target")

    def sent(**sections: Any) -> Any:
        document = {**manifest, "assets": [], "parts": {"space_id": shop.space_id, **sections}}
        return _import(client, target, wire.zipped({"manifest.json": json.dumps(document).encode()}))

    for wrong in ("x", [1], [{"id": 1, "name": "n"}], [{"name": "n"}]):
        assert sent(jobs=wrong).status_code == 400
    entry = {"id": "1", "name": "n"}
    names = (
        "package_extensions",
        "software_specifications",
        "hardware_specifications",
        "channels",
        "deployments",
        "jobs",
    )
    summary = summary_of(sent(**{name: [entry] for name in names}, definitions=manifest["parts"]["definitions"]))
    assert [skipped["asset_type"] for skipped in summary["skipped"]] == [*names[:5], "definitions", "jobs"]
    assert "made" not in summary
    assert all(skipped["reason"] for skipped in summary["skipped"])
