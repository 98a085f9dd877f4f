"""Steps: `ibm_watsonx_ai.deployment.Batch`, the client's other face of batch deployments."""

from __future__ import annotations

import pandas as pd
from ibm_watsonx_ai import Credentials
from ibm_watsonx_ai.deployment import Batch
from ibm_watsonx_ai.helpers.connections import DataConnection, DeploymentOutputAssetLocation
from tests.acceptance.flow.client_flow import CSV_ROWS, Flow
from tests.acceptance.flow.steps import Steps

step = Steps()


@step("Batch: get, list, parameters, a frame and its result")
def _(flow: Flow) -> None:
    made = Batch(source_instance_credentials=Credentials(**flow.credentials), source_space_id=flow.ids["space"])
    batch = flow.recorder.other("Batch", made)
    flow.made["batch"] = batch
    batch.get(flow.ids["model deployment"])
    assert flow.ids["model deployment"] in batch.list()["id"].tolist()
    assert batch.get_params()["metadata"]["id"] == flow.ids["model deployment"]
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    job_id = batch.get_job_id(batch.run_job(payload=frame))
    flow.completed(job_id)
    assert batch.get_job_status(job_id)["state"] == "completed"
    result = batch.get_job_result(job_id)
    assert result["prediction"].tolist() == flow.model.predict(frame).tolist()
    assert job_id in batch.list_jobs()["job id"].tolist()


@step("Batch: references, parameters of a job, and running it again")
def _(flow: Flow) -> None:
    batch = flow.made["batch"]
    run = batch.run_job(
        payload=[DataConnection(data_asset_id=flow.ids["data"])],
        output_data_reference=DataConnection(location=DeploymentOutputAssetLocation(name="o2.csv")),
        hardware_spec="S",
    )
    flow.ids["batch job"] = batch.get_job_id(run)
    flow.completed(flow.ids["batch job"])
    scoring = batch.get_job_params(flow.ids["batch job"])["entity"]["scoring"]
    assert scoring["output_data_reference"]["location"]["name"] == "o2.csv"
    assert len(scoring["input_data_references"]) == 1
    again = batch.get_job_id(batch.rerun_job(flow.ids["batch job"]))
    assert again != flow.ids["batch job"]
    flow.completed(again)


@step("Batch: the result of a job with references")
def _(flow: Flow) -> None:
    result = flow.made["batch"].get_job_result(flow.ids["batch job"])
    inputs = pd.DataFrame(CSV_ROWS, columns=["a", "b"])
    assert result.columns.tolist() == ["a", "b", "prediction", "probability"]
    assert result[["a", "b"]].to_numpy().tolist() == CSV_ROWS
    assert result["prediction"].tolist() == flow.model.predict(inputs).tolist()
