"""R scripts: the contract of Python scripts, through Rscript."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.make import eventually
from tests.r import needs_r
from tests.unit.runner.directories import Directory
from tests.unit.runner.processes import ran, stopped

from gristmill_runner.protocol import read_result


def script(tmp_path: Path, source: str, **spec: Any) -> Directory:
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset/abc").write_text(source)
    return Directory(tmp_path / "run", kind="r_script", asset_path=str(tmp_path / "asset"), **spec)


@pytest.fixture(autouse=True)
def _r() -> None:
    needs_r()


def test_an_r_script_has_its_files_and_its_output_is_zipped(tmp_path: Path) -> None:
    source = """
rows <- read.csv(file.path(Sys.getenv("BATCH_INPUT_DIR"), "in.csv"))
write.csv(rows * 2, file.path(Sys.getenv("BATCH_OUTPUT_DIR"), "out.csv"), row.names = FALSE)
payload <- jsonlite::fromJSON(Sys.getenv("JOBS_PAYLOAD_FILE"))
cat("mine", Sys.getenv("MINE"), payload$name, getwd() == Sys.getenv("WORKDIR"), "\\n")
"""
    variables = {"MINE": "yes", "BATCH_OUTPUT_DIR": "/nowhere"}
    directory = script(tmp_path, source, environment_variables=variables, platform_variables={"SPACE_ID": "s"})
    directory.with_file("in.csv", "a\n1\n").to_file("result")
    (directory.path / "payload.json").write_text(json.dumps({"name": "job"}))
    code, result, log = ran(directory)
    assert (code, result["outputs"]) == (0, ["outputs/result"]), log
    assert zipfile.ZipFile(directory.path / "outputs/result").read("out.csv") == b'"a"\n2\n'
    assert log == "mine yes job TRUE \n"


def test_an_error_is_the_cause_and_output_is_kept(tmp_path: Path) -> None:
    source = """
cat("half", file = file.path(Sys.getenv("BATCH_OUTPUT_DIR"), "part"))
f <- function(x) stop("no more")
f(1)
"""
    code, result, log = ran(script(tmp_path, source))
    assert (code, result["cause"]["code"]) == (1, "user_code_failed"), log
    assert result["cause"]["message"] == "Error in f(1) : no more"
    assert "f(1)" in result["cause"]["traceback"]
    assert zipfile.ZipFile(tmp_path / "run/results/outputs.zip").namelist() == ["part"]


def test_exit_codes_count(tmp_path: Path) -> None:
    code, result, _ = ran(script(tmp_path, "quit(status = 5)"))
    assert (code, result["cause"]["message"]) == (1, "the script exited with code 5")


def test_the_versions_of_r_and_of_what_was_loaded_are_told(tmp_path: Path) -> None:
    for code, outcome in (("library(stats4)", "completed"), ("library(stats4); stop('here')", "failed")):
        (tmp_path / outcome).mkdir()
        _, result, log = ran(script(tmp_path / outcome, code))
        assert result["outcome"] == outcome, log
        assert result["packages"]["R"] == result["packages"]["stats4"]


def test_empty_output_is_a_warning(tmp_path: Path) -> None:
    code, result, _ = ran(script(tmp_path, "1 + 1").to_file("result"))
    assert code == 0
    assert result["warning"].startswith("BATCH_OUTPUT_DIR is empty")


def test_without_r_the_run_says_what_to_install(tmp_path: Path) -> None:
    _, result, _ = ran(script(tmp_path, "1", environment_variables={"PATH": "/nowhere"}))
    assert result["cause"]["code"] == "r_missing"
    assert "r-base-core" in result["cause"]["message"]


def test_d11_a_stop_ends_r_and_what_it_started(tmp_path: Path) -> None:
    source = 'system("sleep 300 & echo child $!")\nSys.sleep(300)'
    directory = script(tmp_path, source)
    log = directory.path / "run.log"
    code, said = stopped(directory, when=lambda: log.exists() and "child" in log.read_text())
    result = read_result(directory.path)
    assert (code, result and result["outcome"]) == (3, "canceled")
    pid = int(said.split("child ")[1].split()[0])
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", within=5)
