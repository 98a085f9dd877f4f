"""Steps: the mission's example. A drug classifier scores the documentation's two patients, and a table of others."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
from tests.acceptance.flow.client_flow import Flow
from tests.acceptance.flow.steps import Steps

from gristmill.cli import demo_drugs as drugs

step = Steps()
ROWS = 5_000


@step("a drug classifier: stored and deployed")
def _(flow: Flow) -> None:
    people = drugs.patients(1_000, seed=1)
    flow.made["drugs"] = drugs.train(people, drugs.drugs(people, seed=1))
    repository, deployments = flow.client.repository, flow.client.deployments
    names = repository.ModelMetaNames
    software = {names.SOFTWARE_SPEC_ID: flow.ids["software"]}
    stored = repository.store_model(
        model=flow.made["drugs"],
        meta_props={names.NAME: "drugs", names.TYPE: "scikit-learn_1.6", **software},
        training_data=people,
        training_target=drugs.drugs(people, seed=1),
    )
    names = deployments.ConfigurationMetaNames
    meta = {names.NAME: "drugs", names.BATCH: {}, names.HARDWARE_SPEC: {"name": "S"}}
    made = deployments.create(repository.get_model_id(stored), meta, background_mode=True)
    flow.ids["drug deployment"] = deployments.get_id(made)


@step("a drug classifier: the documentation's patients, inline")
def _(flow: Flow) -> None:
    names = flow.client.deployments.ScoringMetaNames
    inline = [{"fields": list(drugs.FIELDS), "values": drugs.EXAMPLE}]
    document = _completed(flow, {names.NAME: "test_v4_inline", names.INPUT_DATA: inline})
    (element,) = document["entity"]["scoring"]["predictions"]
    people = pd.DataFrame(drugs.EXAMPLE, columns=list(drugs.FIELDS))
    assert element["fields"] == ["prediction", "probability"]
    assert [row[0] for row in element["values"]] == flow.made["drugs"].predict(people).tolist()
    assert np.allclose([row[1] for row in element["values"]], flow.made["drugs"].predict_proba(people))


@step("a drug classifier: a table of patients, into a table with the predictions")
def _(flow: Flow) -> None:
    people = drugs.patients(ROWS, seed=3)
    assets = flow.client.data_assets
    path = flow.file("patients.csv", people.to_csv(index=False))
    href = assets.get_href(assets.create("patients.csv", str(path)))
    names = flow.client.deployments.ScoringMetaNames
    document = _completed(
        flow,
        {
            names.INPUT_DATA_REFERENCES: [{"type": "data_asset", "connection": {}, "location": {"href": href}}],
            names.OUTPUT_DATA_REFERENCE: {"type": "data_asset", "location": {"name": "predictions.csv"}},
        },
    )
    location = document["entity"]["scoring"]["output_data_reference"]["location"]
    assets.download(location["id"], str(flow.work / "predictions.csv"))
    result = pd.read_csv(io.BytesIO((flow.work / "predictions.csv").read_bytes()))
    assert result.columns.tolist() == [*drugs.FIELDS, "prediction", "probability"]
    pd.testing.assert_frame_equal(result[list(drugs.FIELDS)], people)
    assert (result["prediction"] == flow.made["drugs"].predict(people)).all()


def _completed(flow: Flow, meta: dict[str, Any]) -> dict[str, Any]:
    deployments = flow.client.deployments
    return flow.completed(deployments.get_job_id(deployments.create_job(flow.ids["drug deployment"], meta)))
