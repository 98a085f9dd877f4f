"""D1, A1, A5: a server that is killed in the middle of a long run scores no row twice; people go on from there."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.acceptance.rest import Json, Rest, cause, output, reference
from tests.acceptance.server import Server, are_gone, running, start
from tests.acceptance.work import module
from tests.make import eventually

ROWS = 60_000
PADDING = "x" * 100
BLOCK_ROWS = 20_000
"""More than a block of JSON lines holds of these rows."""
# It notes how many rows it has scored, where it may, and takes its time.
COUNTING_MODEL = """
import contextlib
import time

class Model:
    counted = None

    def predict(self, rows):
        with contextlib.suppress(OSError), open(self.counted, "a") as file:
            file.write(f"{len(rows)}\\n")
        time.sleep(0.3)
        if (rows["a"] < 0).any():
            raise ValueError("a negative number")
        return rows["a"].to_numpy() * 2
"""


@dataclass
class Site:
    """A data directory, a server over it at a time, and where the model notes what it scores.

    With ``sandbox`` off it may do that; in a box, what it did is in the box when its server dies.
    """

    data: Path
    counted: Path
    sandbox: str = "off"

    def start(self, *, grace_seconds: str = "30") -> Server:
        """Start a server."""
        return start(self.data, lease_seconds="1", grace_seconds=grace_seconds, sandbox=self.sandbox)

    def scored(self) -> int:
        """Return how many rows have been given to the model, in all attempts."""
        return sum(map(int, self.counted.read_text().split())) if self.counted.exists() else 0

    def submit(self, rest: Rest, *, bad: frozenset[int] = frozenset(), **scoring: Any) -> str:
        """Submit a run over a file of many blocks."""
        with module("counting", COUNTING_MODEL) as counting:
            counting.Model.counted = str(self.counted)
            source = COUNTING_MODEL.replace("counted = None", f"counted = {str(self.counted)!r}")
            model = rest.model(
                counting.Model(), modules={"counting": source}, fields=[("a", "double"), ("p", "string")]
            )
        lines = "".join(f'{{"a": {-row if row in bad else row}, "p": "{PADDING}"}}\n' for row in range(ROWS))
        asset_id = rest.data_asset("in.jsonl", lines.encode())
        wanted = {"input_data_references": [reference(asset_id)], "output_data_reference": output("out.csv"), **scoring}
        return str(rest.submit(rest.deployment(model), wanted)["metadata"]["id"])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "data", tmp_path / "counted")


def done(rest: Rest, job_id: str) -> int:
    status: Json = rest.job(job_id)["entity"]["scoring"]["status"]
    return int(status.get("progress", {}).get("rows_done", 0))


def _is_at(rest: Rest, job_id: str, *, attempt: int, least: int) -> Callable[[], bool]:
    """Return whether the run's attempt has come so far."""
    return lambda: rest.job_run(rest.job(job_id))["attempt"] == attempt and done(rest, job_id) >= least


def check(rest: Rest, job_id: str) -> Json:
    """Assert that every row is in the output once, in order; return the run."""
    run = rest.job_run(rest.job(job_id))
    assert (run["rows"]["read"], run["rows"]["scored"]) == (ROWS, ROWS), run
    (asset,) = rest.data_assets_named("out.csv")
    lines = rest.content(asset["metadata"]["asset_id"]).decode().splitlines()
    assert len(lines) == ROWS + 1
    found = [float(line.rpartition(",")[2]) for line in lines[1:]]
    assert found == [2.0 * row for row in range(ROWS)]
    return run


