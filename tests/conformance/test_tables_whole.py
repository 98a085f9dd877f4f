"""A table is written once and whole, whoever is killed and whoever reads meanwhile, and in bounded memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.conformance.table_databases import TableDatabase, read, write
from tests.conformance.table_writer import SCHEMA, batches
from tests.make import eventually

from gristmill.data.source import DataFailed, TableName

_ROOT = Path(__file__).parents[2]
_ROWS = 30_000
_KILLS = 4
# Of what a million rows need besides, most is the allocator's; all of them together would be 60 MB of Arrow and more.
_MOST_BYTES = 160 * 1024**2


def _started(database: TableDatabase, **order: Any) -> subprocess.Popen[bytes]:
    folders = [str(folder) for folder in database.places.folders]
    told = {"type": database.type, "properties": database.properties, "folders": folders, **order}
    program = [sys.executable, "-m", "tests.conformance.table_writer", json.dumps(told)]
    # Unbuffered: what comes with the first line would be lost to communicate(), which reads the pipe itself.
    process = subprocess.Popen(program, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert process.stdout
    if process.stdout.readline() != b"ready\n":
        # A process that is left behind would fail a later test instead.
        process.kill()
        process.communicate()
        pytest.fail("the process did not open the database")
    return process


def _told(process: subprocess.Popen[bytes]) -> list[str]:
    """Wait for the process's end; return the lines that it has said since it was ready."""
    return process.communicate(timeout=300)[0].decode().splitlines()


def test_a9_an_append_retried_after_a_kill_adds_no_row_twice(tables: TableDatabase) -> None:
    write(tables, "t", SCHEMA.empty_table(), publication="table")
    chance = random.Random(9)
    for publication in range(_KILLS):
        order = {"do": "write", "rows": _ROWS, "mode": "append", "publication": f"p{publication}"}
        process = _started(tables, **order)
        try:
            process.wait(chance.uniform(0, 1.5))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
        assert read(tables, "t").num_rows in {publication * _ROWS, (publication + 1) * _ROWS}
        with tables.open() as source:
            written = source.write(
                TableName(table="t"), batches(_ROWS), schema=SCHEMA, mode="append", publication=f"p{publication}"
            )
        assert written.rows == _ROWS
        assert read(tables, "t").num_rows == (publication + 1) * _ROWS
    counts = read(tables, "t").group_by("a").aggregate([("a", "count")])
    assert set(counts["a_count"].to_pylist()) == {_KILLS}


