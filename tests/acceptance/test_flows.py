"""Flows over REST: from a zip with a document to runs that fail, are repaired and leave their results."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from sklearn.linear_model import LinearRegression
from tests.acceptance.code_jobs import asset, ended, job, log, look, results, started
from tests.acceptance.rest import Json, Rest, output, refusal
from tests.acceptance.server import API_KEY, Server, are_gone, environment
from tests.acceptance.test_kinds import files, notebook, zipped
from tests.make import eventually
from tests.unit.flow.documents import code_node, document, own_node

LOAD = """
import os, uuid
open("raw.csv", "w").write("x\\n1\\n2\\n")
print("loaded", uuid.uuid4())
"""
CHECK = """
import os, sys
print("rows", len(open(os.environ["BATCH_INPUT_DIR"] + "/raw.csv").read().split()) - 1)
if os.environ.get("MODE") != "good":
    sys.exit("the mode is not good")
open(os.environ["BATCH_OUTPUT_DIR"] + "/checked.txt", "w").write("ok")
"""
LAST = """
import os
names = sorted(os.listdir(os.environ["BATCH_INPUT_DIR"]))
open(os.environ["BATCH_OUTPUT_DIR"] + "/report.txt", "w").write(" ".join(names))
print("report", names)
"""


def cli(settings: dict[str, str], *arguments: str) -> str:
    """Run a command that succeeds; return what it prints."""
    command = [sys.executable, "-m", "gristmill", *arguments]
    done = subprocess.run(command, env=environment(settings), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def nodes(run: Json) -> dict[str, str]:
    """Return the states of a run's nodes."""
    return {node["id"]: node["state"] for node in run["nodes"]}


def model(rest: Rest) -> str:
    """Store a model that doubles x; return its id."""
    return rest.model(LinearRegression().fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0]), fields=[("x", "double")])


def flow(rest: Rest, *made: Json, code: dict[str, str] | None = None, **more: Any) -> tuple[str, Json]:
    """Store a flow; return its id and what the upload answered."""
    content = zipped({"sample.pipeline": json.dumps(document(*made)), **(code or {})})
    return asset(rest, "flow", "flow.zip", content, **more)


def test_a_flow_fails_is_repaired_and_keeps_what_was_done(rest: Rest) -> None:
    score = own_node("score", "gristmill-model-scoring", after=["load"], model=model(rest))
    sql = own_node("sum", "gristmill-sql", after=["score"], query="SELECT sum(prediction) AS total FROM predictions")
    made = (
        code_node("load", outputs=["raw.csv"]),
        code_node("check", after=["load"], env_vars=[{"env_var": "MODE", "value": "bad"}]),
        score,
        sql,
        code_node("last", after=["check", "sum"]),
    )
    flow_id, _ = flow(rest, *made, code={"load.py": LOAD, "check.py": CHECK, "last.py": LAST})
    job_id = job(rest, flow_id, scoring={"output_data_reference": output("flow-out.zip")})
    run = started(rest, job_id)
    first = ended(rest, run)
    assert first["state"] == "Failed", log(rest, run)
    assert nodes(first) == {
        "load": "completed",
        "check": "failed",
        "score": "completed",
        "sum": "completed",
        "last": "skipped",
    }
    assert first["failure"]["code"] == "node_failed"
    assert (
        "Node 'check node' (check) failed (user_code_failed): the script exited: the mode"
        in first["failure"]["message"]
    )
    (bad,) = (node for node in first["nodes"] if node["id"] == "check")
    assert bad["cause"] == {"code": "user_code_failed", "message": "the script exited: the mode is not good"}
    assert bad["started_at"] <= bad["finished_at"]
    assert first["rows"] == {"done": 5, "total": 5, "unit": "nodes"}
    place = f"/v2/jobs/{job_id}/runs/{run['asset_id']}"
    said = rest.http.get(f"{place}/nodes/check/log").text.splitlines()
    assert said[0] == "rows 2"
    assert said[-1] == "user_code_failed: the script exited: the mode is not good"
    assert rest.http.get(f"{place}/nodes/gone/log").status_code == 404
    left = results(rest, run)
    assert files(left["load node-outputs.zip"].content) == {"raw.csv": b"x\n1\n2\n"}

    assert refusal(
        rest.call("POST", f"{place}/repair", expect=400, json={"job_run": {"configuration": {"env_id": "x"}}})
    )
    body = {"job_run": {"configuration": {"env_variables": ["MODE=good"]}}}
    again = rest.call("POST", f"{place}/repair", expect=201, json=body)
    assert again["entity"]["job_run"]["repair_of"] == run["asset_id"]
    repaired = ended(rest, again)
    assert repaired["state"] == "Completed", log(rest, again)
    assert repaired["repair_of"] == run["asset_id"]
    assert set(nodes(repaired).values()) == {"completed"}
    assert {node["id"] for node in repaired["nodes"] if node.get("kept")} == {"load", "score", "sum"}
    assert {line.split("]")[0] for line in log(rest, again)} == {"[check node", "[last node"}
    # What was kept is the new run's too: the old one may go.
    rest.call("DELETE", place, expect=204)
    left = results(rest, again)
    assert files(left["last node-outputs.zip"].content) == {"report.txt": b"checked.txt result.csv"}
    assert files(left["load node-outputs.zip"].content) == {"raw.csv": b"x\n1\n2\n"}
    assert files(left["sum node-outputs.zip"].content)["result.csv"].splitlines()[0] == b"total"
    (out, *_) = rest.data_assets_named("flow-out.zip")
    newest = max(rest.data_assets_named("flow-out.zip"), key=lambda found: found["metadata"]["created_at"])
    assert files(rest.content(newest["metadata"]["asset_id"])) == {"last node/report.txt": b"checked.txt result.csv"}, (
        out
    )
    error = rest.call("POST", f"/v2/jobs/{job_id}/runs/{again['asset_id']}/repair", expect=409)
    assert refusal(error)[0] == "run_completed"


