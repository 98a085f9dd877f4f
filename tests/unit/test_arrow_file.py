"""Files of Arrow streams: written whole, read stream by stream, and believed by nobody."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.data import arrow_file
from gristmill.data.source import DataFailed

BATCH = pa.record_batch({"a": [1, 2], "b": ["x", None]})


def test_a_table_is_written_and_told_of(tmp_path: Path) -> None:
    told: list[int] = []
    rows = arrow_file.write(tmp_path / "t", [BATCH, BATCH], schema=lambda: None, tell=told.append)
    assert (rows, told) == (4, [2, 4])
    assert pa.Table.from_batches(arrow_file.read(tmp_path / "t")) == pa.Table.from_batches([BATCH, BATCH])
    assert arrow_file.schema(tmp_path / "t") == BATCH.schema


def test_a_table_without_rows_has_columns(tmp_path: Path) -> None:
    assert arrow_file.write(tmp_path / "t", [], schema=lambda: BATCH.schema, tell=lambda _rows: None) == 0
    assert list(arrow_file.read(tmp_path / "t")) == []
    assert arrow_file.schema(tmp_path / "t") == BATCH.schema


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_streams_stand_behind_each_other(tmp_path: Path, batches: int) -> None:
    with (tmp_path / "t").open("wb") as file:
        for _ in range(4):
            with pa.ipc.new_stream(file, BATCH.schema) as stream:
                for _ in range(batches):
                    stream.write_batch(BATCH)
    assert [batch.num_rows for batch in arrow_file.read(tmp_path / "t")] == [2] * 4 * batches


@given(st.binary(max_size=64))
def test_what_is_no_stream_is_refused(content: bytes) -> None:
    path = Path("/proc/self/fd") / str(_file_of(content))
    try:
        with pytest.raises(DataFailed, match="is broken"):
            arrow_file.schema(path)
        if content:
            with pytest.raises(DataFailed, match="is broken"):
                list(arrow_file.read(path))
    finally:
        os.close(int(path.name))


def _file_of(content: bytes) -> int:
    descriptor = os.memfd_create("rows")
    os.write(descriptor, content)
    return descriptor


def test_a_file_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    arrow_file.write(tmp_path / "t", [BATCH], schema=lambda: None, tell=lambda _rows: None)
    whole = (tmp_path / "t").read_bytes()
    (tmp_path / "t").write_bytes(whole[: len(whole) - 40])
    with pytest.raises(DataFailed, match="is broken"):
        list(arrow_file.read(tmp_path / "t"))
