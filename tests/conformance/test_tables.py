"""Tables of every database: what is written is read again, by name, in every mode, and what does not fit is told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conformance.table_databases import TableDatabase, read, write

from gristmill.data.source import DataFailed, TableName

_UTC = pa.timestamp("us", tz="UTC")
_SCHEMA = pa.schema(
    [
        ("small", pa.int16()),
        ("whole", pa.int64()),
        ("number", pa.float64()),
        ("text", pa.string()),
        ("truth", pa.bool_()),
        ("day", pa.date32()),
        ("moment", pa.timestamp("us")),
        ("instant", _UTC),
        ("price", pa.decimal128(20, 4)),
        ("bytes", pa.binary()),
    ]
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
# Not every database knows a negative zero.
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
_MOMENTS = st.datetimes(min_value=datetime.fromisoformat("1000-01-01"))
_ROW = st.fixed_dictionaries(
    {
        "small": st.none() | st.integers(-(2**15), 2**15 - 1),
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "number": st.none() | _NUMBERS,
        "text": st.none() | _TEXT,
        "truth": st.none() | st.booleans(),
        "day": st.none() | st.dates(min_value=date(1000, 1, 1)),
        "moment": st.none() | _MOMENTS,
        "instant": st.none() | _MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
        "price": st.none() | st.decimals(-(10**15), 10**15, places=4),
        "bytes": st.none() | st.binary(max_size=20),
    }
)
_ODD = [
    "naïve Spalte",
    'dou"ble',
    "sin'gle",
    "back`tick",
    "100 %",
    "%s",
    "semi;colon--",
    "[bracket]",
    "日本",
    "a.b",
    "$1?",
]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(_ROW, min_size=1, max_size=12))
def test_every_value_comes_back(tables: TableDatabase, rows: list[dict[str, Any]]) -> None:
    written = pa.Table.from_pylist(rows, schema=_SCHEMA)
    tables.execute("DROP TABLE IF EXISTS t")
    tables.execute("DROP TABLE IF EXISTS gristmill_publications")
    write(tables, "t", written, publication="p")
    assert _ordered(read(tables, "t")) == _ordered(_as_kept(tables, written))


def _as_kept(database: TableDatabase, table: Any) -> Any:
    """Return the table with the types that a database has for those of ours."""
    kept = {"sqlite": {"small": pa.int64(), "price": pa.string()}, "mariadb": {"instant": pa.timestamp("us")}}
    for name, kind in kept.get(database.type, {}).items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, name, table[name].cast(kind))
    return table


def _ordered(table: Any) -> list[str]:
    return [*sorted(repr(sorted(row.items())) for row in table.to_pylist()), str(table.schema)]


def test_types_are_kept_where_there_are_no_rows(tables: TableDatabase) -> None:
    written = write(tables, "t", _SCHEMA.empty_table(), publication="p")
    assert (written.rows, written.before) == (0, False)
    found = read(tables, "t")
    assert found.num_rows == 0
    assert found.schema == _as_kept(tables, _SCHEMA.empty_table()).schema


def test_wide_tables(tables: TableDatabase) -> None:
    wide = pa.table({f"column {number}": pa.array([number, None], pa.int64()) for number in range(400)})
    write(tables, "wide", wide, publication="p")
    assert _ordered(read(tables, "wide")) == _ordered(wide)


def test_names_of_all_kinds_are_names_and_nothing_else(tables: TableDatabase) -> None:
    for number, name in enumerate(_ODD):
        rows = pa.table({other: [f"{other} of {name}"] for other in _ODD})
        write(tables, name, rows, publication=f"p{number}")
        assert read(tables, name).to_pylist() == rows.to_pylist()
    with tables.open() as source:
        found = {entry.name: entry for entry in source.browse(f"/{tables.schema}")}
        assert set(found) == {*_ODD, "gristmill_publications"}
        assert {entry.type for entry in found.values()} == {"table"}


@pytest.mark.parametrize(
    "name", ['t"; DROP TABLE victim; --', "t`; DROP TABLE victim; -- x", "t'; DROP TABLE victim; --"]
)
def test_no_name_or_value_is_ever_a_statement(tables: TableDatabase, name: str) -> None:
    tables.execute("CREATE TABLE victim (a INTEGER)", "INSERT INTO victim VALUES (1)")
    write(tables, name, pa.table({name: [name, "\\'; DROP TABLE victim; -- "]}), publication=name)
    assert read(tables, name).to_pylist() == [{name: name}, {name: "\\'; DROP TABLE victim; -- "}]
    for attempt in (TableName(table="victim", schema=name), TableName(table=f"{name} x")):
        with tables.open() as source, pytest.raises(DataFailed) as caught:
            list(source.read(attempt))
        assert caught.value.code == "data_not_found"
    assert tables.execute("SELECT count(*) FROM victim") == [(1,)]


def test_append_adds_and_truncate_replaces(tables: TableDatabase) -> None:
    def rows() -> list[int]:
        return sorted(read(tables, "t")["a"].to_pylist())

    write(tables, "t", pa.table({"a": [1]}), publication="1")
    write(tables, "t", pa.table({"a": [2]}), publication="2", mode="append")
    assert rows() == [1, 2]
    write(tables, "t", pa.table({"a": [3]}), publication="3", mode="truncate")
    assert rows() == [3]
    write(tables, "t", pa.table({"a": pa.array([], pa.int64())}), publication="4", mode="truncate")
    assert rows() == []


@pytest.mark.parametrize("mode", ["append", "truncate"])
def test_a_publication_is_written_once(tables: TableDatabase, mode: Any) -> None:
    assert write(tables, "t", pa.table({"a": [1, 2]}), publication="p", mode=mode).before is False
    write(tables, "t", pa.table({"a": [3]}), publication="q")
    again = write(tables, "t", pa.table({"a": [1, 2]}), publication="p", mode=mode)
    assert (again.rows, again.before) == (2, True)
    assert sorted(read(tables, "t")["a"].to_pylist()) == [1, 2, 3]
    noted = tables.execute("SELECT publication, table_name FROM gristmill_publications ORDER BY publication")
    assert noted == [("p", "t"), ("q", "t")]


def test_columns_are_matched_by_name_and_values_by_type(tables: TableDatabase) -> None:
    tables.execute("CREATE TABLE t (id INTEGER NOT NULL, label VARCHAR(10), score DOUBLE PRECISION, extra INTEGER)")
    write(tables, "t", pa.table({"score": [1, 2], "label": [7, None], "id": [1.0, 2.0]}), publication="p")
    assert sorted(read(tables, "t").to_pylist(), key=lambda row: row["id"]) == [
        {"id": 1, "label": "7", "score": 1.0, "extra": None},
        {"id": 2, "label": None, "score": 2.0, "extra": None},
    ]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("unheard", [1, 2]),
        ("id", [1, 1 << 70]),
        ("id", [1.0, 1.5]),
        ("id", ["1", "x"]),
        ("id", [1, None]),
        ("day", ["2020-01-01", "2020-02-30"]),
        ("truth", [0, 7]),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_written(
    tables: TableDatabase, column: str, values: list[Any]
) -> None:
    tables.execute("CREATE TABLE t (id BIGINT NOT NULL, day DATE, truth BOOLEAN)")
    kind = pa.decimal128(38, 0) if values[1] == 1 << 70 else None
    ids = {} if column == "id" else {"id": [1, 2]}
    rows = pa.table({**ids, column: pa.array(values, kind)})
    with pytest.raises(DataFailed) as caught:
        write(tables, "t", rows, publication="p")
    assert caught.value.code == "data_mismatch"
    assert column in caught.value.message
    assert caught.value.field == column
    assert read(tables, "t").num_rows == 0
    # The same publication may be tried again.
    assert write(tables, "t", pa.table({"id": [1]}), publication="p").rows == 1


def test_an_error_of_the_batches_comes_through_and_nothing_is_written(tables: TableDatabase) -> None:
    schema = pa.schema([("a", pa.int64())])

    def batches() -> Any:
        yield pa.record_batch({"a": [1, 2, 3]})
        raise DataFailed("data_failed", "The input ended early.")

    write(tables, "t", pa.table({"a": [0]}), publication="first")
    with tables.open() as source:
        with pytest.raises(DataFailed, match="The input ended early"):
            source.write(TableName(table="t"), batches(), schema=schema, mode="truncate", publication="p")
        assert [batch.to_pylist() for batch in source.read(TableName(table="t"))] == [[{"a": 0}]]


def test_lists_of_numbers_are_kept_as_lists_or_as_json(tables: TableDatabase) -> None:
    write(tables, "t", pa.table({"probability": [[0.25, 0.75], None, []]}), publication="p")
    found = sorted(read(tables, "t")["probability"].to_pylist(), key=str)
    if tables.type in {"postgresql", "duckdb"}:
        assert found == sorted([[0.25, 0.75], None, []], key=str)
    else:
        assert found == sorted(["[0.25, 0.75]", None, "[]"], key=str)


def test_only_the_first_rows(tables: TableDatabase) -> None:
    write(tables, "t", pa.table({"a": list(range(100)), "price": [Decimal("1.5")] * 100}), publication="p")
    assert read(tables, "t", limit=7).num_rows == 7
    assert read(tables, "t", limit=0).num_rows == 0


def test_a_reader_that_stops_leaves_the_connection_usable(tables: TableDatabase) -> None:
    write(tables, "t", pa.table({"a": list(range(300_000))}), publication="p")
    with tables.open() as source:
        batches = source.read(TableName(table="t"))
        assert next(batches).num_rows > 0
        batches.close()  # type: ignore[attr-defined]
        source.test()
        assert len(source.schema(TableName(table="t"))) == 1


def test_browse_pages_through_schemas_and_tables(tables: TableDatabase) -> None:
    for name in ("b", "a", "c"):
        tables.execute(f"CREATE TABLE {name} (x INTEGER)")
    tables.execute("CREATE VIEW d AS SELECT * FROM a")
    with tables.open() as source:
        assert tables.schema in [entry.name for entry in source.browse("/", limit=1000)]
        entries = source.browse(f"/{tables.schema}")
        assert [(entry.name, entry.type, entry.path) for entry in entries] == [
            ("a", "table", f"/{tables.schema}/a"),
            ("b", "table", f"/{tables.schema}/b"),
            ("c", "table", f"/{tables.schema}/c"),
            ("d", "view", f"/{tables.schema}/d"),
        ]
        assert [entry.name for entry in source.browse(f"/{tables.schema}", offset=1, limit=2)] == ["b", "c"]
        assert list(source.read(TableName(table="d", schema=tables.schema))) == []
        with pytest.raises(DataFailed) as caught:
            source.browse("/nowhere")
        assert caught.value.code == "data_not_found"


def test_what_is_missing_is_named(tables: TableDatabase) -> None:
    with tables.open() as source:
        source.test()
        for name, field in (
            (TableName(table="gone"), "table_name"),
            (TableName(table="t", schema="gone"), "schema_name"),
        ):
            with pytest.raises(DataFailed, match="gone") as caught:
                list(source.read(name))
            assert (caught.value.code, caught.value.field) == ("data_not_found", field)
