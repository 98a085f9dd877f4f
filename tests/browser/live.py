"""Work that a page is watched at: a script that prints until it is let go, a model, and a flow that can be repaired."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sklearn.linear_model import LinearRegression

from tests.acceptance.code_jobs import asset, job, started
from tests.acceptance.rest import Json, Rest, output, reference
from tests.acceptance.server import Server
from tests.acceptance.test_kinds import zipped
from tests.unit.flow.documents import code_node, document

SCRIPT = """
import itertools, os, sys, time
print("begun with", os.environ.get("MODE", "nothing"), flush=True)
if os.environ.get("MODE") == "fail":
    for number in range(300):
        print("row", number)
    raise ValueError("the ward is closed")
for number in itertools.count(1):
    print("step", number, flush=True)
    time.sleep(0.2)
"""
CHECK = """
import os, sys
print("mode is", os.environ.get("MODE"))
if os.environ.get("MODE") != "good":
    sys.exit("the mode is not good")
"""
LOAD = "print('loaded')\n"
TABLE = "x\n" + "".join(f"{row}\n" for row in range(30)) + "seven\n"


@dataclass(frozen=True)
class Desk:
    """A space of a running server, and what is done in it through the API."""

    rest: Rest

    @property
    def path(self) -> str:
        """Where the console shows the space."""
        return f"/spaces/{self.rest.space_id}"

    def script(self) -> str:
        """Make a job of the script; return its id."""
        asset_id, _ = asset(self.rest, "script", "steps.py", SCRIPT.encode())
        return job(self.rest, asset_id)

    def flow(self) -> str:
        """Make a job of a flow with a node that fails unless its mode is good; return its id."""
        check = code_node("check", after=["load"], env_vars=[])
        made = (code_node("load"), check, code_node("last", after=["check"]))
        files = {"sample.pipeline": json.dumps(document(*made)), "load.py": LOAD, "check.py": CHECK, "last.py": LOAD}
        asset_id, _ = asset(self.rest, "flow", "flow.zip", zipped(files))
        return job(self.rest, asset_id)

    def start(self, job_id: str, *variables: str) -> str:
        """Start a run; return where the console shows it."""
        run = started(self.rest, job_id, env_variables=list(variables)) if variables else started(self.rest, job_id)
        return self.place(job_id, run["asset_id"])

    def scored(self) -> str:
        """Score a table with one bad row; return where the console shows the run."""
        model = self.rest.model(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]), fields=[("x", "double")])
        deployment = self.rest.deployment(model)
        source = self.rest.data_asset("patients.csv", TABLE.encode())
        scoring: Json = {
            "input_data_references": [reference(source)],
            "output_data_reference": output("scores.csv"),
            "error_threshold": 1,
        }
        made = self.rest.submit(deployment, scoring)
        place = made["entity"]["platform_job"]
        return self.place(place["job_id"], place["run_id"])

    def place(self, job_id: str, run_id: str) -> str:
        """Return where the console shows a run."""
        return f"{self.path}/jobs/{job_id}/runs/{run_id}"


@contextmanager
def desk(server: Server) -> Iterator[Desk]:
    """Work in a space of its own."""
    with Rest(server) as rest:
        rest.enter_new_space()
        yield Desk(rest)
