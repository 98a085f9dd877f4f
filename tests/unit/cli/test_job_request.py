from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from gristmill.cli import job_request
from gristmill.cli.job_request import Work

TABLE = {"fields": ["a", "b"], "values": [[1, "x"]]}


def test_rows_of_the_command_line() -> None:
    assert job_request.inline('[[1, "x"]]', "a, b", None) == [TABLE]
    assert job_request.inline("[[1]]", None, None) == [{"values": [[1]]}]
    assert job_request.inline(None, None, None) == []


@pytest.mark.parametrize("document", [TABLE, [TABLE], {"input_data": [TABLE]}])
def test_a_file_may_hold_a_table_several_or_the_wires_own(tmp_path: Path, document: object) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(document))
    assert job_request.inline(None, None, tmp_path / "rows.json") == [TABLE]


@pytest.mark.parametrize(
    ("data", "fields", "message"),
    [("[1, 2]", None, "list of rows"), ("{", None, "not JSON"), (None, "a", "columns of --data"), ("3", None, "rows")],
)
def test_what_is_not_rows_is_refused(data: str | None, fields: str | None, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        job_request.inline(data, fields, None)


@pytest.mark.parametrize("content", ['{"fields": []}', "[1]", "no JSON", '"text"'])
def test_a_file_that_holds_no_table_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.json").write_text(content)
    with pytest.raises(typer.BadParameter):
        job_request.inline(None, None, tmp_path / "rows.json")
    with pytest.raises(typer.BadParameter, match="not both"):
        job_request.inline("[[1]]", None, tmp_path / "rows.json")
    with pytest.raises(typer.BadParameter, match="cannot be read"):
        job_request.inline(None, None, tmp_path / "missing.json")


def test_the_two_ways_of_input() -> None:
    assert job_request.scoring([TABLE], [], None, ["K=V", "EMPTY=", "SIGN=a=b"]) == {
        "input_data": [TABLE],
        "environment_variables": {"K": "V", "EMPTY": "", "SIGN": "a=b"},
    }
    inputs = [job_request.asset(href="/v2/assets/1"), job_request.connected("c", "/public/t")]
    target = job_request.connected("c", "/public/out", job_request.WriteMode.TRUNCATE)
    section = job_request.scoring([], inputs, target, [])
    assert [each["location"] for each in section["input_data_references"]] == [
        {"href": "/v2/assets/1"},
        {"path": "/public/t"},
    ]
    assert section["output_data_reference"]["location"] == {"path": "/public/out", "write_mode": "truncate"}
    # A script may need no input at all.
    assert job_request.scoring([], [], None, []) == {"input_data_references": []}


@pytest.mark.parametrize("given", ["NAME", "=value"])
def test_a_variable_has_a_name_and_a_value(given: str) -> None:
    with pytest.raises(typer.BadParameter, match="NAME=VALUE"):
        job_request.variables([given])


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (Work(data="[[1]]", output_name="o"), "come back as rows"),
        (Work(data="[[1]]", sources=["c:/t"]), "come back as rows"),
        (Work(output_name="o", target="c:/t"), "not both"),
        (Work(write_mode=job_request.WriteMode.APPEND), "goes with --to"),
    ],
)
def test_what_does_not_go_together_is_refused(work: Work, message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        job_request.check(work, [TABLE] if work.data else [])


def test_a_place_behind_a_connection() -> None:
    assert job_request.place("warehouse:/public/a:b", "--from") == ("warehouse", "/public/a:b")
    for given in ("warehouse", "warehouse:", ":/public/t"):
        with pytest.raises(typer.BadParameter, match="CONNECTION:PATH"):
            job_request.place(given, "--from")
