"""Flows: order, side by side, what nodes hand on, failures and what they take with them, and the end of all."""

from __future__ import annotations

import signal
import venv
import zipfile
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from tests.make import eventually
from tests.r import needs_r
from tests.unit.runner.directories import doubling_regressor, stored
from tests.unit.runner.flows import flow, node, states, told
from tests.unit.runner.processes import ran, stopped

WRITES = """
import os
open(os.environ["BATCH_OUTPUT_DIR"] + "/{name}", "w").write("{text}")
"""
READS = """
import os
place = os.environ["BATCH_INPUT_DIR"]
for name in sorted(os.listdir(place)):
    print(name, open(os.path.join(place, name)).read())
"""
COPIES = """
import os, shutil
shutil.copytree(os.environ["BATCH_INPUT_DIR"], os.environ["BATCH_OUTPUT_DIR"], dirs_exist_ok=True)
"""
# Each waits for the other, so that both end only if they work side by side.
MEETS = """
import os, pathlib, sys, time
place = pathlib.Path(os.environ["MEETING"])
(place / "{mine}").touch()
deadline = time.monotonic() + 20
while not (place / "{other}").exists():
    if time.monotonic() > deadline:
        sys.exit("nobody came")
    time.sleep(0.01)
"""


def test_a_node_begins_when_what_it_needs_is_there_and_finds_it(tmp_path: Path) -> None:
    directory = flow(
        tmp_path,
        node("first", WRITES.format(name="a.txt", text="from first")),
        node("second", WRITES.format(name="a.txt", text="from second")),
        node("last", READS, needs=["first", "second"]),
    )
    code, result, log = ran(directory)
    assert code == 0, log
    assert log == "[last] a.txt from first\n[last] second-a.txt from second\n"
    assert [line["state"] for line in told(directory) if line["node"] == "LAST"] == ["running", "completed"]
    assert result["outputs"] == []
    assert zipfile.ZipFile(directory.path / "nodes/0/results/outputs.zip").read("a.txt") == b"from first"


def test_nodes_that_wait_for_the_same_one_work_side_by_side(tmp_path: Path) -> None:
    """A diamond: without overlap its two middle nodes fail."""
    directory = flow(
        tmp_path,
        node("top", "print('top')"),
        node("left", MEETS.format(mine="l", other="r"), needs=["top"]),
        node("right", MEETS.format(mine="r", other="l"), needs=["top"]),
        node("bottom", "print('bottom')", needs=["left", "right"]),
        environment_variables={"MEETING": str(tmp_path)},
    )
    code, _, log = ran(directory)
    assert code == 0, log
    at = {(line["node"], line["state"]): line["at"] for line in told(directory)}
    assert max(at["LEFT", "running"], at["RIGHT", "running"]) < min(at["LEFT", "completed"], at["RIGHT", "completed"])
    assert at["BOTTOM", "running"] >= max(at["LEFT", "completed"], at["RIGHT", "completed"])


def test_no_more_work_at_once_than_there_are_processors(tmp_path: Path) -> None:
    directory = flow(tmp_path, *(node(tag, "print('hi')") for tag in "abcd"), at_once=1)
    code, _, log = ran(directory)
    assert code == 0, log
    begun = [(line["node"], line["state"]) for line in told(directory)]
    assert begun == [(tag, state) for tag in "ABCD" for state in ("running", "completed")]


def test_a_failing_node_takes_those_behind_it_along_and_no_others(tmp_path: Path) -> None:
    directory = flow(
        tmp_path,
        node("bad", "raise ValueError('as you wish')"),
        node("good", "print('fine')"),
        node("after", "print('never')", needs=["bad"]),
        node("far", "print('never')", needs=["after", "good"]),
    )
    code, result, log = ran(directory)
    assert code == 1
    assert states(directory) == {"bad": "failed", "good": "completed", "after": "skipped", "far": "skipped"}
    assert result["cause"]["code"] == "node_failed"
    assert "Node 'bad' (BAD) failed (user_code_failed): ValueError: as you wish" in result["cause"]["message"]
    assert "2 after it were skipped" in result["cause"]["message"]
    assert "[good] fine\n" in log
    assert "[bad] ValueError: as you wish" in log


