"""Rows over HTTP: thresholds that are refused, totals and rejections, profiles, previews, repair of a model's run."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from tests.engine.conftest import LEASE
from tests.engine.test_resume import completing, killed_at
from tests.engine.test_rows import profile, rejecting, scored
from tests.make import eventually
from tests.make_work import COMPLETED, Script, ScriptedLauncher, Shop, open_shop

from gristmill.domain.asset import AssetType
from gristmill.engine.execution import Execution
from gristmill.engine.worker import Worker
from gristmill.service.context import Context
from gristmill_runner import protocol

ROWS = {"input_data": [{"fields": ["a", "b"], "values": [[1, 2], [3, 4], [5, 6]]}]}


@pytest.fixture
def shop(context: Context) -> Shop:
    return open_shop(context)


def submit(client: TestClient, shop: Shop, **scoring: Any) -> Any:
    document = {"name": "job", "deployment": {"id": shop.deploy().id}, "scoring": {**ROWS, **scoring}}
    return client.post("/ml/v4/deployment_jobs", params={"space_id": shop.space_id}, json=document)


def play(context: Context, script: Script) -> None:
    """Do what is queued as the script says."""
    launcher = ScriptedLauncher(script)
    launcher.gate.set()
    worker = Worker(context, context.new_id(), lambda a: Execution(context, launcher, a), slots=1, lease=LEASE)
    assert worker.step() == 1
    eventually(lambda: worker.idle, within=10)
    worker.stop(5)


def shown(client: TestClient, shop: Shop, made: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a deployment job's scoring, and its run in the jobs API."""
    job = client.get(f"/ml/v4/deployment_jobs/{made['metadata']['id']}", params={"space_id": shop.space_id}).json()
    link = job["entity"]["platform_job"]
    run = client.get(f"/v2/jobs/{link['job_id']}/runs/{link['run_id']}").json()["entity"]["job_run"]
    return job["entity"]["scoring"], {**run, "path": f"/v2/jobs/{link['job_id']}/runs/{link['run_id']}"}


@pytest.mark.parametrize("wrong", [-1, 1.5, "many", True])
def test_a_wrong_threshold_is_refused_wherever_it_stands(client: TestClient, shop: Shop, wrong: object) -> None:
    assert _field(submit(client, shop, error_threshold=wrong)) == "scoring.error_threshold"
    within = submit(client, shop, scoring_parameters={"error_threshold": wrong})
    assert _field(within) == "scoring.scoring_parameters.error_threshold"
    kept = {"name": "d", "space_id": shop.space_id, "deployment": {"id": shop.deploy().id}}
    answer = client.post(
        "/ml/v4/deployment_job_definitions", json={**kept, "scoring": {**ROWS, "error_threshold": wrong}}
    )
    assert _field(answer) == "scoring.error_threshold"
    job = {"name": "j", "asset_ref": shop.script(), "configuration": {"error_threshold": wrong}}
    answer = client.post("/v2/jobs", params={"space_id": shop.space_id}, json={"job": job})
    assert _field(answer) == "configuration.error_threshold"


def test_a_jobs_threshold_can_be_changed_and_a_runs_is_checked(client: TestClient, shop: Shop) -> None:
    job = {"name": "j", "asset_ref": shop.script(), "configuration": {"error_threshold": "2 %"}}
    made = client.post("/v2/jobs", params={"space_id": shop.space_id}, json={"job": job}).json()
    assert made["entity"]["job"]["configuration"]["error_threshold"] == "2 %"
    path, where = f"/v2/jobs/{made['asset_id']}", "/entity/job/configuration/error_threshold"
    changed = client.patch(path, json=[{"op": "replace", "path": where, "value": 7}])
    assert changed.json()["entity"]["job"]["configuration"]["error_threshold"] == 7
    assert _field(client.patch(path, json=[{"op": "replace", "path": where, "value": -7}])) == (
        "configuration.error_threshold"
    )
    answer = client.post(f"{path}/runs", json={"job_run": {"configuration": {"error_threshold": []}}})
    assert _field(answer) == "configuration.error_threshold"


def test_a3_rejected_rows_are_counted_and_named(client: TestClient, shop: Shop, context: Context) -> None:
    made = submit(client, shop, error_threshold="1 %", scoring_parameters={"a": 1}).json()
    play(context, rejecting(3))
    scoring, run = shown(client, shop, made)
    assert (scoring["error_threshold"], scoring["scoring_parameters"]) == ("1 %", {"a": 1})
    assert scoring["status"]["rows"] == {"read": 1_000, "scored": 997, "rejected": 3, "not_attempted": 0}
    assert scoring["status"]["state"] == "completed"
    assert scoring["status"]["message"]["level"] == "warning"
    assert run["state"] == "CompletedWithWarnings"
    counts = {"done": 1_000, "total": 1_000, "read": 1_000, "scored": 997, "rejected": 3, "not_attempted": 0}
    assert run["rows"] == counts
    assert (run["rejections"][0]["row"], run["rejections"][0]["column"]) == (17, "age")
    assert run["warning"].startswith("3 of 1,000 rows were rejected")
    listed = client.get("/ml/v4/deployment_jobs", params={"space_id": shop.space_id}).json()["resources"]
    assert listed[0]["entity"]["scoring"]["status"]["rows"]["rejected"] == 3
    assert client.get(f"{run['path']}/results/rejected_rows.csv").text.startswith("age,rejected_row")