def test_a8_readers_never_see_half_a_write(tables: TableDatabase) -> None:
    write(tables, "t", pa.Table.from_batches(list(batches(_ROWS))), publication="first")
    done, seen = threading.Event(), set[int]()

    def look() -> None:
        # DuckDB is open to readers or to one writer: there has to be a moment between them.
        while not done.wait(0.3 if tables.type == "duckdb" else 0):
            seen.add(read(tables, "t").num_rows)

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for number, (rows, mode) in enumerate([(_ROWS // 2, "append"), (_ROWS // 3, "truncate"), (0, "truncate")]):
            _whole(tables, rows=rows, mode=mode, publication=f"p{number}")
    finally:
        done.set()
        reader.join()
    assert seen <= {_ROWS, _ROWS + _ROWS // 2, _ROWS // 3, 0}
    assert read(tables, "t").num_rows == 0


def _whole(database: TableDatabase, *, rows: int, mode: Any, publication: str) -> None:
    with database.open() as source:
        source.write(TableName(table="t"), batches(rows), schema=SCHEMA, mode=mode, publication=publication)


def test_two_writers_of_one_publication_write_it_once(tables: TableDatabase) -> None:
    write(tables, "t", SCHEMA.empty_table(), publication="table")
    order = {"do": "write", "rows": _ROWS, "mode": "append", "publication": "p"}
    processes = [_started(tables, **order) for _ in range(2)]
    told = sorted(_told(process)[0] for process in processes)
    assert told == [f"{_ROWS} False", f"{_ROWS} True"]
    assert read(tables, "t").num_rows == _ROWS


def test_a_million_rows_need_little_memory(tables: TableDatabase) -> None:
    for order in ({"do": "write", "mode": "append", "publication": "p"}, {"do": "read"}):
        process = _started(tables, rows=1_000_000, **order)
        answer, grown_bytes = _told(process)
        assert answer.split()[0] == "1000000"
        assert int(grown_bytes) < _MOST_BYTES, order


@pytest.mark.parametrize("rows", [0, 3])
def test_a_table_that_a_failed_write_would_have_made_is_not_there(tables: TableDatabase, rows: int) -> None:
    def batches() -> Any:
        if rows:
            yield pa.record_batch({"a": list(range(rows))})
        raise DataFailed("data_failed", "The input ended early.")

    schema = pa.schema([("a", pa.int64())])
    with tables.open() as source, pytest.raises(DataFailed, match="ended early"):
        source.write(TableName(table="new"), batches(), schema=schema, mode="append", publication="p")
    with tables.open() as source, pytest.raises(DataFailed) as caught:
        source.schema(TableName(table="new"))
    assert caught.value.code == "data_not_found"
    # The name is free for a write that does not fail.
    assert write(tables, "new", pa.table({"b": ["x"]}), publication="p").rows == 1


@pytest.mark.parametrize("tables", ["mariadb"], indirect=True)  # elsewhere the table is part of the transaction
def test_a_failed_write_leaves_a_table_into_which_others_have_written(tables: TableDatabase) -> None:
    def batches() -> Any:
        with tables.open() as other:
            kind = pa.schema([("a", pa.int64())])
            theirs = [pa.record_batch({"a": [7]})]
            other.write(TableName(table="new"), theirs, schema=kind, mode="append", publication="theirs")
        yield pa.record_batch({"a": [1]})
        raise DataFailed("data_failed", "The input ended early.")

    schema = pa.schema([("a", pa.int64())])
    with tables.open() as source, pytest.raises(DataFailed, match="ended early"):
        source.write(TableName(table="new"), batches(), schema=schema, mode="append", publication="p")
    assert read(tables, "new")["a"].to_pylist() == [7]


def _hanging(database: TableDatabase) -> subprocess.Popen[bytes]:
    """Start a writer that has made its table, and waits."""
    process = _started(database, do="hang", publication="killed")
    assert process.stdout
    assert process.stdout.readline() == b"begun\n"
    return process


def test_a_table_that_a_killed_writer_had_made_is_not_in_the_way(tables: TableDatabase) -> None:
    process = _hanging(tables)
    process.kill()
    process.communicate()
    rows = pa.table({"other": ["x"]})
    assert eventually(lambda: _written(tables, rows), within=10)
    assert read(tables, "t").to_pylist() == [{"other": "x"}]


def _written(database: TableDatabase, rows: pa.Table) -> bool:
    """Write, unless the database has not noticed yet that the one before is dead."""
    try:
        write(database, "t", rows, publication="p")
    except DataFailed:
        return False
    return True


@pytest.mark.parametrize("tables", ["mariadb"], indirect=True)  # elsewhere the table is part of the transaction
def test_a_table_that_a_writer_has_made_who_lives_stays(tables: TableDatabase) -> None:
    process = _hanging(tables)
    try:
        first = next(batches(1))
        write(tables, "t", pa.Table.from_batches([first]), publication="p")
    finally:
        process.kill()
        process.communicate()
    assert read(tables, "t").num_rows == 1


@pytest.mark.parametrize("tables", ["mariadb"], indirect=True)
def test_an_empty_table_of_somebody_elses_stays(tables: TableDatabase) -> None:
    tables.execute("CREATE TABLE t (theirs int)")
    with pytest.raises(DataFailed) as refused:
        write(tables, "t", pa.table({"other": ["x"]}), publication="p")
    assert refused.value.code == "data_mismatch"
    assert read(tables, "t").column_names == ["theirs"]


def test_what_a_write_of_the_wrong_shape_leaves_is_nothing(tables: TableDatabase) -> None:
    write(tables, "t", pa.table({"a": [1]}), publication="first")
    schema = pa.schema([("a", pa.string())])

    def mostly_good() -> Any:
        yield pa.record_batch({"a": [str(number) for number in range(50_000)]})
        yield pa.record_batch({"a": ["no number"]})

    with tables.open() as source, pytest.raises(DataFailed, match="no number") as caught:
        source.write(TableName(table="t"), mostly_good(), schema=schema, mode="truncate", publication="p")
    assert (caught.value.code, caught.value.field) == ("data_mismatch", "a")
    assert read(tables, "t")["a"].to_pylist() == [1]
