"""A database and an object store that are in memory: what is behind every connection of a test that asks for none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from gristmill.data.places import Places
from gristmill.data.source import (
    ALWAYS,
    DataFailed,
    Entry,
    FileName,
    Source,
    TableName,
    Wanted,
    WriteMode,
    Written,
)


@dataclass
class Behind:
    """What is behind all connections. ``opened`` are the properties that each was opened with, types first.

    ``hold`` is waited for between two batches that are read, and before a file is; ``before_write`` is
    called when a write begins, ``after_write`` when it is committed.
    """

    tables: dict[str, pa.Table] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    publications: dict[str, int] = field(default_factory=dict)
    opened: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    refusal: DataFailed | None = None
    write_refusal: DataFailed | None = None
    before_write: Callable[[], None] = lambda: None
    after_write: Callable[[], None] = lambda: None
    hold: threading.Event | None = None
    given_up: threading.Event = field(default_factory=threading.Event)

    def connect(self, datasource_type: str, properties: Mapping[str, Any], *, places: Places) -> Source:
        """Open a connection."""
        assert isinstance(places, Places)
        self.opened.append((datasource_type, properties))
        if self.refusal:
            raise self.refusal
        found: Source = MemoryTables(self) if datasource_type == "postgresql" else MemoryFiles(self)
        return found


class _Open:
    def __init__(self, behind: Behind) -> None:
        self._behind = behind

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def test(self) -> None:
        self._wait()

    def _wait(self) -> None:
        if self._behind.hold:
            self._behind.hold.wait(30)


class MemoryTables(_Open):
    """Tables by ``schema.table``; a write is whole, and each publication is written once."""

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        names = sorted(self._behind.tables)
        if path == "/":
            schemas = sorted({name.partition(".")[0] for name in names})
            return [Entry(name=each, type="schema", path=f"/{each}") for each in schemas][offset : offset + limit]
        schema = path.strip("/")
        found = [name.partition(".")[2] for name in names if name.startswith(f"{schema}.")]
        entries = [Entry(name=each, type="table", path=f"/{schema}/{each}", rows=1) for each in found]
        return entries[offset : offset + limit]

    def schema(self, table: TableName) -> Any:
        return self._table(table).schema

    def read(self, table: TableName, *, limit: int | None = None) -> Iterator[Any]:
        rows = self._table(table)
        for batch in rows.slice(0, limit).to_batches(max_chunksize=2):
            yield batch
            self._wait()

    def write(
        self, table: TableName, batches: Iterable[Any], *, schema: Any, mode: WriteMode, publication: str
    ) -> Written:
        if publication in self._behind.publications:
            return Written(rows=self._behind.publications[publication], before=True)
        if self._behind.write_refusal:
            raise self._behind.write_refusal
        self._behind.before_write()
        try:
            new = pa.Table.from_batches(list(batches), schema)
        except BaseException:
            self._behind.given_up.set()
            raise
        name = _name(table)
        old = self._behind.tables.get(name) if mode == "append" else None
        self._behind.tables[name] = pa.concat_tables([old, new]) if old is not None else new
        self._behind.publications[publication] = new.num_rows
        self._behind.after_write()
        return Written(rows=new.num_rows)

    def _table(self, table: TableName) -> pa.Table:
        found = self._behind.tables.get(_name(table))
        if found is None:
            raise DataFailed("data_not_found", f"there is no table {_name(table)}")
        return found


class MemoryFiles(_Open):
    """Files by ``bucket/name``; of no bucket, those of the bucket ``own``."""

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        names = sorted(name for name in self._behind.files if f"/{name}".startswith(path))
        entries = [Entry(name=name.rpartition("/")[2], type="file", path=f"/{name}", size=1) for name in names]
        return entries[offset : offset + limit]

    def size(self, file: FileName) -> int | None:
        return len(self._file(file))

    def fetch(self, file: FileName, target: Path, *, limit_bytes: int | None = None) -> int:
        self._wait()
        return target.write_bytes(self._file(file)[:limit_bytes])

    def store(self, file: FileName, source: Path, wanted: Wanted = ALWAYS) -> None:
        if self._behind.write_refusal:
            raise self._behind.write_refusal
        self._behind.before_write()
        try:
            wanted.commit()
        except BaseException:
            self._behind.given_up.set()
            raise
        self._behind.files[_file_name(file)] = source.read_bytes()
        self._behind.after_write()

    def _file(self, file: FileName) -> bytes:
        found = self._behind.files.get(_file_name(file))
        if found is None:
            raise DataFailed("data_not_found", f"there is no file {_file_name(file)}")
        return found


def _name(table: TableName) -> str:
    return f"{table.schema or 'public'}.{table.table}"


def _file_name(file: FileName) -> str:
    return f"{file.bucket or 'own'}/{file.name}"
