"""Rows on the command line: thresholds, what was rejected, previews, profiles, and repair."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.rest import Rest
from tests.acceptance.server import API_KEY, Server, running
from tests.acceptance.test_cli_jobs import Shell
from tests.acceptance.work import module

# It cannot score negative numbers.
MODEL = """
class Model:
    def predict(self, rows):
        if (rows["a"] < 0).any():
            raise ValueError("a negative number")
        return rows["a"].to_numpy() * 2
"""
ROWS = [*range(1, 900), -1, *range(901, 1_001)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "data") as started:
        yield started


@pytest.fixture(scope="module")
def shell(server: Server, rest: Rest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """An editor of a space with a model that is deployed as ``deployment``, and a file with one bad row."""
    home = tmp_path_factory.mktemp("home")
    inherited = {name: None for name in os.environ if name.startswith("GRISTMILL_")}
    login = {"GRISTMILL_URL": server.url, "GRISTMILL_API_KEY": API_KEY, "GRISTMILL_CA": str(server.ca)}
    with module("doubling", MODEL) as doubling:
        rest.deployment(rest.model(doubling.Model(), modules={"doubling": MODEL}, fields=[("a", "double")]))
    rest.data_asset("in.csv", b"a\n" + b"".join(b"%d\n" % row for row in ROWS))
    before = Path.cwd()
    os.chdir(home)
    yield Shell({**inherited, **login, "GRISTMILL_SPACE": rest.space_id, "GRISTMILL_CONFIG_DIR": str(home / "none")})
    os.chdir(before)


def test_a_preview_prints_the_sample_and_what_the_whole_would_take(shell: Shell) -> None:
    ended = shell.ran("deployment", "preview", "deployment", "--input", "in.csv", "--rows", "3")
    assert ended.exit_code == 0, ended.output
    assert [line.split() for line in ended.stdout.splitlines()] == [["prediction"], ["2.0"], ["4.0"], ["6.0"]]
    assert "3 rows took" in ended.stderr
    assert "The whole has about 1,000 rows and takes at most about" in ended.stderr


def test_a3_a_bad_row_fails_the_run_by_name(shell: Shell) -> None:
    ended = shell.ran("job", "run", "deployment", "--input", "in.csv", "--output-name", "none.csv")
    assert ended.exit_code == 1
    assert "row 900" in ended.stderr.lower()
    assert "row_failed" in ended.stderr


def test_rows_that_may_be_rejected_are_told_of(shell: Shell, rest: Rest) -> None:
    ended = shell.ran(
        *("job", "run", "deployment", "--input", "in.csv", "--output-name", "good.csv", "--error-threshold", "1 %")
    )
    assert ended.exit_code == 0, ended.output
    assert "1,000 rows: 999 scored, 1 rejected." in ended.stderr
    assert "Warning: 1 of 1,000 rows were rejected (0.1 %); the first: row 900" in ended.stderr
    run = shell.document("run", "list", "--limit", "1")[0]["metadata"]["id"]
    shown = shell.row("run", "show", run)
    assert (shown["REJECTED"], shown["SCORED"]) == ("1", "999")
    profile = shell.ran("run", "profile", run)
    assert "prediction" in profile.stdout
    assert "There is no earlier run of its job to compare with." in profile.stderr
    path = rest.job(run)["entity"]["platform_job"]
    name = f"/v2/jobs/{path['job_id']}/runs/{path['run_id']}/results/rejected_rows.csv"
    lines = rest.http.get(name).raise_for_status().text.splitlines()
    assert lines[0] == "a,rejected_row,rejected_reason"
    assert lines[1].startswith("-1,900,")
    assert len(lines) == 2
    again = shell.ran("run", "rerun-rejected", run, "--error-threshold", "1")
    assert again.exit_code == 0, again.output
    assert "1 row: 0 scored, 1 rejected." in again.stderr
    assert shell.ran("run", "rerun-rejected", run, "--error-threshold", "0").exit_code == 1


def test_a_job_keeps_its_threshold(shell: Shell) -> None:
    made = shell.row(
        *("job", "create", "careful", "--deployment", "deployment", "--input", "in.csv", "--output-name", "kept.csv"),
        *("--error-threshold", "0"),
    )
    assert made["ERROR THRESHOLD"] == "0"
    assert shell.ran("job", "start", "careful").exit_code == 1
    assert shell.ran("job", "start", "careful", "--error-threshold", "1").exit_code == 0
    assert shell.row("job", "edit", "careful", "--error-threshold", "2 %")["ERROR THRESHOLD"] == "2 %"
    refused = shell.ran("job", "edit", "careful", "--error-threshold", "many")
    assert refused.exit_code == 2
    assert "neither a whole number of rows" in refused.output