def test_a_node_that_is_killed_is_named_with_its_signal(tmp_path: Path) -> None:
    directory = flow(tmp_path, node("bad", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"))
    _, result, log = ran(directory)
    assert "(killed)" in result["cause"]["message"]
    assert "[bad] killed: its process died of signal SIGKILL" in log


def test_variables_of_the_run_win_over_those_of_a_node(tmp_path: Path) -> None:
    code = "import os; print(os.environ['A'], os.environ['B'])"
    variables = {"A": "node", "B": "node"}
    directory = flow(tmp_path, node("one", code, variables=variables), environment_variables={"B": "run"})
    assert ran(directory)[2] == "[one] node run\n"


def test_code_runs_where_it_lies_and_declared_outputs_are_beside_the_code_behind_it(tmp_path: Path) -> None:
    """As Elyra has it: paths count from the file, imports from the document; nodes in between only pass things on."""
    directory = flow(
        tmp_path,
        node("load", "import lib\nopen('data.csv', 'w').write(lib.WORD)", outputs=["data.csv"], path="steps/load.py"),
        node("pause", "print('pause')", needs=["load"], path="steps/pause.py"),
        node("show", "print(open('data.csv').read(), open('own.txt').read())", needs=["pause"], path="steps/show.py"),
        files={"lib.py": "WORD = 'loaded'", "steps/own.txt": "own"},
    )
    code, _, log = ran(directory)
    assert code == 0, log
    assert "[show] loaded own\n" in log


def test_an_output_that_is_declared_and_not_left_fails_its_node(tmp_path: Path) -> None:
    directory = flow(tmp_path, node("one", "print('hi')", outputs=["gone.csv"]))
    _, result, _ = ran(directory)
    assert "(output_missing): the output 'gone.csv' is declared" in result["cause"]["message"]


def test_what_the_last_nodes_left_is_the_output_that_was_asked_for(tmp_path: Path) -> None:
    directory = flow(
        tmp_path,
        node("first", WRITES.format(name="a", text="a")),
        node("last", WRITES.format(name="b", text="b"), needs=["first"]),
        output={"kind": "file", "path": "all.zip"},
    )
    _, result, _ = ran(directory)
    assert result["outputs"] == ["outputs/all.zip"]
    assert zipfile.ZipFile(directory.path / "outputs/all.zip").namelist() == ["last/b"]


def test_kept_nodes_are_not_run_and_what_they_left_is_there(tmp_path: Path) -> None:
    directory = flow(tmp_path, node("old", "raise SystemExit(1)", kept=True), node("new", READS, needs=["old"]))
    results = directory.path / "nodes/0/results"
    results.mkdir(parents=True)
    with zipfile.ZipFile(results / "outputs.zip", "w") as archive:
        archive.writestr("a.txt", "of old")
    code, _, log = ran(directory)
    assert (code, log) == (0, "[new] a.txt of old\n")
    assert states(directory) == {"new": "completed"}


def test_a_cancel_ends_every_node_and_what_they_started(tmp_path: Path) -> None:
    sleeps = "import subprocess\nprint('asleep', flush=True)\nsubprocess.run(['sleep', '300'])"
    directory = flow(tmp_path, node("a", sleeps), node("b", sleeps), node("c", "print('never')", needs=["a"]))
    there: list[psutil.Process] = []

    def both_sleep() -> bool:
        log = directory.path / "run.log"
        there[:] = [
            process for process in psutil.process_iter(["cwd"]) if str(directory.path) in str(process.info["cwd"])
        ]
        sleeping = [process for process in there if process.name() == "sleep"]
        return log.exists() and log.read_text().count("asleep") == 2 and len(sleeping) == 2

    code, log = stopped(directory, number=signal.SIGTERM, when=both_sleep)
    assert code == 3, log
    assert states(directory) == {"a": "canceled", "b": "canceled", "c": "canceled"}
    eventually(lambda: not any(process.is_running() for process in there), within=10)


def test_scripts_have_the_interpreter_of_the_specification(tmp_path: Path) -> None:
    """One that has none of our packages: the runner comes along, its neighbours do not."""
    venv.create(tmp_path / "other", with_pip=False)
    code = """
import importlib.util, sys
print(sys.prefix, importlib.util.find_spec("gristmill"), importlib.util.find_spec("duckdb"))
"""
    python = str(tmp_path / "other/bin/python")
    sql = node("sql", kind="sql", needs=["one"], settings={"query": "SELECT 1 AS x", "output": "x.csv"})
    status, _, log = ran(flow(tmp_path, node("one", code), sql, python=python))
    assert status == 0, log
    assert log == f"[one] {tmp_path / 'other'} None None\n[sql] 1 rows in x.csv\n"


def test_a_notebook_and_an_r_script_are_nodes_too(tmp_path: Path) -> None:
    needs_r()
    cells = [new_code_cell("import os\nopen(os.environ['BATCH_OUTPUT_DIR'] + '/n.csv', 'w').write('a\\n1\\n')")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python"}}
    r = 'rows <- read.csv(file.path(Sys.getenv("BATCH_INPUT_DIR"), "n.csv"))\ncat("sum", sum(rows$a), "\\n")\n'
    book = nbformat.v4.writes(new_notebook(cells=cells, metadata=kernel))
    directory = flow(
        tmp_path,
        node("book", book, kind="notebook", path="book.ipynb"),
        node("r", r, kind="r_script", path="r.R", needs=["book"]),
    )
    code, _, log = ran(directory)
    assert code == 0, log
    assert "[r] sum 1 \n" in log
    assert (directory.path / "nodes/0/results/book.html").exists()


def test_sql_then_scoring_with_a_real_model(tmp_path: Path) -> None:
    model = stored(doubling_regressor(), tmp_path / "model")
    query = "SELECT customer, sum(amount) AS x FROM orders JOIN customers USING (customer) GROUP BY ALL ORDER BY 1 -- ."
    settings = {"query": query, "output": "sums.parquet"}
    score = {"output": "predictions.csv"}
    directory = flow(
        tmp_path,
        node(
            "customers",
            COPIES,
        ),
        node("orders", WRITES.format(name="orders.csv", text="customer,amount\\nb,1\\na,2\\na,3\\n")),
        node("sums", kind="sql", needs=["orders", "customers"], settings=settings),
        node(
            "score",
            kind="model_scoring",
            needs=["sums"],
            settings=score,
            asset_path=str(model),
            asset_type="scikit-learn_1.3",
            fields=[{"name": "x", "type": "double"}],
        ),
        node("show", READS, needs=["score"]),
    ).with_file("customers.csv", "customer\na\nb\n")
    code, _, log = ran(directory)
    assert code == 0, log
    assert "[sums] 2 rows in sums.parquet\n" in log
    output = (directory.path / "nodes/3/outputs/batch/predictions.csv").read_text().splitlines()
    assert output[0].startswith("customer,x,prediction")
    assert [float(line.split(",")[2]) for line in output[1:]] == pytest.approx([10.0, 2.0])


def test_a_wrong_query_fails_with_the_words_of_the_database(tmp_path: Path) -> None:
    for number, (query, words) in enumerate(
        {"SELECT nothing FROM gone": "gone", "CREATE TABLE t (a INT)": "no SELECT"}.items()
    ):
        settings = {"query": query, "output": "r.csv"}
        _, result, _ = ran(flow(tmp_path / str(number), node("q", kind="sql", settings=settings)))
        assert "(sql_failed)" in result["cause"]["message"]
        assert words in result["cause"]["message"]
