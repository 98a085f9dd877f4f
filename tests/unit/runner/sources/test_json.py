"""Rows of JSON: a row a line, one document, inline tables; rows that are none are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.runner.sources.reading import Place

from gristmill_runner.failure import RunFailed

VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
QUICK = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(st.lists(st.dictionaries(st.sampled_from("abc"), VALUE, min_size=1), max_size=8), st.integers(1, 400))
@QUICK
def test_objects_a_line(tmp_path: Path, rows: list[dict[str, Any]], size: int) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    sources = Place(tmp_path).file("in.jsonl", text).read(size)
    came = [
        dict(zip(chunk.names, row, strict=True)) for chunk in sources.chunks for row in zip(*chunk.columns, strict=True)
    ]
    assert [{name: value for name, value in row.items() if value is not None} for row in came] == [
        {name: value for name, value in row.items() if value is not None} for row in rows
    ]


@given(st.lists(st.lists(VALUE, min_size=2, max_size=2), max_size=8), st.integers(1, 400), st.booleans())
@QUICK
def test_document_of_the_wire(tmp_path: Path, rows: list[list[Any]], size: int, indent: bool) -> None:
    document = {"id": 1, "input_data": [{"id": "t", "fields": ["x", "y"], "values": rows}], "more": [{}]}
    text = json.dumps(document, indent=2 if indent else None)
    place = Place(tmp_path).file("in.json", text)
    read = place.read(size)
    assert (read.rows, read.bad) == (rows, [])
    assert read.names == (["x", "y"] if rows else [])
    middle = read.blocks[len(read.blocks) // 2].mark
    assert place.read(size, after=middle).rows == rows[middle:]


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ('[{"a": 1}, {"a": 2}]', ["a"], [[1], [2]]),
        ("[[1, 2], [3, 4]]", ["0", "1"], [[1, 2], [3, 4]]),
        ("[1, 2]", ["0"], [[1], [2]]),
        ('{"fields": ["a"], "values": [[1], [2]]}', ["a"], [[1], [2]]),
        ('{"values": [[1], [2]],\n "fields": ["a"]}', ["a"], [[1], [2]]),
        ('{"values": [[1], [2]],\n "fields": null, "id": "t", "fields": ["a"]}', ["a"], [[1], [2]]),
        ('{"values": [{"a": 1}, {"a": 2}],\n "more": {"fields": ["b"]}}', ["a"], [[1], [2]]),
        ('{"values": [[1], [2]]}', ["0"], [[1], [2]]),
        ('{"scoring": {"input_data": [{"fields": ["a"], "values": [[1]]}]}}', ["a"], [[1]]),
        ('{"a": 1}\n{"a": 2}\n', ["a"], [[1], [2]]),
        ('{"a": 1}', ["a"], [[1]]),
        ("[]", [], []),
    ],
)
def test_forms_of_documents(tmp_path: Path, text: str, names: list[str], rows: list[list[Any]]) -> None:
    read = Place(tmp_path).file("in.json", text).read()
    assert (read.names, read.rows) == (names, rows)


def test_tables_of_other_columns_are_blocks_of_their_own(tmp_path: Path) -> None:
    tables = [{"fields": ["a"], "values": [[1], [2]]}, {"fields": ["b"], "values": [[3]]}]
    read = Place(tmp_path).file("in.json", json.dumps({"input_data": tables})).read()
    assert [(chunk.names, chunk.columns) for chunk in read.chunks] == [(["a"], [[1, 2]]), (["b"], [[3]])]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"input_data": [{"fields": ["a"], "values": [[1], [2}]}', "in.json is not JSON: .* \\(character "),
        ('{"x": [1],\n "y": 2}', "in.json holds no rows: input_data, values or a list is missing"),
        ('{"input_data": [\n{}]}', "input_data of in.json holds no rows"),
        ('{"fields": "a",\n "values": [[1]]}', "fields is not a list of column names"),
        ('{"values": [[1]],\n "fields": "a"}', "fields is not a list of column names"),
        ("nonsense\n", "begins neither with"),
    ],
)
def test_documents_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RunFailed, match=words) as caught:
        Place(tmp_path).file("in.json", text).read()
    assert caught.value.code == "input_unreadable"


def test_a_list_in_a_file_of_lines_is_read_too(tmp_path: Path) -> None:
    assert Place(tmp_path).file("in.jsonl", '[{"a": 1},\n {"a": 2}]').read().rows == [[1], [2]]


@pytest.mark.parametrize("size", [1, 20, 2**20])
def test_a6_lines_that_are_no_rows_are_bad_rows(tmp_path: Path, size: int) -> None:
    lines = [
        b'{"a": 1}',
        b"",
        b"{",
        b"[2]",
        b'{"a": "\xff"}',
        b'{"a": NaN}, {"b": 1}',
        b'{"a": 5}',
        b'{"a": [{}',
        b"{}]}",
    ]
    read = Place(tmp_path).file("in.jsonl", b"\r\n".join(lines)).read(size)
    assert [row[:1] for row in read.rows] == [[1], [5]]
    told = [(row.position, row.reason.split(":")[0]) for row in sorted(read.bad, key=lambda row: row.position)]
    no_object = "is not a JSON object with a member a column"
    assert told == [
        (1, "is not JSON"),
        (2, no_object),
        (3, "is not UTF-8"),
        (4, "is not JSON"),
        (6, "is not JSON"),
        (7, "is not JSON"),
    ]


def test_lines_cannot_make_rows_together(tmp_path: Path) -> None:
    lines = '{"a": [{}\n{}]}\n{"a": 1}, {"a": 2}\n'
    assert [row.position for row in Place(tmp_path).file("in.jsonl", lines).read().bad] == [0, 1, 2]


def test_inline_rows(tmp_path: Path) -> None:
    read = Place(tmp_path).inline('[1, "a"]\n[2]\n[3, null]\n', ["x", "y"]).read(100)
    assert (read.names, read.rows) == (["x", "y"], [[1, "a"], [3, None]])
    assert [(row.position, row.reason, row.text) for row in read.bad] == [
        (1, "has 1 values, where 2 are expected", "[2]")
    ]


def test_inline_rows_without_names(tmp_path: Path) -> None:
    read = Place(tmp_path).inline("[1, 2]\n[3, 4]\n[5]\n").read(2)
    assert (read.names, read.rows, [row.position for row in read.bad]) == (["0", "1"], [[1, 2], [3, 4]], [2])
    assert not read.chunks[0].named


def test_inline_single_values_are_a_column(tmp_path: Path) -> None:
    assert Place(tmp_path).inline("1\n2\n").read().rows == [[1], [2]]


def test_a6_no_inline_rows(tmp_path: Path) -> None:
    assert Place(tmp_path).inline("", ["x"]).read().names == ["x"]
    assert Place(tmp_path / "2").inline("").read().rows == []
