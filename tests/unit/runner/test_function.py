"""Functions: how the scorer is found, what it is given, and which replies are taken."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runner.directories import Directory

from gristmill_runner.failure import RunFailed
from gristmill_runner.run_context import Shelf

ECHO = """
def score(payload):
    first = payload["input_data"][0]
    return {"predictions": [{"fields": ["sum"], "values": [[sum(row)] for row in first["values"]]}]}
"""


def function(tmp_path: Path, source: str) -> Directory:
    (tmp_path / "code.py").write_text(source)
    return Directory(tmp_path / "run", kind="function", asset_path=str(tmp_path / "code.py"))


def replying(tmp_path: Path, reply: str) -> Directory:
    return function(tmp_path, f"def score(payload):\n    return {reply}\n").with_rows([[1]], ["x"])


def test_score_answers(tmp_path: Path) -> None:
    directory = function(tmp_path, ECHO).with_rows([[1, 2], [3, 4]], ["a", "b"])
    result = directory.run()
    assert directory.predictions() == [[3], [7]]
    table = {"path": "outputs/predictions-0.jsonl", "rows": 2, "members": {}, "fields": ["sum"]}
    assert result["predictions"] == [table]


def test_function_around_score_as_the_client_writes_it(tmp_path: Path) -> None:
    source = """
def deployable(factor=3):
    def score(payload):
        return {"predictions": [{"values": [[factor * row[0]] for row in payload["input_data"][0]["values"]]}]}
    return score

score = deployable()
"""
    directory = function(tmp_path, source).with_rows([[2]], ["x"])
    directory.run()
    assert directory.predictions() == [[6]]


def test_function_around_score_without_the_call(tmp_path: Path) -> None:
    source = """
from os.path import join

def unrelated():
    raise AssertionError("never called")

def deployable(words={"a": 1}, number=4):
    import math
    def score(payload):
        return {"predictions": [{"values": [math.sqrt(number), words]}]}
    return score
"""
    directory = function(tmp_path, source).with_rows([[2]], ["x"])
    directory.run()
    assert directory.predictions() == [2.0, {"a": 1}]


def test_gzip_and_directory_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "asset").mkdir()
    (tmp_path / "asset/content").write_bytes(gzip.compress(ECHO.encode()))
    directory = Directory(tmp_path / "run", kind="function", asset_path=str(tmp_path / "asset"))
    directory.with_rows([[1, 1]], ["a", "b"]).run()
    assert directory.predictions() == [[2]]


def test_elements_keep_their_members_both_ways(tmp_path: Path) -> None:
    source = """
def score(payload):
    given = payload["input_data"]
    return {"predictions": [{"id": e["id"], "n": len(e["values"]), "values": e["values"]} for e in given]}
"""
    directory = function(tmp_path, source).with_rows([[1]], ["a"], id="one").with_rows([["x"], [None]], id="two")
    result = directory.run()
    assert [table["members"] for table in result["predictions"]] == [{"id": "one", "n": 1}, {"id": "two", "n": 2}]
    assert "fields" not in result["predictions"][1]
    assert directory.predictions(1) == [["x"], [None]]


def test_file_comes_as_one_element_with_typed_values(tmp_path: Path) -> None:
    directory = function(tmp_path, 'def score(p):\n    return {"predictions": p["input_data"]}\n')
    directory.with_file("in.csv", "a,b,c\n1,x,0.5\n2,,\n").run()
    assert directory.predictions() == [[1, "x", 0.5], [2, None, None]]


def test_reply_goes_to_a_file(tmp_path: Path) -> None:
    directory = function(tmp_path, ECHO).with_rows([[1, 2], [3, 4]], ["a", "b"]).to_file("out.csv")
    directory.run()
    assert directory.output("out.csv") == "sum\n3\n7\n"


def test_numbers_of_numpy_and_missing_values_become_plain(tmp_path: Path) -> None:
    source = """
import numpy, datetime
def score(payload):
    row = [numpy.float32(0.5), numpy.int64(3), float("nan"), float("inf"), numpy.array([1, 2])]
    return {"predictions": [{"values": [row, (datetime.date(2026, 3, 29),)]}]}
"""
    directory = function(tmp_path, source).with_rows([[1]], ["x"])
    directory.run()
    assert directory.predictions() == [[0.5, 3, None, None, [1, 2]], ["2026-03-29"]]


@pytest.mark.parametrize(
    ("reply", "came"),
    [
        ("None", "it returned a NoneType"),
        ("[1, 2]", "it returned a list: [1, 2]"),
        ("5", "it returned an int: 5"),
        ('{"values": []}', "it returned a dict"),
        ('{"predictions": {"values": []}}', '"predictions" are a dict'),
        ('{"predictions": [[1]]}', 'element 0 of "predictions" is a list'),
        ('{"predictions": [{"fields": ["a"]}]}', 'element 0 of "predictions" is a dict'),
        ('{"predictions": [{"fields": "a", "values": []}]}', '"fields" of element 0 are a str'),
        ('{"predictions": [{"values": [object()]}]}', "type object cannot be written as JSON"),
    ],
)
def test_reply_of_another_shape_fails_and_says_what_came(tmp_path: Path, reply: str, came: str) -> None:
    with pytest.raises(RunFailed) as caught:
        replying(tmp_path, reply).run()
    assert caught.value.code == "reply_shape"
    assert came in str(caught.value)


def test_code_without_score_fails(tmp_path: Path) -> None:
    with pytest.raises(RunFailed) as caught:
        function(tmp_path, "def predict(x):\n    return x\n").with_rows([[1]]).run()
    assert caught.value.code == "no_scorer"


def test_outer_function_runs_once_in_a_warm_process(tmp_path: Path) -> None:
    source = """
calls = []
def score(payload):
    calls.append(1)
    return {"predictions": [{"values": [len(calls)]}]}
"""
    shelf = Shelf()
    counts: list[Any] = []
    for number in (1, 2):
        directory = Directory(tmp_path / str(number), kind="function", asset_path=str(tmp_path / "code.py"))
        (tmp_path / "code.py").write_text(source) if number == 1 else None
        directory.with_rows([[1]]).run(shelf)
        counts += directory.predictions()
    assert counts == [1, 2]


def test_payload_is_what_the_client_sent(tmp_path: Path) -> None:
    source = 'import json\ndef score(p):\n    return {"predictions": [{"values": [json.dumps(p, sort_keys=True)]}]}\n'
    directory = function(tmp_path, source).with_rows([[1, None]], ["a", "b"], id="i")
    directory.run()
    sent = {"input_data": [{"id": "i", "fields": ["a", "b"], "values": [[1, None]]}]}
    assert json.loads(directory.predictions()[0]) == sent
