"""Data behind connections with the unmodified `ibm-watsonx-ai` client: a table scored into a table, a file into a file.

A program of its own: the client keeps state of the process. Exits with the number of steps that failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
from ibm_watsonx_ai.helpers import DatabaseLocation, DataConnection, S3Location
from sklearn.linear_model import LogisticRegression
from tests.acceptance.flow import steps
from tests.acceptance.flow.client_flow import Flow
from tests.acceptance.flow.steps import Steps, refused
from tests.s3 import ACCESS_KEY, SECRET_KEY

step = Steps()


@step("a space, a model and its batch deployment")
def _(flow: Flow) -> None:
    client = flow.client
    space = client.spaces.store({"name": "connected data"}, background_mode=False)
    client.set.default_space(client.spaces.get_id(space))
    inputs = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
    labels = pd.Series([0, 0, 1, 1], name="y")
    specification = client.software_specifications.get_id_by_name(f"gristmill-py3.{sys.version_info.minor}")
    model = client.repository.store_model(
        LogisticRegression().fit(inputs, labels),
        training_data=inputs,
        training_target=labels,
        meta_props={"name": "model", "type": "scikit-learn_1.6", "software_spec": specification},
    )
    made = client.deployments.create(client.repository.get_model_id(model), {"name": "deployment", "batch": {}})
    flow.ids["deployment"] = client.deployments.get_id(made)


@step("connections.create: a database and an object store")
def _(flow: Flow) -> None:
    connections = flow.client.connections
    names = connections.ConfigurationMetaNames
    for name, kind in (("database", "postgresql"), ("store", "generics3")):
        described = {
            names.NAME: name,
            names.DATASOURCE_TYPE: connections.get_datasource_type_id_by_name(kind),
            names.PROPERTIES: flow.made[name],
        }
        flow.ids[name] = connections.get_id(connections.create(described))
    assert sorted(connections.list()["NAME"]) == ["database", "store"]


@step("deployments.create_job: a table into a table")
def _(flow: Flow) -> None:
    source = {"schema_name": "public", "table_name": "patients"}
    target = {"schema_name": "public", "table_name": "weekly", "write_mode": "append"}
    document = _scored(flow, "database", DatabaseLocation(**source), target)
    assert document["output_data_reference"]["location"] == target
    nameless = {"type": "connection_asset", "connection": {"id": flow.ids["database"]}, "location": {}}
    with refused("name the table"):
        _job(flow, [nameless])


@step("deployments.create_job: a file into a file")
def _(flow: Flow) -> None:
    source = S3Location(bucket=flow.ids["bucket"], path="patients.csv")
    target = {"bucket": flow.ids["bucket"], "file_name": "scores.csv"}
    document = _scored(flow, "store", source, target)
    assert document["output_data_reference"]["location"] == target


@step("connections.delete: a job that needs one is refused")
def _(flow: Flow) -> None:
    connections = flow.client.connections
    connections.delete(flow.ids["store"])
    reference = {"type": "connection_asset", "connection": {"id": flow.ids["store"]}, "location": {"file_name": "x"}}
    with refused("there is no connection"):
        _job(flow, [reference])


def _scored(flow: Flow, name: str, location: Any, target: dict[str, str]) -> dict[str, Any]:
    source = DataConnection(connection_asset_id=flow.ids[name], location=location).to_dict()
    output = {"type": "connection_asset", "connection": {"id": flow.ids[name]}, "location": target}
    document = flow.completed(_job(flow, [source], output))
    scoring: dict[str, Any] = document["entity"]["scoring"]
    return scoring


def _job(flow: Flow, sources: list[dict[str, Any]], output: dict[str, Any] | None = None) -> str:
    names = flow.client.deployments.ScoringMetaNames
    meta: dict[str, Any] = {names.INPUT_DATA_REFERENCES: sources}
    if output:
        meta[names.OUTPUT_DATA_REFERENCE] = output
    job = flow.client.deployments.create_job(flow.ids["deployment"], meta)
    return str(flow.client.deployments.get_job_id(job))


def main() -> int:
    """Run the story that the command line describes."""
    parser = argparse.ArgumentParser()
    for name in ("url", "verify", "database", "socket", "store", "bucket"):
        parser.add_argument(f"--{name}", required=True)
    wanted = parser.parse_args()
    warnings.simplefilter("ignore")
    credentials = {
        "url": wanted.url,
        "api_key": os.environ["API_KEY"],
        "verify": wanted.verify,
        "username": "admin",
        "instance_id": "openshift",
    }
    flow = Flow("cpd", credentials, Path.cwd())
    flow.made["database"] = {"host": wanted.socket, "username": "postgres", "database": wanted.database}
    flow.made["store"] = {"url": wanted.store, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    flow.ids["bucket"] = wanted.bucket
    flow.connect()
    return steps.run([step], flow, flow.recorder)


if __name__ == "__main__":
    sys.exit(main())
