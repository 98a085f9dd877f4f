"""A server that is killed while a run is claimed, its environment built, its code loaded, run, or its output kept."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
from tests.acceptance.code_jobs import asset, ended, job, log, look, started
from tests.acceptance.rest import Json, Rest, output
from tests.acceptance.server import Server, are_gone, running, start
from tests.acceptance.test_kinds import TREE, notebook, zipped
from tests.acceptance.work import FINAL_EVENTS, module
from tests.make import eventually
from tests.make_packages import make_slow_project
from tests.r import needs_r

LEASE = "1"
SLOW_LOAD = """
import time

class Model:
    def __getstate__(self):
        return "anything"

    def __setstate__(self, state):
        print("loading")
        time.sleep(2)

    def predict(self, rows):
        return [0 for _ in range(len(rows))]
"""
R_TREE = """
system("sleep 300 &")
cat("all are there\\n")
Sys.sleep(300)
"""
LARGE_OUTPUT = """
import os
with open(os.environ["BATCH_OUTPUT_DIR"] + "/large", "wb") as file:
    for _ in range(150):
        file.write(os.urandom(2**20))
"""
FLOW = """{
 "doc_type": "pipeline", "version": "3.0", "primary_pipeline": "p",
 "pipelines": [{"id": "p", "nodes": [
  {"id": "a", "type": "execution_node", "op": "execute-python-node",
   "app_data": {"component_parameters": {"filename": "tree.py"}, "ui_data": {"label": "a"}}},
  {"id": "b", "type": "execution_node", "op": "execute-python-node",
   "app_data": {"component_parameters": {"filename": "tree.py"}, "ui_data": {"label": "b"}}}
 ]}]
}"""


def _script(rest: Rest) -> Json:
    script, _ = asset(rest, "script", "s.py", TREE.encode())
    return started(rest, job(rest, script))


def _r_script(rest: Rest) -> Json:
    needs_r()
    script, _ = asset(rest, "script", "s.R", R_TREE.encode(), language={"name": "R"})
    return started(rest, job(rest, script))


def _notebook(rest: Rest) -> Json:
    book, _ = asset(rest, "notebook", "n.ipynb", notebook("print('one')", TREE))
    return started(rest, job(rest, book))


def _package(rest: Rest) -> Json:
    package, _ = asset(rest, "code_package", "p.zip", zipped({"main.py": "import tree", "tree.py": TREE}))
    return started(rest, job(rest, package), entrypoint="main.py")


def _flow(rest: Rest) -> Json:
    flow, _ = asset(rest, "flow", "f.zip", zipped({"f.pipeline": FLOW, "tree.py": TREE}))
    return started(rest, job(rest, flow))


WORKING = {
    "python script": _script,
    "R script": _r_script,
    "notebook": _notebook,
    "code package": _package,
    "flow": _flow,
}
_SAMPLE = [("R script", "auto"), ("flow", "auto"), ("notebook", "off")]
_SWEEP = [("python script", "auto"), ("notebook", "auto"), ("code package", "auto"), ("R script", "off")]


# Without a box, what is not in the child's own group must be found some other way.
@pytest.mark.parametrize(
    ("kind", "sandbox"),
    [*_SAMPLE, *(pytest.param(*each, marks=pytest.mark.sweep) for each in _SWEEP)],
)
def test_d1_a_kill_while_code_runs_ends_its_tree_and_the_run_says_so(tmp_path: Path, kind: str, sandbox: str) -> None:
    server = start(tmp_path / "data", lease_seconds=LEASE, sandbox=sandbox)
    with Rest(server) as rest:
        rest.enter_new_space()
        run = WORKING[kind](rest)
        eventually(lambda: any("all are there" in line for line in log(rest, run)), within=60, every=0.05)
        _kill(server)
    settings = {"lease_seconds": LEASE, "sandbox": sandbox}
    with running(tmp_path / "data", **settings) as second, Rest(second, space_id=rest.space_id) as again:
        found = ended(again, run, within=60)
        assert (found["state"], found["failure"]["code"]) == ("Failed", "worker_lost")
        _once(again, run)
        # What was said up to the kill is kept with the run.
        eventually(lambda: not list((tmp_path / "data/runs").iterdir()), within=30)
        assert any("all are there" in line for line in log(again, run))


def test_d1_a_kill_when_a_run_is_claimed_loses_and_doubles_nothing(tmp_path: Path) -> None:
    server = start(tmp_path / "data", lease_seconds=LEASE)
    with Rest(server) as rest:
        rest.enter_new_space()
        script, _ = asset(rest, "script", "s.py", b"print('here')")
        run = started(rest, job(rest, script))
        eventually(lambda: list((tmp_path / "data/runs").glob(f"{run['asset_id']}.*")), within=30, every=0.0005)
        _kill(server)
    found, history = _afterwards(tmp_path, rest, run)
    # Code that had not begun is begun by the next server, code that had is not repeated.
    begun = any(row["event"] == "started" and row["fence"] == 1 for row in history)
    assert found["state"] in ({"Failed", "Completed"} if begun else {"Completed"}), history


def test_d1_a_kill_while_an_environment_is_built_ends_the_build_and_the_next_server_builds(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    package = make_slow_project(tmp_path, "slow", begun=begun)
    server = start(tmp_path / "data", lease_seconds=LEASE)
    with Rest(server) as rest:
        rest.enter_new_space()
        software = rest.specification(package)
        script, _ = asset(rest, "script", "s.py", b"import slow\nprint(slow.version)", software_spec={"id": software})
        run = started(rest, job(rest, script))
        eventually(begun.exists, within=60, every=0.05)
        assert look(rest, run)["state"] == "Starting"
        _kill(server)
    # The libraries that ship are installed and compiled too.
    found, history = _afterwards(tmp_path, rest, run, within=300)
    assert found["state"] == "Completed", found
    assert found["packages"]["slow"] == "1.0"
    assert [row["event"] for row in history] == ["claimed", "returned", "claimed", "started", "succeeded"]


def test_d1_a_kill_while_a_model_is_loaded_scores_it_later(tmp_path: Path) -> None:
    server = start(tmp_path / "data", lease_seconds=LEASE)
    with Rest(server) as rest:
        rest.enter_new_space()
        with module("slow_load", SLOW_LOAD) as made:
            model = rest.model(made.Model(), modules={"slow_load": SLOW_LOAD})
        submitted = rest.submit(rest.deployment(model), {"input_data": [{"values": [[1]]}]})
        run = _run_of(rest, submitted)
        eventually(lambda: "loading" in log(rest, run), within=30, every=0.02)
        _kill(server)
    found, history = _afterwards(tmp_path, rest, run)
    assert found["state"] == "Completed", found
    assert [row["event"] for row in history].count("claimed") == 2


def test_d1_a_kill_while_output_is_kept_publishes_it_once_or_not_at_all(tmp_path: Path) -> None:
    server = start(tmp_path / "data", lease_seconds=LEASE)
    with Rest(server) as rest:
        rest.enter_new_space()
        script, _ = asset(rest, "script", "s.py", LARGE_OUTPUT.encode())
        run = started(rest, job(rest, script, scoring={"output_data_reference": output("large.zip")}))
        place = tmp_path / "data/runs" / f"{run['asset_id']}.1"
        eventually((place / "result.json").exists, within=60, every=0.001)
        _kill(server)
    with running(tmp_path / "data", lease_seconds=LEASE) as second, Rest(second, space_id=rest.space_id) as again:
        found = ended(again, run, within=60)
        assets = again.data_assets_named("large.zip")
        assert len(assets) == (1 if found["state"] == "Completed" else 0)
        assert found["state"] == "Completed" or found["failure"]["code"] == "worker_lost"
        _once(again, run)


def _run_of(rest: Rest, submitted: Json) -> Json:
    place = submitted["entity"]["platform_job"]
    return rest.call("GET", f"/v2/jobs/{place['job_id']}/runs/{place['run_id']}", expect=200)


def _kill(server: Server) -> None:
    """Kill the server, and wait until nothing of it is left: of its processes, and of any that use its data."""
    left = server.descendants()
    server.kill()
    are_gone(left)
    eventually(lambda: not _users_of(server.data_dir), within=15)


def _users_of(data_dir: Path) -> list[str]:
    return [name for one in psutil.process_iter() if (name := _name_of_user(one, str(data_dir)))]


def _name_of_user(process: psutil.Process, data_dir: str) -> str:
    try:
        words = [process.cwd(), *process.cmdline()]
        return process.name() if any(data_dir in word for word in words) else ""
    except psutil.Error:
        return ""


def _afterwards(tmp_path: Path, rest: Rest, run: Json, *, within: float = 60) -> tuple[Json, list[Json]]:
    """Start a server again; return how the run ended there, and its history, which has one ending."""
    with running(tmp_path / "data", lease_seconds=LEASE) as second, Rest(second, space_id=rest.space_id) as again:
        found = ended(again, run, within=within)
        return found, _once(again, run)


def _once(rest: Rest, run: Json) -> list[Json]:
    path = f"/v2/jobs/{run['entity']['job_run']['job_ref']}/runs/{run['asset_id']}/history"
    history: list[Json] = rest.call("GET", path, expect=200)["results"]
    assert [row for row in history if row["event"] in FINAL_EVENTS] == history[-1:], history
    return history