@pytest.mark.parametrize(("seed", "sandbox"), [(1, "off"), (2, "auto")])
def test_d1_a_server_killed_at_a_random_moment_scores_no_row_twice(site: Site, seed: int, sandbox: str) -> None:
    chance, site.sandbox = random.Random(seed), sandbox
    server = site.start()
    with Rest(server) as rest:
        rest.enter_new_space()
        job_id = site.submit(rest)
        space_id, kills = rest.space_id, 2
    for kill in range(kills):
        with Rest(server, space_id=space_id) as rest:
            least = chance.randrange(1 + kill * ROWS // 4, (kill + 1) * ROWS // 3)
            eventually(_is_at(rest, job_id, attempt=kill + 1, least=least), within=120, every=0.02)
            left = server.descendants()
            server.kill()
            are_gone(left)
        server = site.start()
    with Rest(server, space_id=space_id) as rest:
        assert rest.ended(job_id, within=120)["state"] == "completed"
        run = check(rest, job_id)
    eventually(lambda: not list((site.data / "runs").iterdir()), within=30)
    assert server.stop() == 0
    # Killed after the last row was scored, what the attempt has left is taken; no further one is begun.
    assert kills <= run["attempt"] <= kills + 1
    assert run["rows"]["resumed"] > 0
    # What was at work when it was killed, a block or two for each of two scorers, may have been scored before.
    assert site.scored() <= ROWS + kills * 4 * BLOCK_ROWS


def test_d1_a_server_that_is_asked_to_stop_hands_rows_on(site: Site) -> None:
    server = site.start(grace_seconds="0")
    with Rest(server) as rest:
        rest.enter_new_space()
        job_id = site.submit(rest)
        eventually(lambda: done(rest, job_id) > 0, within=120, every=0.02)
        assert server.stop(within=30) == 0
    with running(site.data, lease_seconds="1", sandbox="off") as second, Rest(second, space_id=rest.space_id) as again:
        assert again.ended(job_id, within=120)["state"] == "completed"
        assert check(again, job_id)["rows"]["resumed"] > 0


def test_a5_a_canceled_run_is_repaired_from_where_it_was(site: Site) -> None:
    with running(site.data, lease_seconds="1", sandbox="off") as server, Rest(server) as rest:
        rest.enter_new_space()
        job_id = site.submit(rest)
        eventually(lambda: done(rest, job_id) > 0, within=120, every=0.02)
        rest.call("DELETE", f"/ml/v4/deployment_jobs/{job_id}", expect=204)
        assert rest.ended(job_id, within=120)["state"] == "canceled"
        canceled, before = rest.job_run(rest.job(job_id)), site.scored()
        assert canceled["kept_rows"]["done"] > 0
        assert "repair goes on from there" in canceled["warning"]
        place = rest.job(job_id)["entity"]["platform_job"]
        path = f"/v2/jobs/{place['job_id']}/runs/{place['run_id']}/repair"
        repaired = rest.call("POST", path, expect=201)["entity"]["job_run"]["runtime_job_id"]
        assert rest.ended(repaired, within=120)["state"] == "completed"
        run = check(rest, repaired)
    assert run["rows"]["resumed"] == canceled["kept_rows"]["done"]
    assert site.scored() - before == ROWS - run["rows"]["resumed"]


def test_a2_a_run_with_too_many_bad_rows_fails_and_its_repair_allows_them(site: Site) -> None:
    bad = frozenset({50_000, 50_010})
    with running(site.data, lease_seconds="1", sandbox="off") as server, Rest(server) as rest:
        rest.enter_new_space()
        job_id = site.submit(rest, bad=bad, error_threshold=1)
        code, message = cause(rest.ended(job_id, within=120))
        assert (code, "rows are kept: repair goes on from there" in message) == ("row_failed", True), message
        place = rest.job(job_id)["entity"]["platform_job"]
        path = f"/v2/jobs/{place['job_id']}/runs/{place['run_id']}/repair"
        wanted = {"job_run": {"configuration": {"error_threshold": "1 %"}}}
        repaired = rest.call("POST", path, expect=201, json=wanted)["entity"]["job_run"]["runtime_job_id"]
        status = rest.ended(repaired, within=120)
        run = rest.job_run(rest.job(repaired))
    assert status["rows"] == {"read": ROWS, "scored": ROWS - 2, "rejected": 2, "not_attempted": 0}
    assert run["state"] == "CompletedWithWarnings"
    assert "2 of 60,000 rows were rejected" in run["warning"]
    assert "row 50001" in run["warning"]


def test_a_preview_scores_the_first_rows_and_judges_the_whole(site: Site) -> None:
    with running(site.data, lease_seconds="1", sandbox="off") as server, Rest(server) as rest:
        rest.enter_new_space()
        whole = rest.job(site.submit(rest))
        deployment, scoring = whole["entity"]["deployment"]["id"], whole["entity"]["scoring"]
        rest.call("DELETE", f"/ml/v4/deployment_jobs/{whole['metadata']['id']}", expect=204)
        wanted = {"input_data_references": scoring["input_data_references"], "output_data_reference": output("no.csv")}
        body = {"space_id": rest.space_id, "scoring": wanted, "row_limit": 3}
        made = rest.call("POST", f"/ml/v4/deployments/{deployment}/preview", expect=202, json=body)
        job_id = made["metadata"]["id"]
        assert rest.ended(job_id, within=120)["state"] == "completed"
        found = rest.job(job_id)["entity"]["scoring"]
        assert rest.data_assets_named("no.csv") == []
    assert found["predictions"] == [{"fields": ["prediction"], "values": [[0.0], [2.0], [4.0]]}]
    assert found["status"]["rows"] == {"read": 3, "scored": 3, "rejected": 0, "not_attempted": 0}
    assert abs(found["preview"]["estimate"]["rows"] - ROWS) < ROWS / 20
    assert found["preview"]["estimate"]["seconds"] > found["preview"]["seconds"]