def test_notebooks_scripts_and_data_assets_of_the_space_are_nodes_too(rest: Rest) -> None:
    """A document by itself: what its nodes run and read is in the space."""
    asset(
        rest, "script", "make.py", b"import os; open(os.environ['BATCH_OUTPUT_DIR'] + '/a.csv', 'w').write('x\\n5\\n')"
    )
    book, _ = asset(
        rest, "notebook", "book", notebook("import os\nprint(sorted(os.listdir(os.environ['BATCH_INPUT_DIR'])))")
    )
    rest.data_asset("flow orders.csv", b"x,y\n5,6\n")
    made = document(
        code_node("make"),
        own_node(
            "join",
            "gristmill-sql",
            after=["make"],
            query='SELECT * FROM a JOIN "flow orders" USING (x)',
            data_assets=["flow orders.csv"],
            output="joined.jsonl",
        ),
        code_node("book", after=["join"], ending="ipynb", asset=book),
    )
    flow_id, _ = asset(rest, "orchestration_flow", "flow.json", json.dumps(made).encode())
    run = started(rest, job(rest, flow_id))
    assert ended(rest, run)["state"] == "Completed", log(rest, run)
    assert any("['joined.jsonl']" in line for line in log(rest, run) if line.startswith("[book node] "))
    left = results(rest, run)
    assert json.loads(files(left["join node-outputs.zip"].content)["joined.jsonl"]) == {"x": 5, "y": 6}
    assert "book node-book.ipynb" in left or any(name.endswith(".ipynb") for name in left), left


def test_states_are_live_and_a_cancel_ends_all(server: Server, rest: Rest) -> None:
    sleeps = "import subprocess\nprint('asleep', flush=True)\nsubprocess.run(['sleep', '300'])"
    made = (code_node("one"), code_node("two"), code_node("three", after=["one"]))
    flow_id, _ = flow(rest, *made, code={"one.py": sleeps, "two.py": sleeps, "three.py": ""})
    job_id = job(rest, flow_id)
    run = started(rest, job_id)
    eventually(lambda: sum("asleep" in line for line in log(rest, run)) == 2, within=60, every=0.1)
    assert nodes(look(rest, run)) == {"one": "running", "two": "running", "three": "waiting"}
    place = f"/v2/jobs/{job_id}/runs/{run['asset_id']}"
    assert rest.http.get(f"{place}/nodes/one/log").text == "asleep\n"
    own = [process for process in server.descendants() if run["asset_id"] in process.cwd()]
    begun = time.monotonic()
    rest.call("POST", f"{place}/cancel", expect=204)
    found = ended(rest, run, within=30)
    assert time.monotonic() - begun < 15
    assert found["state"] == "Canceled"
    assert set(nodes(found).values()) == {"canceled"}
    are_gone(own)


