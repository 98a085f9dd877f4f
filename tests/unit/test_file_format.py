"""What the name of a file tells of its format, on both sides of the run directory."""

from __future__ import annotations

import pytest

from gristmill.domain import file_format
from gristmill.domain.errors import Invalid
from gristmill_runner.outputs.of_run import file_form
from gristmill_runner.sources.of_run import format_told


def test_server_and_child_say_the_same() -> None:
    for ending, told in file_format.INPUTS.items():
        for compression in ("", ".gz", ".zst", ".bz2"):
            assert format_told(f"a.b{ending}{compression}") == file_format.of_input(f"A.B{ending}{compression}") == told
    assert format_told("a.pdf") is None
    assert file_format.of_input("a.pdf") == file_format.of_input("a") == "csv"


@pytest.mark.parametrize(
    ("name", "told", "mime"),
    [
        ("results.csv", "csv", "text/csv"),
        ("results", "csv", "text/csv"),
        ("results.dat", "csv", "text/csv"),
        ("results.CSV.gz", "csv", "application/gzip"),
        ("results.jsonl.zst", "jsonl", "application/zstd"),
        ("results.json", "json", "application/json"),
        ("results.parquet", "parquet", "application/vnd.apache.parquet"),
        ("results.arrow", "arrow", "application/vnd.apache.arrow.file"),
        ("results.xlsx", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ],
)
def test_outputs(name: str, told: str, mime: str) -> None:
    file_format.check_output(name, where="name")
    assert (file_format.of_output(name), file_format.mime_of_output(name)) == (told, mime)
    assert file_form({"path": name, "format": told})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("r.xls", "location.name: results cannot be written as .xls; these can: .arrow, .csv,"),
        ("r.zip", "cannot be written as .zip"),
        ("r.tsv", "cannot be written as .tsv"),
        ("r.parquet.gz", "only .csv and .jsonl can be compressed, as .gz or .zst; leave .gz out"),
        ("r.csv.bz2", "leave .bz2 out"),
    ],
)
def test_outputs_that_cannot_be_written_are_refused(name: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        file_format.check_output(name, where="location.name")
    assert (caught.value.code, caught.value.field) == ("unsupported_format", "location.name")


def test_inputs_that_cannot_be_read_are_refused() -> None:
    file_format.check_input("a.csv.gz", where="reference")
    file_format.check_input("a.zip", where="reference")
    with pytest.raises(Invalid, match=r"a\.tar\.gz is an archive that cannot be read"):
        file_format.check_input("a.tar.gz", where="reference")
