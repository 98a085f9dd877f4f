"""Work for servers that are killed: runs that last, and what must be true of them when everything is over."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

import pandas as pd
from tests.acceptance.rest import FINAL, Json, Rest, output, reference

TABLE = "a,b\n" + "".join(f"{row},{row % 7}\n" for row in range(500))
# The doubles of column a; each prediction takes its time.
SLOW_MODEL = """
import time

class Model:
    def predict(self, rows):
        time.sleep(0.4)
        return [2 * row[0] for row in rows.to_numpy()]
"""
SLOW_FUNCTION = """
import time

def score(payload):
    time.sleep(0.4)
    return {"predictions": [{"fields": ["n"], "values": [[len(payload["input_data"][0]["values"])]]}]}
"""
FINAL_EVENTS = frozenset({"succeeded", "erred", "stopped", "lost"})


@contextmanager
def module(name: str, source: str) -> Iterator[ModuleType]:
    """Have a module for as long as the block takes: its classes can be pickled, and are not here afterwards."""
    made = ModuleType(name)
    exec(compile(source, f"{name}.py", "exec"), made.__dict__)
    sys.modules[name] = made
    try:
        yield made
    finally:
        del sys.modules[name]


@dataclass
class Work:
    """Jobs of one space, by what they are of: tables through a model, and inline rows through a function."""

    rest: Rest
    tables: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def submit(self, *, tables: int, calls: int) -> None:
        """Submit jobs over two deployments; no more than two runs of each work at once."""
        with module("slow", SLOW_MODEL) as slow:
            model = self.rest.deployment(self.rest.model(slow.Model(), modules={"slow": SLOW_MODEL}))
        function = self.rest.deployment(self.rest.function(SLOW_FUNCTION))
        source = self.rest.data_asset("table.csv", TABLE.encode())
        for _ in range(tables):
            name = f"result-{len(self.tables)}.csv"
            scoring = {"input_data_references": [reference(source)], "output_data_reference": output(name)}
            self.tables[self.rest.submit(model, scoring)["metadata"]["id"]] = name
        for _ in range(calls):
            scoring = {"input_data": [{"values": [[1], [2]]}]}
            self.calls.append(self.rest.submit(function, scoring)["metadata"]["id"])

    def states(self) -> list[str]:
        """Return the states of all jobs."""
        listed = self.rest.call("GET", "/ml/v4/deployment_jobs", expect=200)["resources"]
        return [job["entity"]["scoring"]["status"]["state"] for job in listed]

    def is_over(self) -> bool:
        """Whether every job has ended."""
        return all(state in FINAL for state in self.states())

    def check(self) -> None:
        """Assert that nothing was lost and nothing done twice."""
        assert len(self.states()) == len(self.tables) + len(self.calls)
        for job_id, name in self.tables.items():
            self._check_table(self.rest.job(job_id), name)
        for job_id in self.calls:
            self._check_call(self.rest.job(job_id))

    def _check_table(self, job: Json, name: str) -> None:
        """Check a run of a model: it can be repeated, so it completes however often its server dies."""
        assert self._ended(job) == "completed", job
        (asset,) = self.rest.data_assets_named(name)
        reference = job["entity"]["scoring"]["output_data_reference"]["location"]
        assert reference["id"] == asset["metadata"]["asset_id"]
        result = pd.read_csv(io.BytesIO(self.rest.content(reference["id"])))
        assert len(result) == TABLE.count("\n") - 1
        assert (result["prediction"] == 2 * result["a"]).all()

    def _check_call(self, job: Json) -> None:
        """Check a run of a function: what was begun is not done again unasked."""
        scoring = job["entity"]["scoring"]
        if self._ended(job) == "completed":
            assert scoring["predictions"] == [{"fields": ["n"], "values": [[2]]}]
            return
        assert scoring["status"]["failure"]["errors"][0]["code"] == "worker_lost", job
        assert "predictions" not in scoring

    def _ended(self, job: Json) -> str:
        """Check a run's history; return its state."""
        place = job["entity"]["platform_job"]
        path = f"/v2/jobs/{place['job_id']}/runs/{place['run_id']}/history"
        history = self.rest.call("GET", path, expect=200)["results"]
        endings = [row for row in history if row["event"] in FINAL_EVENTS]
        assert endings == history[-1:], history
        fences = [row["fence"] for row in history]
        assert fences == sorted(fences), history
        claims = [row for row in history if row["event"] == "claimed"]
        assert len({row["fence"] for row in claims}) == len(claims), history
        state = str(job["entity"]["scoring"]["status"]["state"])
        assert endings[0]["state"] == state, history
        return state
