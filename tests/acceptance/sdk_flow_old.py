"""The main calls of the older client, `ibm-watson-machine-learning`, in an environment of its own.

Exits with the number of steps that failed.
"""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
from ibm_watson_machine_learning import APIClient
from sklearn.linear_model import LogisticRegression
from tests.acceptance.flow.recorder import Recorder
from tests.acceptance.flow.steps import Steps, run
from tests.make import eventually

step = Steps()
CSV = "a,b\n1,2\n"
ROWS = [[1, 0], [0, 1], [3, 4]]
SCRIPT = """import os, shutil
from pathlib import Path
for file in Path(os.environ["BATCH_INPUT_DIR"]).iterdir():
    shutil.copy(file, os.environ["BATCH_OUTPUT_DIR"])
"""


@dataclass
class OldFlow:
    """The client and what the steps made; ``ids`` by names of theirs."""

    url: str
    ids: dict[str, str] = field(default_factory=dict)
    client: Any = None
    model: Any = None
    recorder: Recorder = field(default_factory=lambda: Recorder("ibm-watson-machine-learning"))

    def completed(self, job_id: str) -> dict[str, Any]:
        """Wait for a job that must complete; return its document."""
        deployments = self.client.deployments

        def is_over() -> bool:
            return deployments.get_job_status(job_id)["state"] in {"completed", "failed", "canceled"}

        eventually(is_over, within=60, every=0.2)
        document: dict[str, Any] = deployments.get_job_details(job_id)
        status = document["entity"]["scoring"]["status"]
        assert status["state"] == "completed", status
        return document


@step("client")
def _(flow: OldFlow) -> None:
    key = os.environ["API_KEY"]
    credentials = {"url": flow.url, "username": "admin", "apikey": key, "instance_id": "openshift"}
    flow.client = flow.recorder.client(APIClient(credentials, verify=False))
    assert flow.client.CPD_version == 5.0


@step("spaces")
def _(flow: OldFlow) -> None:
    spaces = flow.client.spaces
    made = spaces.store({spaces.ConfigurationMetaNames.NAME: "old space"}, background_mode=False)
    flow.ids["space"] = spaces.get_id(made)
    assert flow.ids["space"] in spaces.list()["ID"].tolist()
    assert flow.client.set.default_space(flow.ids["space"]) == "SUCCESS"


@step("specifications")
def _(flow: OldFlow) -> None:
    software, hardware = flow.client.software_specifications, flow.client.hardware_specifications
    flow.ids["software"] = software.get_id_by_name("runtime-24.1-py3.11")
    software.list()
    hardware.list()
    assert len(hardware.get_id_by_name("S")) == 36


@step("repository.store_model: an object")
def _(flow: OldFlow) -> None:
    flow.model = LogisticRegression().fit([[0, 1], [1, 0], [1, 1], [0, 0]], [0, 1, 1, 0])
    flow.ids["object"] = _store_model(flow, flow.model)


@step("repository.store_model: an archive")
def _(flow: OldFlow) -> None:
    joblib.dump(flow.model, "m.joblib")
    with tarfile.open("m.tar.gz", "w:gz") as archive:
        archive.add("m.joblib")
    flow.ids["archive"] = _store_model(flow, str(Path("m.tar.gz").resolve()))
    assert len(flow.client.repository.get_model_details()["resources"]) == 2
    flow.client.repository.list_models()


@step("repository.store_function")
def _(flow: OldFlow) -> None:
    repository = flow.client.repository
    Path("f.py.gz").write_bytes(gzip.compress(b"def score(payload):\n    return payload\n"))
    names = repository.FunctionMetaNames
    meta = {names.NAME: "f", names.SOFTWARE_SPEC_UID: flow.ids["software"]}
    stored = repository.store_function(str(Path("f.py.gz").resolve()), meta)
    assert len(repository.get_function_id(stored)) == 36


@step("script.store")
def _(flow: OldFlow) -> None:
    script = flow.client.script
    Path("s.py").write_text(SCRIPT)
    names = script.ConfigurationMetaNames
    meta = {names.NAME: "s", names.SOFTWARE_SPEC_UID: flow.ids["software"]}
    flow.ids["script"] = script.get_id(script.store(meta, str(Path("s.py").resolve())))
    script.list()


