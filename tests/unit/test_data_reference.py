"""Where references lead: locations of the wire, for each kind of data source."""

from __future__ import annotations

from typing import Any

import pytest

from gristmill.domain import data_reference, datasource_types
from gristmill.domain.data_reference import ConnectedData
from gristmill.domain.errors import Invalid

WHERE = "scoring.input_data_references[0].location"


def located(kind: str, location: dict[str, Any], **properties: str) -> ConnectedData:
    found = datasource_types.find(kind)
    return data_reference.located(location, found, properties, connection_id="c", where=WHERE)


@pytest.mark.parametrize(
    ("location", "schema", "table"),
    [
        ({"schema_name": "s", "table_name": "t"}, "s", "t"),
        ({"table_name": "t"}, None, "t"),
        ({"path": "/s/t"}, "s", "t"),
        ({"path": "s/t"}, "s", "t"),
        ({"path": "/t"}, None, "t"),
        ({"path": "/s/a/b"}, "s", "a/b"),
        ({"path": "/100%25/a%2Fb"}, "100%", "a/b"),
        ({"path": "/other", "schema_name": "s", "table_name": "t"}, "s", "t"),
    ],
)
def test_tables(location: dict[str, str], schema: str | None, table: str) -> None:
    assert located("postgresql", location) == ConnectedData(connection_id="c", schema=schema, table=table)


@pytest.mark.parametrize(
    ("location", "bucket", "file"),
    [
        ({"bucket": "b", "file_name": "d/f.csv"}, "b", "d/f.csv"),
        ({"file_name": "d/f.csv"}, None, "d/f.csv"),
        ({"path": "/b/d/f.csv"}, "b", "d/f.csv"),
        ({"path": "d/f.csv"}, None, "d/f.csv"),
        ({"bucket": "b", "path": "d/f.csv"}, "b", "d/f.csv"),
    ],
)
def test_files_of_buckets(location: dict[str, str], bucket: str | None, file: str) -> None:
    found = located("generics3", location, bucket="own")
    assert found == ConnectedData(connection_id="c", bucket=bucket, file=file)


@pytest.mark.parametrize("kind", ["volumes", "http"])
def test_files_without_buckets(kind: str) -> None:
    for location in ({"file_name": "d/f.csv"}, {"path": "/d/f.csv"}):
        assert located(kind, location) == ConnectedData(connection_id="c", file="d/f.csv")


def test_the_address_of_a_connection_may_be_the_file() -> None:
    assert located("http", {}) == ConnectedData(connection_id="c", file="")


@pytest.mark.parametrize(
    ("kind", "location", "member"),
    [
        ("postgresql", {}, "table_name"),
        ("postgresql", {"schema_name": "s"}, "table_name"),
        ("postgresql", {"path": "/"}, "table_name"),
        ("postgresql", {"table_name": 1}, "table_name"),
        ("postgresql", {"table_name": "a\0b"}, "table_name"),
        ("postgresql", {"table_name": "t" * 1_025}, "table_name"),
        ("postgresql", {"select_statement": "SELECT 1"}, "select_statement"),
        ("generics3", {"file_name": "f"}, "bucket"),
        ("generics3", {"bucket": "b"}, "file_name"),
        ("generics3", {"path": "/b"}, "file_name"),
        ("volumes", {}, "file_name"),
    ],
)
def test_an_incomplete_location_is_refused_by_its_member(kind: str, location: dict[str, Any], member: str) -> None:
    with pytest.raises(Invalid) as refused:
        located(kind, location)
    assert refused.value.field == f"{WHERE}.{member}"


@pytest.mark.parametrize(
    ("kind", "given", "mode"),
    [
        ("postgresql", None, "append"),
        ("postgresql", "append", "append"),
        ("postgresql", "truncate", "truncate"),
        ("generics3", None, "truncate"),
        ("generics3", "truncate", "truncate"),
    ],
)
def test_write_modes(kind: str, given: str | None, mode: str) -> None:
    location = {"write_mode": given} if given else {}
    assert data_reference.write_mode(location, datasource_types.find(kind), where=WHERE) == mode


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("postgresql", "merge", "append or truncate, not 'merge'"),
        ("generics3", "append", "written as a whole"),
        ("http", None, "only read"),
    ],
)
def test_write_modes_that_cannot_be(kind: str, given: str | None, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        data_reference.write_mode({"write_mode": given}, datasource_types.find(kind), where=WHERE)


def test_names_for_people() -> None:
    assert ConnectedData(connection_id="c", schema="s", table="t").name == "s.t"
    assert ConnectedData(connection_id="c", table="t").name == "t"
    assert ConnectedData(connection_id="c", bucket="b", file="f").name == "b/f"
    assert ConnectedData(connection_id="c", bucket="b", file="f").location() == {"bucket": "b", "file_name": "f"}
