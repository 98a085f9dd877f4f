"""Steps: deployment jobs with inline data, with references, failing, canceled and deleted."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pandas as pd
from tests.acceptance.flow.client_flow import CSV, Flow, same_predictions
from tests.acceptance.flow.models import MATRIX
from tests.acceptance.flow.steps import Steps, refused
from tests.make import eventually

step = Steps()
ROWS = [[1, 0], [3, 4], [0, 1]]


@step("deployments.create_job: inline rows")
def _(flow: Flow) -> None:
    deployments = flow.client.deployments
    names = deployments.ScoringMetaNames
    inline = [{"fields": ["a", "b"], "values": ROWS}]
    created = _create(flow, "model deployment", {names.NAME: "inline job", names.INPUT_DATA: inline}, "inline job")
    assert created["metadata"]["name"] == "inline job"
    assert created["entity"]["deployment"]["id"] == flow.ids["model deployment"]
    assert flow.ids["inline job"] in deployments.get_job_href(created)


@step("deployments.get_job_status: completed, with the model's predictions")
def _(flow: Flow) -> None:
    document = flow.completed(flow.ids["inline job"])
    same_predictions(document, flow.model, ROWS)
    assert document["entity"]["scoring"]["input_data"][0]["values"] == ROWS
    status = document["entity"]["scoring"]["status"]
    assert status["running_at"] <= status["completed_at"]


@step("deployments: details with include, list of jobs")
def _(flow: Flow) -> None:
    deployments = flow.client.deployments
    listed = deployments.get_job_details()["resources"]
    assert [each["metadata"]["id"] for each in listed] == [flow.ids["inline job"]]
    assert len(deployments.get_job_details(limit=1)["resources"]) == 1
    assert deployments.list_jobs()["STATE"].tolist() == ["completed"]
    assert len(deployments.list_jobs(limit=1)) == 1
    scoring = deployments.get_job_details(flow.ids["inline job"], include="status,predictions")["entity"]["scoring"]
    assert set(scoring) == {"status", "predictions"}


@step("deployments.create_job: a frame, with retention, transaction id and other hardware")
def _(flow: Flow) -> None:
    deployments = flow.client.deployments
    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    meta = {
        deployments.ScoringMetaNames.INPUT_DATA: [{"values": frame}],
        "hardware_spec": {"name": "M", "num_nodes": 1},
    }
    options = {"retention": 5, "transaction_id": f"{flow.mode}-1"}
    _create(flow, "model deployment", meta, "frame job", **options)
    document = flow.completed(flow.ids["frame job"])
    same_predictions(document, flow.model, ROWS)
    assert document["entity"]["hardware_spec"]["name"] == "M"
    assert document["metadata"].get("retention") == (5 if flow.mode == "cloud" else None)


@step("deployments.create_job: inline rows for a function")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    _create(flow, "function deployment", {names.INPUT_DATA: [{"values": ROWS}]}, "function job")
    document = flow.completed(flow.ids["function job"])
    assert document["entity"]["scoring"]["predictions"] == [{"fields": ["n"], "values": [[20], [20], [20]]}]


@step("deployments.create_job: every other family of models predicts what it predicts here")
def _(flow: Flow) -> None:
    expected = {
        "onnx": flow.model.predict(pd.DataFrame(MATRIX, columns=["a", "b"])),
        "booster": flow.made["booster"].inplace_predict(MATRIX),
        "xgboost classifier": flow.made["xgboost classifier"].predict(MATRIX),
        "pmml": 1 + 2 * MATRIX[:, 0],
        "mlflow": flow.model.predict(pd.DataFrame(MATRIX, columns=["a", "b"])),
    }
    deployments = flow.client.deployments
    names = deployments.ConfigurationMetaNames
    for name in expected:
        meta = {names.NAME: name, names.BATCH: {}}
        made = deployments.create(flow.ids[name], meta, background_mode=True)
        flow.ids[f"{name} deployment"] = deployments.get_id(made)
        inline = {deployments.ScoringMetaNames.INPUT_DATA: [{"fields": ["a", "b"], "values": MATRIX.tolist()}]}
        _create(flow, f"{name} deployment", inline, f"{name} job")
    for name, values in expected.items():
        (element,) = flow.completed(flow.ids[f"{name} job"])["entity"]["scoring"]["predictions"]
        assert np.allclose([row[0] for row in element["values"]], values), (name, element)
        deployments.delete(flow.ids[f"{name} deployment"])


@step("deployments.create_job: a script with references and environment variables")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    source = {"id": "in", "type": "data_asset", "connection": {}, "location": {"href": flow.ids["data href"]}}
    target = {"type": "data_asset", "location": {"name": "out.zip", "description": "o"}}
    meta = {
        names.INPUT_DATA_REFERENCES: [source],
        names.OUTPUT_DATA_REFERENCE: target,
        names.ENVIRONMENT_VARIABLES: {"K": "the value"},
    }
    _create(flow, "script deployment", meta, "script job")


@step("deployments.create_job: references to a database that is not there are taken, and fail with a cause")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    connection = {"type": "connection_asset", "connection": {"id": flow.ids["connection"]}}
    source = {**connection, "location": {"schema_name": "public", "table_name": "t1"}}
    target = {**connection, "location": {"schema_name": "public", "table_name": "t2", "write_mode": "append"}}
    meta = {names.INPUT_DATA_REFERENCES: [source], names.OUTPUT_DATA_REFERENCE: target}
    _create(flow, "model deployment", meta, "connection job")
    assert flow.failure(flow.ids["connection job"])["code"] == "data_unreachable"


@step("a script's result is an archive of what it wrote")
def _(flow: Flow) -> None:
    assert _files(flow, "script job") == {"input.csv": CSV, "variables.txt": "the value"}
    assert _output(flow, "script job")["metadata"]["description"] == "o"


@step("a script that leaves nothing completes with the warning, and makes no asset")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    meta = {
        names.INPUT_DATA_REFERENCES: [],
        names.OUTPUT_DATA_REFERENCE: {"type": "data_asset", "location": {"name": "nothing.zip"}},
        names.ENVIRONMENT_VARIABLES: {"K": "v", "LEAVES": "nothing"},
    }
    _create(flow, "script deployment", meta, "empty job")
    status = flow.completed(flow.ids["empty job"])["entity"]["scoring"]["status"]
    assert status["message"]["level"] == "warning"
    assert "BATCH_OUTPUT_DIR is empty, skipping content upload" in status["message"]["text"]
    assert "nothing.zip" not in flow.client.data_assets.list()["NAME"].tolist()


@step("a script in R: its output under the very name that was asked for")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    target = {"type": "data_asset", "location": {"name": "r-output"}}
    meta = {names.INPUT_DATA_REFERENCES: [], names.OUTPUT_DATA_REFERENCE: target}
    _create(flow, "r script deployment", meta, "r job")
    assert _files(flow, "r job") == {"doubled.txt": "42"}


@step("a function gets every element of input_data, and answers each")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    inline = [{"id": "first", "fields": ["a"], "values": [[1], [2]]}, {"id": "second", "values": [[40]]}]
    _create(flow, "adding deployment", {names.INPUT_DATA: inline}, "adding job")
    predictions = flow.completed(flow.ids["adding job"])["entity"]["scoring"]["predictions"]
    assert [element["values"] for element in predictions] == [[[3]], [[40]]]


@step("a function whose reply has another shape fails, and the shape is named")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    _create(flow, "adding deployment", {names.INPUT_DATA: [{"values": [[0]]}]}, "odd job")
    error = flow.failure(flow.ids["odd job"])
    assert error["code"] == "reply_shape"
    assert "no predictions" in error["message"]


@step("a function that offers generate_batch gets the references")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    source = {"type": "data_asset", "connection": {}, "location": {"href": flow.ids["data href"]}}
    target = {"type": "data_asset", "location": {"name": "told.zip"}}
    meta = {names.INPUT_DATA_REFERENCES: [source], names.OUTPUT_DATA_REFERENCE: target}
    _create(flow, "service deployment", meta, "service job")
    assert _files(flow, "service job") == {"told.txt": "hello 1 told.zip"}


@step("deployments.create_job: a row that the model cannot score fails the job, and is named")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    inline = [{"fields": ["a", "b"], "values": [[1, 0], [1, None]]}]
    _create(flow, "model deployment", {names.INPUT_DATA: inline}, "failing job")
    error = flow.failure(flow.ids["failing job"])
    assert error["code"] == "row_failed", error
    assert "row 2" in error["message"], error
    assert "Traceback" in error["more_info"], error


@step("deployments.delete_job: cancels")
def _(flow: Flow) -> None:
    deployments = flow.client.deployments
    names = deployments.ScoringMetaNames
    variables = {"K": "v", "WAIT_SECONDS": "600"}
    meta = {names.INPUT_DATA_REFERENCES: [], names.ENVIRONMENT_VARIABLES: variables}
    job_id = deployments.get_job_id(_create(flow, "script deployment", meta, "canceled job"))
    eventually(lambda: deployments.get_job_status(job_id)["state"] == "running", within=30, every=0.2)
    assert deployments.delete_job(job_id) == "SUCCESS"
    assert flow.ended(job_id)["state"] == "canceled"


@step("the Common Core shows the same runs: states, ids, times and causes agree")
def _(flow: Flow) -> None:
    ends = {"script job": "Completed", "failing job": "Failed", "canceled job": "Canceled"}
    for name, state in ends.items():
        details = flow.client.deployments.get_job_details(flow.ids[name])
        platform = details["entity"]["platform_job"]
        shown = flow.get(f"/v2/jobs/{platform['job_id']}/runs/{platform['run_id']}")
        run = shown["entity"]["job_run"]
        assert (run["state"], run["runtime_job_id"]) == (state, flow.ids[name]), run
        assert shown["metadata"]["created_at"] == details["metadata"]["created_at"]
        failures = details["entity"]["scoring"]["status"].get("failure", {"errors": [{}]})["errors"]
        assert run.get("failure", {}).get("code") == failures[0].get("code")
        (parent,) = flow.get(f"/v2/jobs?space_id={flow.ids['space']}&run_id={platform['run_id']}")["results"]
        assert parent["asset_id"] == platform["job_id"]


@step("deployments.delete_job: takes it away with hard_delete")
def _(flow: Flow) -> None:
    assert flow.client.deployments.delete_job(flow.ids["inline job"], hard_delete=True) == "SUCCESS"
    assert flow.ids["inline job"] not in flow.client.deployments.list_jobs()["JOB-ID"].tolist()


@step("deployments.get_job_details: a deleted one is not found")
def _(flow: Flow) -> None:
    with refused("deployment_job_not_found"):
        flow.client.deployments.get_job_details(flow.ids["inline job"])


def _output(flow: Flow, job: str) -> dict[str, Any]:
    """Return the data asset that a job made; it has the very name that was asked for."""
    location = flow.completed(flow.ids[job])["entity"]["scoring"]["output_data_reference"]["location"]
    asset_id = location["href"].split("/")[-1].split("?")[0]
    details: dict[str, Any] = flow.client.data_assets.get_details(asset_id)
    assert details["metadata"]["name"] == location["name"]
    return details


def _files(flow: Flow, job: str) -> dict[str, str]:
    """Return the files of the archive that a job made."""
    content = flow.client.data_assets.get_content(_output(flow, job)["metadata"]["asset_id"])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def _create(flow: Flow, deployment: str, meta: dict[str, Any], name: str, **options: Any) -> dict[str, Any]:
    deployments = flow.client.deployments
    created: dict[str, Any] = deployments.create_job(flow.ids[deployment], meta, **options)
    flow.ids[name] = deployments.get_job_id(created)
    return created
