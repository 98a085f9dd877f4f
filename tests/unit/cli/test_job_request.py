from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from gristmill.cli import job_request

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
    section = job_request.scoring([], ["1", "2"], "out.csv", [])
    assert [each["location"] for each in section["input_data_references"]] == [
        {"href": "/v2/assets/1"},
        {"href": "/v2/assets/2"},
    ]
    assert section["output_data_reference"]["location"] == {"name": "out.csv"}
    with pytest.raises(typer.BadParameter):
        job_request.scoring([TABLE], [], "out.csv", [])
    # A script may need no input at all.
    assert job_request.scoring([], [], None, []) == {"input_data_references": []}


@pytest.mark.parametrize("given", ["NAME", "=value"])
def test_a_variable_has_a_name_and_a_value(given: str) -> None:
    with pytest.raises(typer.BadParameter, match="NAME=VALUE"):
        job_request.variables([given])
