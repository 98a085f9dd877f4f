"""What becomes of each database's own types, and of values that Arrow has no place for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from tests.conformance.table_databases import (
    TableDatabase,
    file_database,
    mariadb_database,
    postgres_database,
    read,
    write,
)
from tests.mariadb import MariadbServer
from tests.postgres import Postgres

from gristmill.data.source import DataFailed

_MOMENT = datetime.fromisoformat("2020-01-01 12:00:00.123456")
_INSTANT = datetime(2020, 1, 1, 10, tzinfo=UTC)


@pytest.fixture
def postgresql(postgres: Postgres) -> Iterator[TableDatabase]:
    with postgres_database(postgres) as made:
        yield made


@pytest.fixture
def maria(mariadb: MariadbServer) -> Iterator[TableDatabase]:
    with mariadb_database(mariadb) as made:
        yield made


def test_postgresql(postgresql: TableDatabase) -> None:
    postgresql.execute(
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
        """CREATE TABLE t (free numeric, c char(4), moment timestamp, instant timestamptz, day date, j json, jb jsonb,
            u uuid, words text[], prices numeric(9,2)[], grid int[], m mood, span interval, ip inet, o oid, p positive,
            bits bit(3))""",
        """INSERT INTO t VALUES (1.25, 'ab', '2020-01-01 12:00:00.123456', '2020-01-01 12:00:00+02', 'infinity',
            '{"a":1}', '{"a": 1}', '11111111-2222-3333-4444-555555555555', '{x,NULL}', '{1.50}', '{{1,2},{3,4}}',
            'good', '1 day', '10.0.0.1', 7, 3, B'101')""",
        "INSERT INTO t (free) VALUES ('NaN'), (100)",
    )
    found = read(postgresql, "t")
    assert found.schema.field("free").type == pa.decimal128(38, 2)
    assert found["free"].to_pylist() == [Decimal("1.25"), None, Decimal("100.00")]
    assert found.to_pylist()[0] == {
        "free": Decimal("1.25"),
        "c": "ab",
        "moment": _MOMENT,
        "instant": _INSTANT,
        "day": None,
        "j": '{"a":1}',
        "jb": '{"a": 1}',
        "u": "11111111-2222-3333-4444-555555555555",
        "words": ["x", None],
        "prices": [1.5],
        "grid": "[[1,2],[3,4]]",
        "m": "good",
        "span": "1 day",
        "ip": "10.0.0.1/32",
        "o": 7,
        "p": 3,
        "bits": "101",
    }
    # What was read fits the same table again, whatever its types are made of.
    written = found.drop_columns(["grid"])
    assert write(postgresql, "t", written, publication="p").rows == 3
    assert read(postgresql, "t").num_rows == 6


@pytest.mark.parametrize(
    ("column", "value"), [("u", "no uuid"), ("m", "ugly"), ("j", "{"), ("v", "too long"), ("p", -1)]
)
def test_postgresql_names_the_column_of_what_only_it_can_judge(
    postgresql: TableDatabase, column: str, value: object
) -> None:
    postgresql.execute(
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
        "CREATE TABLE t (u uuid, m mood, j json, v varchar(3), p positive)",
    )
    with pytest.raises(DataFailed) as caught:
        write(postgresql, "t", pa.table({column: [value]}), publication="p")
    assert (caught.value.code, caught.value.field) == ("data_mismatch", column)


def test_postgresql_numbers_beyond_decimals_are_texts(postgresql: TableDatabase) -> None:
    postgresql.execute("CREATE TABLE t (a numeric, b numeric(60,2))", f"INSERT INTO t VALUES (1e45 + 0.5, {'9' * 50})")
    assert read(postgresql, "t").to_pylist() == [{"a": f"1{'0' * 45}.5", "b": f"{'9' * 50}.00"}]


def test_mariadb(maria: TableDatabase) -> None:
    maria.execute(
        """CREATE TABLE t (truth boolean, tiny tinyint, huge bigint unsigned, f float, price decimal(30,10), large
            decimal(60,2), moment datetime(6), instant timestamp(6) NULL, day date, clock time, y year, j json,
            e enum('a','b'), s set('a','b'), bits bit(3), bytes varbinary(9))""",
        """INSERT INTO t VALUES (true, -7, 18446744073709551615, 0.1, 12345678901234567890.0123456789, 1.5,
            '2020-01-01 12:00:00.123456', '2020-01-01 10:00:00', '2020-01-01', '-25:00:00', 2020, '{"a": 1}', 'a',
            'a,b', b'101', x'00ff')""",
    )
    found = read(maria, "t")
    assert found.to_pylist() == [
        {
            "truth": True,
            "tiny": -7,
            "huge": 2**64 - 1,
            "f": pytest.approx(0.1),
            "price": Decimal("12345678901234567890.0123456789"),
            "large": "1.50",
            "moment": _MOMENT,
            "instant": _INSTANT,
            "day": date(2020, 1, 1),
            "clock": "-25:00:00",
            "y": 2020,
            "j": '{"a": 1}',
            "e": "a",
            "s": "a,b",
            "bits": 5,
            "bytes": b"\x00\xff",
        }
    ]
    assert write(maria, "t", found, publication="p").rows == 1
    assert read(maria, "t").to_pylist() == found.to_pylist() * 2


def test_mariadb_has_days_and_numbers_that_others_have_not(maria: TableDatabase) -> None:
    maria.execute("SET GLOBAL sql_mode = ''")
    try:
        maria.execute("CREATE TABLE t (d date, n double)", "INSERT INTO t VALUES ('2020-00-00', 1), ('0000-00-00', 2)")
    finally:
        maria.execute("SET GLOBAL sql_mode = DEFAULT")
    assert read(maria, "t")["d"].to_pylist() == [None, None]
    write(maria, "t", pa.table({"n": [float("nan")]}), publication="nan")
    assert None in read(maria, "t")["n"].to_pylist()
    with pytest.raises(DataFailed, match=r"'n'.*infinite"):
        write(maria, "t", pa.table({"n": [float("inf")]}), publication="inf")


def test_mariadb_tables_without_transactions_are_refused(maria: TableDatabase) -> None:
    maria.execute("CREATE TABLE t (a int) ENGINE = MyISAM")
    with pytest.raises(DataFailed, match="MyISAM has no transactions"):
        write(maria, "t", pa.table({"a": [1]}), publication="p")


def test_sqlite_values_are_what_they_are(tmp_path: Path) -> None:
    sqlite = file_database("sqlite", tmp_path)
    sqlite.execute(
        """CREATE TABLE t (i INTEGER, mixed INTEGER, half INTEGER, d DATE, odd DATE, m DATETIME, b BOOLEAN,
            two BOOLEAN, x)""",
        "INSERT INTO t VALUES (1, 1, 1, '2020-01-01', '2020-01-01', '2020-01-01 12:00:00.123456', 1, 2, x'00ff')",
        "INSERT INTO t VALUES (2, 'x', 1.5, '2020-02-29', '1 May', '2020-01-01T12:00:00', 0, 0, NULL)",
    )
    assert read(sqlite, "t").to_pylist() == [
        {
            "i": 1,
            "mixed": "1",
            "half": 1.0,
            "d": date(2020, 1, 1),
            "odd": "2020-01-01",
            "m": _MOMENT,
            "b": True,
            "two": 2,
            "x": b"\x00\xff",
        },
        {
            "i": 2,
            "mixed": "x",
            "half": 1.5,
            "d": date(2020, 2, 29),
            "odd": "1 May",
            "m": datetime.fromisoformat("2020-01-01 12:00:00"),
            "b": False,
            "two": 0,
            "x": None,
        },
    ]


def test_duckdb(tmp_path: Path) -> None:
    duckdb = file_database("duckdb", tmp_path)
    duckdb.execute(
        """CREATE TABLE t (u uuid, h hugeint, e enum('a','b'), s struct(a int), l int[], g int[][], ns timestamp_ns,
            instant timestamptz, clock time, day date, span interval)""",
        """INSERT INTO t VALUES ('11111111-2222-3333-4444-555555555555', 1, 'a', {'a': 1}, [1, 2], [[1]],
            '2020-01-01 12:00:00.123456789', '2020-01-01 12:00:00+02', '12:00', 'infinity', INTERVAL 1 DAY)""",
    )
    found = read(duckdb, "t")
    assert found.to_pylist() == [
        {
            "u": "11111111-2222-3333-4444-555555555555",
            "h": "1",
            "e": "a",
            "s": '{"a":1}',
            "l": [1, 2],
            "g": "[[1]]",
            "ns": _MOMENT.replace(microsecond=123457),
            "instant": _INSTANT,
            "clock": "12:00:00",
            "day": None,
            "span": "1 day",
        }
    ]
    assert write(duckdb, "t", found.drop_columns(["s"]), publication="p").rows == 1
