"""Data behind connections, as references of the wire name it: tables by schema and name, files by bucket and name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gristmill.domain.datasource_types import DatasourceType
from gristmill.domain.errors import Invalid

_READ_ONLY = frozenset({"http"})
_QUERIES = ("select_statement", "query", "sql")
_MEMBERS = ("schema_name", "table_name", "bucket", "file_name", "path")
WRITE_MODES = ("append", "truncate")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedData:
    """A table behind a connection, or, where ``table`` is None, a file. Without ``bucket``, the connection's own."""

    connection_id: str
    table: str | None = None
    schema: str | None = None
    file: str | None = None
    bucket: str | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        if self.table is not None:
            return f"{self.schema}.{self.table}" if self.schema else self.table
        return f"{self.bucket}/{self.file}" if self.bucket else str(self.file)

    def location(self) -> dict[str, str]:
        """Return its location as the wire writes it."""
        if self.table is not None:
            members = {"schema_name": self.schema, "table_name": self.table}
        else:
            members = {"bucket": self.bucket, "file_name": self.file}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedInput:
    """Data that is read when the run starts; ``position`` is its place among all inputs of the run, from 0."""

    position: int
    data: ConnectedData

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild it from its document."""
        return cls(position=document["position"], data=ConnectedData(**document["data"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectedOutput:
    """Where results are published. Names may still hold templates; ``write_mode`` is one of ``WRITE_MODES``."""

    data: ConnectedData
    write_mode: str = "append"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Rebuild it from its document."""
        return cls(data=ConnectedData(**document["data"]), write_mode=document["write_mode"])


def located(
    location: Mapping[str, Any], kind: DatasourceType, properties: Mapping[str, Any], *, connection_id: str, where: str
) -> ConnectedData:
    """Return what a location names: by schema and table, by bucket and file, or by ``path``.

    A path is ``/schema/table``, ``/bucket/file``, or ``file`` in the connection's own bucket. ``properties`` are the
    connection's.

    Raises:
        Invalid: the location is incomplete, or of the other kind; the member is named.

    """
    for member in _QUERIES:
        if location.get(member):
            raise Invalid(f"{where}.{member}: name a table; queries are not run.", field=f"{where}.{member}")
    texts = {
        name: _text(location, name, where) for name in ("schema_name", "table_name", "bucket", "file_name", "path")
    }
    if kind.kind == "database":
        return _table(texts, connection_id, where)
    return _file(texts, kind, properties, connection_id=connection_id, where=where)


def write_mode(location: Mapping[str, Any], kind: DatasourceType, *, where: str) -> str:
    """Return how an output is written. Tables: ``append``, unless it says ``truncate``; files are always replaced.

    Raises:
        Invalid: it is another mode, a file is to be appended to, or data of this type cannot be written.

    """
    given = location.get("write_mode")
    if kind.name in _READ_ONLY:
        raise Invalid(f"{where}: data of type {kind.name} is only read, not written.", field=where)
    if given is not None and given not in WRITE_MODES:
        raise Invalid(f"{where}.write_mode: it is append or truncate, not {given!r}.", field=f"{where}.write_mode")
    if kind.kind == "database":
        return str(given or "append")
    if given == "append":
        raise Invalid(
            f"{where}.write_mode: a file is written as a whole; leave it out, or write to a table.",
            field=f"{where}.write_mode",
        )
    return "truncate"


def _table(texts: Mapping[str, str | None], connection_id: str, where: str) -> ConnectedData:
    schema, table = texts["schema_name"], texts["table_name"]
    if table is None and texts["path"]:
        first, _, rest = texts["path"].strip("/").partition("/")
        schema, table = (_plain(first), _plain(rest)) if rest else (None, _plain(first))
    if not table:
        raise Invalid(f"{where}.table_name: name the table.", field=f"{where}.table_name")
    return ConnectedData(connection_id=connection_id, schema=schema, table=table)


def _plain(part: str) -> str:
    """Return a part of a path as the name that it is: browsing writes a slash within a name as ``%2F``."""
    return part.replace("%2F", "/").replace("%25", "%")


def _file(
    texts: Mapping[str, str | None],
    kind: DatasourceType,
    properties: Mapping[str, Any],
    *,
    connection_id: str,
    where: str,
) -> ConnectedData:
    bucket, file = texts["bucket"], texts["file_name"]
    has_buckets = any(entry.name == "bucket" for entry in kind.properties)
    if file is None and texts["path"]:
        file = texts["path"]
        # An absolute path begins with the bucket, as browsing shows it.
        if has_buckets and bucket is None and file.startswith("/"):
            bucket, _, file = file[1:].partition("/")
    file = file.lstrip("/") if file and not has_buckets else file
    if has_buckets and not bucket and not properties.get("bucket"):
        message = f"{where}.bucket: name the bucket; the connection has none of its own."
        raise Invalid(message, field=f"{where}.bucket")
    if not file and kind.name not in _READ_ONLY:
        raise Invalid(f"{where}.file_name: name the file.", field=f"{where}.file_name")
    return ConnectedData(connection_id=connection_id, bucket=bucket or None, file=file or "")


def _text(location: Mapping[str, Any], name: str, where: str) -> str | None:
    value = location.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or "\0" in value or len(value) > 1_024:
        message = f"{where}.{name}: it is a text of 1,024 characters at most."
        raise Invalid(message, field=f"{where}.{name}")
    return value