@step("data_assets")
def _(flow: OldFlow) -> None:
    assets = flow.client.data_assets
    Path("in.csv").write_text(CSV)
    created = assets.create("in.csv", str(Path("in.csv").resolve()))
    flow.ids["data"], flow.ids["data href"] = assets.get_id(created), assets.get_href(created)
    assets.list()
    assert assets.get_details(flow.ids["data"])["metadata"]["size"] == len(CSV)
    assets.download(flow.ids["data"], "back.csv")
    assert Path("back.csv").read_text() == CSV


@step("connections")
def _(flow: OldFlow) -> None:
    connections = flow.client.connections
    names = connections.ConfigurationMetaNames
    postgresql = connections.get_datasource_type_uid_by_name("postgresql")
    properties = {"host": "h"}
    meta = {names.NAME: "c", names.DATASOURCE_TYPE: postgresql, names.PROPERTIES: properties}
    connection_id = connections.get_uid(connections.create(meta))
    assert connections.get_details(connection_id)["entity"]["name"] == "c"
    connections.list()
    connections.list_datasource_types()


@step("deployments.create: a model and a script")
def _(flow: OldFlow) -> None:
    deployments = flow.client.deployments
    names = deployments.ConfigurationMetaNames
    meta = {names.NAME: "d", names.BATCH: {}, names.HARDWARE_SPEC: {"name": "S"}}
    for asset in ("object", "archive", "script"):
        made = deployments.create(flow.ids[asset], meta)
        flow.ids[f"{asset} deployment"] = deployments.get_id(made)
        assert made["entity"]["status"]["state"] == "ready"
    deployments.list()
    assert deployments.get_details(flow.ids["object deployment"])["metadata"]["name"] == "d"


@step("deployments.create_job: inline rows, for models that were pickled here")
def _(flow: OldFlow) -> None:
    deployments = flow.client.deployments
    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    meta = {deployments.ScoringMetaNames.INPUT_DATA: [{"values": frame}]}
    for asset in ("object", "archive"):
        created = deployments.create_job(flow.ids[f"{asset} deployment"], meta)
        flow.ids[f"{asset} job"] = deployments.get_job_uid(created)
    deployments.list_jobs()
    for asset in ("object", "archive"):
        (element,) = flow.completed(flow.ids[f"{asset} job"])["entity"]["scoring"]["predictions"]
        assert [row[0] for row in element["values"]] == flow.model.predict(ROWS).tolist()


@step("deployments.create_job: references")
def _(flow: OldFlow) -> None:
    deployments = flow.client.deployments
    names = deployments.ScoringMetaNames
    meta = {
        names.INPUT_DATA_REFERENCES: [{"type": "data_asset", "location": {"href": flow.ids["data href"]}}],
        names.OUTPUT_DATA_REFERENCE: {"type": "data_asset", "location": {"name": "o.zip"}},
    }
    job_id = deployments.get_job_uid(deployments.create_job(flow.ids["script deployment"], meta))
    assert flow.completed(job_id)["entity"]["scoring"]["output_data_reference"]["location"]["href"]


@step("deployments.delete_job")
def _(flow: OldFlow) -> None:
    flow.client.deployments.delete_job(flow.ids["object job"], hard_delete=True)
    listed = flow.client.deployments.get_job_details()["resources"]
    assert flow.ids["object job"] not in [job["metadata"]["id"] for job in listed]


@step("deletion of deployments, assets and the space")
def _(flow: OldFlow) -> None:
    client, ids = flow.client, flow.ids
    for asset in ("object", "archive", "script"):
        client.deployments.delete(ids[f"{asset} deployment"])
    client.repository.delete(ids["archive"])
    client.script.delete(ids["script"])
    client.spaces.delete(ids["space"])


def _store_model(flow: OldFlow, model: Any) -> str:
    names = flow.client.repository.ModelMetaNames
    meta = {names.NAME: "m", names.TYPE: "scikit-learn_1.3", names.SOFTWARE_SPEC_UID: flow.ids["software"]}
    return str(flow.client.repository.get_model_id(flow.client.repository.store_model(model=model, meta_props=meta)))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    flow = OldFlow(sys.argv[1])
    sys.exit(run([step], flow, flow.recorder))
