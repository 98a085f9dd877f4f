"""CSV of any dialect: every cell, and every row that is none, whatever the size of the blocks."""

from __future__ import annotations

import csv
import io
import string
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.runner.sources.reading import Kinds, Place, Read

from gristmill_runner.chunk import Chunk
from gristmill_runner.convert import INTEGER, NUMBER, BadValue, to_series
from gristmill_runner.failure import RunFailed
from gristmill_runner.outputs.of_run import file_form
from gristmill_runner.sources.csv_lines import as_it_came

CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8) | st.text(
    "ab,;\t|'\"\n\r ", max_size=6
)
NAME = st.text(string.ascii_letters, min_size=1, max_size=5)
SIZES = st.integers(1, 200)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    width = draw(st.integers(1, 4))
    row = st.lists(CELL, min_size=width, max_size=width)
    return draw(st.lists(NAME, min_size=width, max_size=width)), draw(st.lists(row, max_size=12))


def written(names: list[str], rows: list[list[str]], **dialect: Any) -> str:
    text = io.StringIO()
    csv.writer(text, **dialect).writerows([names, *rows])
    return text.getvalue()


@given(
    tables(),
    st.sampled_from(",;\t|"),
    st.sampled_from("\"'"),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    SIZES,
)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reads_what_python_writes_in_any_dialect(
    tmp_path: Path,
    table: tuple[list[str], list[list[str]]],
    delimiter: str,
    quote: str,
    line_end: str,
    encoding: str,
    size: int,
) -> None:
    names, rows = table
    careful = any(sign in cell for row in rows for cell in row for sign in "\r\n")
    quoting = csv.QUOTE_ALL if careful else csv.QUOTE_MINIMAL
    text = written(names, rows, delimiter=delimiter, quotechar=quote, lineterminator=line_end, quoting=quoting)
    place = Place(tmp_path)
    place.file("in.csv", text.encode(encoding), dialect={"delimiter": delimiter, "quote": quote})
    without: Kinds = {}
    for kinds in (None, without):
        read = place.read(size, kinds=kinds)
        assert (read.names, read.rows, read.bad) == (names, rows, [])


