"""How fast a table of PostgreSQL is read and written, beside the driver's COPY by hand.

    python -m bench.tables [--rows 5000000]

The limit is 0.8 of what the loop by hand reaches.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, cast

import adbc_driver_postgresql.dbapi as adbc
import psycopg
import pyarrow as pa
from tests.postgres import Postgres, running_postgres

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import TableName, Tables

_BATCH_ROWS = 100_000
_COLUMNS = ", ".join(f"(random() * 1000)::float8 AS x{number}" for number in range(9))


LIMIT_RATIO = 0.8


def main() -> None:
    """Print a row for reading and one for writing."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=5_000_000)
    rows = arguments.parse_args().rows
    with running_postgres() as server:
        with _psycopg(server) as connection:
            connection.execute(
                f"CREATE TABLE t AS SELECT i AS id, {_COLUMNS} FROM generate_series(1, {rows}) i".encode()
            )
            connection.execute("ANALYZE t")
        properties = {"host": str(server.directory), "database": "postgres", "username": "postgres"}
        with cast(Tables, connect("postgresql", properties, places=Places(folders=(server.directory,)))) as source:
            print(f"{rows:,} rows; rows a second")
            _compare("read, 10 columns", rows, lambda: _read(source), lambda: _copy_out(server))
            _compare("write, 3 columns", rows, lambda: _write(source, rows), lambda: _copy_in(server, rows))


def _compare(what: str, rows: int, ours: Callable[[], None], by_hand: Callable[[], None]) -> None:
    rates = []
    for work in (by_hand, ours):
        begun = time.perf_counter()
        work()
        rates.append(rows / (time.perf_counter() - begun))
    print(f"{what}: {rates[1]:,.0f}, by hand {rates[0]:,.0f}, ratio {rates[1] / rates[0]:.2f}, limit {LIMIT_RATIO}")


def _read(source: Tables) -> None:
    for batch in source.read(TableName(table="t")):
        assert batch.num_rows


def _copy_out(server: Postgres) -> None:
    with closing(adbc.connect(_uri(server))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM t")
        for batch in cursor.fetch_record_batch():
            assert batch.num_rows


def _write(source: Tables, rows: int) -> None:
    schema = next(_batches(1)).schema
    source.write(TableName(table="ours"), _batches(rows), schema=schema, mode="append", publication="bench")


def _copy_in(server: Postgres, rows: int) -> None:
    with closing(adbc.connect(_uri(server))) as connection, connection.cursor() as cursor:
        reader = pa.RecordBatchReader.from_batches(next(_batches(1)).schema, _batches(rows))
        cursor.adbc_ingest("by_hand", reader, mode="create")
        connection.commit()


def _batches(rows: int) -> Iterator[Any]:
    for start in range(0, rows, _BATCH_ROWS):
        size = min(_BATCH_ROWS, rows - start)
        ids = pa.array(range(start, start + size), pa.int64())
        yield pa.record_batch({"id": ids, "prediction": ids, "probability": pa.array([0.5] * size)})


def _uri(server: Postgres) -> str:
    return f"postgresql:///postgres?host={server.directory}&user=postgres"


def _psycopg(server: Postgres) -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(server.directory), user="postgres", dbname="postgres", autocommit=True)


if __name__ == "__main__":
    main()