def test_the_profile_of_a_run(client: TestClient, shop: Shop, context: Context) -> None:
    made = submit(client, shop).json()
    play(context, rejecting(0, profile=profile(0.5)))
    _, run = shown(client, shop, made)
    found = client.get(f"{run['path']}/profile").json()
    assert (found["total_count"], found["results"][0]["mean"], found["compared"]) == (1, 0.5, None)


def test_a5_a_models_run_is_repaired_over_http(client: TestClient, shop: Shop, context: Context) -> None:
    made = submit(client, shop).json()
    play(context, killed_at(4))
    scoring, run = shown(client, shop, made)
    assert run["kept_rows"] == {"done": 4, "total": 10}
    assert "repair goes on from there" in scoring["status"]["failure"]["errors"][0]["message"]
    for member in ("job_parameters", "parameter_sets"):
        answer = client.post(f"{run['path']}/repair", json={"job_run": {member: [{"name": "a", "value": 1}]}})
        assert answer.status_code == 400
        error = answer.json()["errors"][0]
        assert (error["target"]["name"], "only error_threshold can be given" in error["message"]) == (member, True)
    wanted = {"description": "with more patience", "job_parameters": [], "configuration": {"error_threshold": 5}}
    repaired = client.post(f"{run['path']}/repair", json={"job_run": wanted})
    assert repaired.status_code == 201, repaired.text
    assert repaired.json()["entity"]["job_run"]["repair_of"] == run["path"].rpartition("/")[2]
    assert repaired.json()["metadata"]["description"] == "with more patience"
    play(context, completing)
    found = client.get(f"/v2/jobs/{run['job_ref']}/runs/{repaired.json()['asset_id']}").json()["entity"]["job_run"]
    assert (found["state"], found["rows"]["scored"]) == ("Completed", 10)


def preview(client: TestClient, shop: Shop, deployment_id: str, **members: Any) -> Any:
    document = {"scoring": ROWS, **members}
    path = f"/ml/v4/deployments/{deployment_id}/preview"
    return client.post(path, params={"space_id": shop.space_id}, json=document)


def test_a_preview_is_a_short_run_that_publishes_nothing(client: TestClient, shop: Shop, context: Context) -> None:
    asset_id = shop.data_asset("in.csv", b"a,b\n1,2\n")
    wanted = {
        "input_data_references": [{"type": "data_asset", "location": {"href": f"/v2/assets/{asset_id}"}}],
        "output_data_reference": {"type": "data_asset", "location": {"name": "out.csv"}},
    }
    made = preview(client, shop, shop.deploy().id, scoring=wanted, row_limit=2, name="look")
    assert made.status_code == 202, made.text
    assert (made.json()["metadata"]["retention"], made.json()["metadata"]["name"]) == (1, "look")
    told: list[protocol.Spec] = []

    def script(directory: Any) -> protocol.Result:
        told.append(protocol.read_spec(directory))
        (directory / "outputs/p.jsonl").write_text("[0]\n[1]\n")
        return {
            **COMPLETED,
            "rows": {"read": 2, "scored": 2, "rejected": 0, "not_attempted": 0},
            "predictions": [{"path": "outputs/p.jsonl", "fields": ["prediction"], "rows": 2}],
            "scoring_seconds": 0.0,
            "input_rows": 1_000,
        }

    play(context, script)
    assert (told[0]["row_limit"], told[0]["output"]) == (2, {"kind": "inline"})
    scoring, run = shown(client, shop, made.json())
    assert scoring["predictions"] == [{"fields": ["prediction"], "values": [[0], [1]]}]
    assert (scoring["preview"]["row_limit"], scoring["preview"]["rows"]) == (2, 2)
    assert scoring["preview"]["estimate"]["rows"] == 1_000
    assert run["preview"] == scoring["preview"]
    assert "output_data_reference" not in scoring
    found = client.get("/v2/asset_types/data_asset", params={"space_id": shop.space_id})
    assert "out.csv" not in found.text


def test_a_preview_knows_how_many_inline_rows_there_are(client: TestClient, shop: Shop, context: Context) -> None:
    made = preview(client, shop, shop.deploy().id, row_limit=1)
    rows = {"read": 1, "scored": 1, "rejected": 0, "not_attempted": 0}
    play(context, lambda directory: scored(directory, rows=rows))
    scoring, _ = shown(client, shop, made.json())
    assert scoring["preview"]["estimate"]["rows"] == 3


def test_what_is_no_preview_is_refused(client: TestClient, shop: Shop) -> None:
    for wrong in (0, 1_001, "2", 1.5):
        assert _field(preview(client, shop, shop.deploy().id, row_limit=wrong)) == "row_limit"
    assert _field(preview(client, shop, shop.deploy().id, scoring=None)) == "scoring"
    answer = preview(client, shop, shop.deploy(kind=AssetType.FUNCTION).id)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "not_previewable")
    assert preview(client, shop, "nowhere").status_code == 404


def test_a_preview_that_is_asked_for_twice_is_one(client: TestClient, shop: Shop) -> None:
    path = f"/ml/v4/deployments/{shop.deploy().id}/preview"
    document, headers = {"scoring": ROWS, "space_id": shop.space_id}, {"Idempotency-Key": "k"}
    ids = {client.post(path, json=document, headers=headers).json()["metadata"]["id"] for _ in range(2)}
    assert len(ids) == 1


def _field(answer: Any) -> object:
    assert answer.status_code == 400, answer.text
    return answer.json()["errors"][0]["target"]["name"]