@given(
    st.lists(st.sampled_from([b"a", b",", b'"', b"\n", b"\r", b"\r\n", b"1", b"\xff", "ä".encode()]), max_size=40),
    SIZES,
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_size_of_blocks_makes_no_difference(tmp_path: Path, pieces: list[bytes], size: int) -> None:
    content = "é,ü\n".encode() + b"".join(pieces)
    place = Place(tmp_path).file("in.csv", content, dialect={"encoding": "utf-8"})
    whole, cut, typed = place.read(), place.read(size), place.read(size, kinds={"é": NUMBER, "ü": INTEGER})
    assert (cut.rows, cut.bad, cut.total) == (whole.rows, whole.bad, whole.total)
    assert output_of(typed) == output_of(whole)
    assert [block.mark for block in cut.blocks] == sorted(block.mark for block in cut.blocks)
    middle = cut.blocks[len(cut.blocks) // 2].mark
    assert place.read(size, after=middle).total == whole.total - cut.totals[middle]


def output_of(read: Read) -> list[list[str]]:
    form = file_form({"format": "csv"})
    names = [*read.names, "prediction"]
    text = b"".join(
        form.encode(chunk, {"prediction": np.arange(chunk.rows)}, names=names, kinds={}) for chunk in read.chunks
    )
    return [row[:-1] for row in csv.reader(io.StringIO(text.decode(), newline=""))]


NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.sampled_from(
        ["", "NA", "nan", "NaN", "nAn", "null", "None", " 1", "2 ", " ", "+5", "0x10", "1_0", "1e5", "-inf", "007", "x"]
    ),
)


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.sampled_from([INTEGER, NUMBER]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_are_what_text_becomes(tmp_path: Path, texts: list[str], kind: str) -> None:
    content = "x,y\n" + "".join(f"{text},a\n" for text in texts)
    place = Place(tmp_path).file("in.csv", content)
    slow, quick = place.read().chunks[0], place.read(kinds={"x": kind}).chunks[0]
    assert quick.lines is not None
    assert as_it_came(quick).columns == slow.columns
    assert series_of(quick, kind).equals(series_of(slow, kind))


def series_of(chunk: Chunk, kind: str) -> Any:
    try:
        return to_series(chunk.columns[0], name="x", kind=kind)
    except BadValue as bad:
        return pd.Series([str(bad)])


def test_numbers_come_as_such_until_one_is_none(tmp_path: Path) -> None:
    content = "x,y\n" + "1,1.5\n" * 20 + "1,oops\n" + "2,2.5\n" * 20
    place = Place(tmp_path).file("in.csv", content)
    read = place.read(40, kinds={"x": INTEGER, "y": NUMBER})
    assert {str(chunk.columns[0].type) for chunk in read.chunks} == {"int64"}
    assert [str(chunk.columns[1].type) for chunk in read.chunks] == [
        "string" if "oops" in [row[1] for row in read.rows[:done]] else "double" for done in read.totals.values()
    ]


@pytest.mark.parametrize(
    ("content", "names", "rows"),
    [
        ("x\n", ["x"], []),
        ("x", ["x"], []),
        ("\ufeffx\n", ["x"], []),
        ("x\r\n", ["x"], []),
        ("x,y\n1,2", ["x", "y"], [["1", "2"]]),
        ("x,y\r\n1,2\r\n", ["x", "y"], [["1", "2"]]),
        ("\ufeffx,y\n1,2\n", ["x", "y"], [["1", "2"]]),
        ("\n\nx,y\n\n1,2\n\n\n3,4\n\n", ["x", "y"], [["1", "2"], ["3", "4"]]),
        ("x,y\r1,2\r3,4\r", ["x", "y"], [["1", "2"], ["3", "4"]]),
        ('"a,b","c\nd"\n1,2\n', ["a,b", "c\nd"], [["1", "2"]]),
        ("x,x\n1,2\n", ["x", "x"], [["1", "2"]]),
        ("x,n\nNaN,NULL\n1.50,2026-03-29\n", ["x", "n"], [["NaN", "NULL"], ["1.50", "2026-03-29"]]),
        ('x,y\n"1\n",2\n', ["x", "y"], [["1\n", "2"]]),
        ('x\n""\n', ["x"], [[""]]),
        ('x,y\n5" pipe,"a"b"c"\n', ["x", "y"], [['5" pipe', 'ab"c"']]),
        ('x,y\n1,"open\n2,3\n', ["x", "y"], [["1", "open\n2,3\n"]]),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 2**20])
def test_a6_forms_of_csv(tmp_path: Path, content: str, names: list[str], rows: list[list[str]], size: int) -> None:
    place = Place(tmp_path).file("in.csv", content)
    for kinds in (None, {"x": NUMBER}):
        read = place.read(size, kinds=kinds)
        came = [row for chunk in read.chunks for row in zip(*map(list, to_text(chunk)), strict=True)]
        assert (read.names, [list(row) for row in came], read.bad) == (names, rows, [])


def to_text(chunk: Chunk) -> list[list[str]]:
    return [column.to_pylist() for column in as_it_came(chunk).columns]


@pytest.mark.parametrize("content", [b"", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf"])
def test_a6_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(RunFailed, match=r"in\.csv is empty: its first line should name the columns") as caught:
        Place(tmp_path).file("in.csv", content).read()
    assert caught.value.code == "schema_mismatch"


@pytest.mark.parametrize(
    ("sample", "names"),
    [
        ("a;b;c\n1,5;2,5;3\n", ["a", "b", "c"]),
        ("a\tb\n1,5\t2\n", ["a", "b"]),
        ("a|b\n1|2\n", ["a", "b"]),
        ("a,b\n1;5,2;5\n", ["a", "b"]),
        ("a\n1;2\n3;4\n", ["a"]),
        ("a b\n1 2\n", ["a b"]),
        ("x;y", ["x", "y"]),
        ("x,y\n1,2\n3\n", ["x", "y"]),
        ("'a','b'\n'1,2','3'\n", ["a", "b"]),
        ("'a';'b;c'\n'1';'3'\n", ["a", "b;c"]),
        ('"a,b";c\n"1,2";3\n', ["a,b", "c"]),
    ],
)
def test_dialect_is_found_out(tmp_path: Path, sample: str, names: list[str]) -> None:
    assert Place(tmp_path).file("in.csv", sample).read().names == names


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"delimiter": ";;"}, "the delimiter of in.csv is to be one ASCII character, not ';;'"),
        ({"quote": "\n"}, "the quote of in.csv is to be one ASCII character"),
        ({"encoding": "klingon"}, "in.csv: there is no encoding 'klingon'"),
        ({"encoding": "utf-16"}, "in.csv is not utf-16"),
    ],
)
def test_dialect_that_cannot_be_is_told(tmp_path: Path, told: dict[str, str], words: str) -> None:
    with pytest.raises(RunFailed, match=words):
        Place(tmp_path).file("in.csv", "a,b\n1,2\n3,4\n\n", dialect=told).read()


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", None),
        ("utf-16", None),
        ("utf-32", None),
        ("cp1252", None),
        ("latin-1", None),
        ("utf-16-le", "utf-16-le"),
        ("cp1251", "windows-1251"),
        ("shift_jis", "shift_jis"),
    ],
)
@pytest.mark.parametrize("size", [3, 2**20])
def test_a6_encodings(tmp_path: Path, encoding: str, told: str | None, size: int) -> None:
    word = {"cp1251": "Привет", "shift_jis": "日本"}.get(encoding, "Zoë €" if encoding == "cp1252" else "Zoë")
    content = f"name,n\n{word},1\n" + "x,2\n" * 30
    place = Place(tmp_path).file("in.csv", content.encode(encoding), dialect={"encoding": told} if told else {})
    assert place.read(size).rows == [[word, "1"], *[["x", "2"]] * 30]


def test_a6_rows_that_are_not_utf8_are_bad_rows(tmp_path: Path) -> None:
    rows = [f"Zoë,{number}".encode() for number in range(1000)]
    rows[700] = b"Zo\xeb,700"
    rows[800] = b"a,b,c"
    rows[900] = b'"\xff\n",900'
    place = Place(tmp_path).file("in.csv", b"name,n\n" + b"\n".join(rows))
    for size in (50, 2**20):
        read = place.read(size, kinds={"n": INTEGER})
        assert [(row.position, row.reason) for row in read.bad] == [
            (700, "is not UTF-8"),
            (800, "has 3 values, where 2 are expected"),
            (900, "is not UTF-8"),
        ]
        assert read.bad[0].text == "Zo\ufffd,700"
        assert len(read.rows) == 997


def test_a6_row_of_50_megabytes(tmp_path: Path) -> None:
    long = "b" * 50_000_000
    read = Place(tmp_path).file("in.csv", f'x,note\n1,a\n2,{long}\n3,"{long[:100]}\n"\n4,d').read()
    assert [row[0] for row in read.rows] == ["1", "2", "3", "4"]
    assert len(read.rows[1][1]) == 50_000_000


def test_quote_that_is_never_closed_goes_on_to_the_end(tmp_path: Path) -> None:
    place = Place(tmp_path).file("in.csv", 'x,y\n1,"open\n' + "2,3\n" * 10)
    assert place.read(8).rows[0][1].startswith("open\n2,3\n")
