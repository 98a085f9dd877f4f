"""A worker whose runs are done on a Ray cluster, over PostgreSQL and a bucket: a node dies under a run on two."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
from tests.acceptance.fleet import fleet
from tests.acceptance.rest import Json, Rest, output, reference
from tests.acceptance.work import module
from tests.make import eventually
from tests.postgres import Postgres
from tests.ray_cluster import RayCluster
from tests.s3 import ObjectStore

ROWS = 40_000
PADDING = "x" * 200
NODES = {"cpu": {"units": "2"}, "mem": {"size": "3Gi"}, "num_nodes": 2}
MODEL = """
import time

class Model:
    def predict(self, rows):
        time.sleep(1)
        print("scored", len(rows))
        return rows["a"].to_numpy() * 2
"""


def deployed(rest: Rest) -> str:
    """Deploy a model that takes its time, on two nodes."""
    rest.call("POST", "/v2/hardware_specifications", expect=201, json={"name": "two", "nodes": NODES})
    with module("counting", MODEL) as counting:
        model = rest.model(counting.Model(), modules={"counting": MODEL}, fields=[("a", "double"), ("p", "string")])
    return rest.deployment(model)


def rows_done(rest: Rest, job_id: str) -> int:
    status: Json = rest.job(job_id)["entity"]["scoring"]["status"]
    return int(status.get("progress", {}).get("rows_done", 0))


def test_a_node_that_dies_in_the_middle_costs_no_row(
    ray: RayCluster, postgres: Postgres, object_store: ObjectStore, tmp_path: Path
) -> None:
    node = ray.add(cpus=3, gib=4)
    with fleet(tmp_path, postgres, object_store) as up:
        server = up.serve()
        up.work("--ray", ray.address)
        with Rest(server) as rest:
            rest.enter_new_space()
            deployment = deployed(rest)
            lines = "".join(f'{{"a": {row}, "p": "{PADDING}"}}\n' for row in range(ROWS))
            source = rest.data_asset("in.jsonl", lines.encode())
            scoring = {"input_data_references": [reference(source)], "output_data_reference": output("1.csv")}
            job = str(rest.submit(deployment, scoring, hardware_spec={"name": "two"})["metadata"]["id"])
            eventually(lambda: rows_done(rest, job) >= ROWS / 4, within=90)
            node.kill()
            ended = rest.ended(job, within=120)
            assert ended["state"] == "completed", ended
            (asset,) = rest.data_assets_named("1.csv")
            result = pd.read_csv(io.BytesIO(rest.content(asset["metadata"]["asset_id"])))
            assert (len(result), (result["prediction"] == 2 * result["a"]).all()) == (ROWS, True)
            assert result["a"].tolist() == list(range(ROWS))
            log = rest.log(rest.job(job))
            assert any("[node 1] scored" in line for line in log)
            assert any("[node 2] scored" in line for line in log)