def test_a_time_limit_ends_all_and_what_was_done_is_kept(server: Server, rest: Rest) -> None:
    """Both nodes that sleep would go on for minutes, in process groups of their own."""
    deaf = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\ntime.sleep(300)"
    )
    made = (code_node("quick"), code_node("deaf", after=["quick"]), code_node("last", after=["deaf"]))
    code = {"quick.py": "open('q.txt', 'w').write('q')", "deaf.py": deaf, "last.py": ""}
    made[0]["app_data"]["component_parameters"]["outputs"] = ["q.txt"]
    flow_id, _ = flow(rest, *made, code=code)
    run = started(rest, job(rest, flow_id, timeout_seconds=3))
    eventually(lambda: any("deaf" in line for line in log(rest, run)), within=60, every=0.1)
    own = [process for process in server.descendants() if run["asset_id"] in process.cwd()]
    found = ended(rest, run, within=40)
    assert found["failure"]["code"] == "timed_out"
    assert nodes(found) == {"quick": "completed", "deaf": "canceled", "last": "canceled"}
    assert files(results(rest, run)["quick node-outputs.zip"].content) == {"q.txt": b"q"}
    are_gone(own)


def test_a_run_is_repaired_on_the_command_line(server: Server, rest: Rest) -> None:
    flow_id, _ = flow(rest, code_node("check"), code={"check.py": "import os; print('as', os.environ['WHO'])"})
    run = started(rest, job(rest, flow_id))
    assert ended(rest, run)["state"] == "Failed"
    login = {"GRISTMILL_URL": server.url, "GRISTMILL_API_KEY": API_KEY, "GRISTMILL_CA": str(server.ca)}
    settings = {**login, "GRISTMILL_SPACE": rest.space_id}
    assert "check node failed" in cli(settings, "run", "show", run["asset_id"])
    assert cli(settings, "run", "repair", run["asset_id"], "--env", "WHO=me", "--follow") == "[check node] as me\n"


def test_what_cannot_run_is_refused_when_it_comes(rest: Rest) -> None:
    bad = [
        (
            document(own_node("a", "execute-cobol-node")),
            "Node 'a node' (a): its type 'execute-cobol-node' is not known",
        ),
        (document(code_node("a", after=["b"]), code_node("b", after=["a"])), "it waits for itself"),
        (document(code_node("a", after=["gone"])), "it is linked to 'gone'"),
    ]
    for made, words in bad:
        _, answer = asset(rest, "flow", "flow.json", json.dumps(made).encode(), expect=400)
        assert refusal(answer)[0] == "invalid_flow"
        assert words in refusal(answer)[1]


@pytest.mark.parametrize(
    ("node", "words"),
    [
        (code_node("gone"), "Node 'gone node' (gone): filename: 'gone.py' is not in the flow, and no script"),
        (code_node("a", asset="no such"), "asset: the space has no script 'no such'"),
        (
            own_node("s", "gristmill-model-scoring", model="none", data_assets=["x"]),
            "model: the space has no model 'none'",
        ),
        (own_node("s", "gristmill-model-scoring", deployment="none", data_assets=["x"]), "no deployment 'none'"),
        (own_node("q", "gristmill-sql", query="SELECT 1", data_assets=["none"]), "the space has no data asset 'none'"),
    ],
)
def test_what_refers_to_nothing_is_refused_when_it_is_complete(rest: Rest, node: Json, words: str) -> None:
    body = {"metadata": {"name": "flow", "asset_type": "flow"}, "entity": {}}
    asset_id = rest.call("POST", "/v2/assets", expect=201, json=body)["metadata"]["asset_id"]
    place = f"/v2/assets/{asset_id}/attachments"
    attachment = rest.call("POST", place, expect=201, json={"asset_type": "flow", "name": "flow.zip"})
    content = zipped({"sample.pipeline": json.dumps(document(node)), "other.py": ""})
    rest.http.put(attachment["url1"], files={"file": ("flow.zip", content, "file")}).raise_for_status()
    answer = rest.call("POST", f"{place}/{attachment['attachment_id']}/complete", expect=400)
    assert refusal(answer)[0] == "invalid_flow"
    assert words in refusal(answer)[1]
    # Nothing counts yet, so there is nothing to run.
    run = {"job": {"name": "job", "asset_ref": asset_id, "configuration": {}}}
    job_id = rest.call("POST", "/v2/jobs", expect=201, json=run)["asset_id"]
    assert (
        rest.call("POST", f"/v2/jobs/{job_id}/runs", expect=409, json={})["errors"][0]["code"]
        == "asset_without_content"
    )
