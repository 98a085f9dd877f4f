"""Staging in of what lies behind connections: tables become Arrow files, objects are fetched as they are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, cast

from gristmill.data import arrow_file
from gristmill.data.source import DataFailed, FileName, Files, TableName, Tables
from gristmill.domain.data_reference import ConnectedData
from gristmill.engine.attended import Interrupted, Look, attended
from gristmill.service import connected_sources
from gristmill.service.connected_sources import Access
from gristmill.service.context import Context

_TELL_SECONDS = 5.0
_LINES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".ndjson"})
_PREVIEW_BYTES = 16 * 2**20
"""What a preview needs at most of a file that is read by lines: a thousand rows."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What reads the connected inputs of one run.

    ``look`` interrupts it, ``tell`` takes lines for the run's log, ``limit_bytes`` is the most that may lie on disk,
    ``row_limit`` how many rows of a table are wanted (None: all of them).
    """

    context: Context
    space_id: str
    look: Look
    tell: Tell
    limit_bytes: int | None = None
    row_limit: int | None = None

    def lay(self, data: ConnectedData, target: Path) -> int:
        """Lay the data down as a file; return the number of rows of a table, of bytes of a file.

        Raises:
            DataFailed: it cannot be had; the message says where it was to come from, and holds no secret.
            TooMuch: it is larger than what may lie on disk.
            Interrupted: the run is no longer wanted.

        """
        access = connected_sources.of_run(self.context, self.space_id, data.connection_id)
        noun = "table" if data.table is not None else "file"
        what = f"{noun} {data.name or access.name} of connection {access.name}"
        self.tell(f"Reading input: {what}.")
        begun = time.monotonic()
        try:
            number = attended(lambda unwanted: self._copied(access, data, target, what, unwanted), self.look)
        except DataFailed as error:
            raise DataFailed(error.code, access.masked(f"The {what} cannot be read: {error.message}")) from error
        unit = "rows" if data.table is not None else "bytes"
        self.tell(f"Read input: {what}: {number:,} {unit} in {time.monotonic() - begun:.1f} s.")
        return number

    def _copied(self, access: Access, data: ConnectedData, target: Path, what: str, unwanted: threading.Event) -> int:
        with access.open() as source:
            if data.table is None:
                return self._fetched(cast("Files", source), data, target)
            table = TableName(schema=data.schema, table=data.table)
            tables = cast("Tables", source)
            return arrow_file.write(
                target,
                _while_wanted(tables.read(table, limit=self.row_limit), unwanted),
                schema=lambda: tables.schema(table),
                tell=self._progress(what),
            )

    def _fetched(self, files: Files, data: ConnectedData, target: Path) -> int:
        file = FileName(bucket=data.bucket, name=str(data.file))
        size = files.size(file)
        if size is not None and self.limit_bytes is not None and size > self.limit_bytes:
            raise TooMuch(size)
        is_text = PurePath(file.name).suffix.lower() in _LINES
        return files.fetch(file, target, limit_bytes=_PREVIEW_BYTES if self.row_limit and is_text else None)

    def _progress(self, what: str) -> Callable[[int], None]:
        begun = told = time.monotonic()

        def tell(rows: int) -> None:
            nonlocal told
            now = time.monotonic()
            if now - told >= _TELL_SECONDS:
                told = now
                self.tell(f"Reading input: {what}: {rows:,} rows in {now - begun:.0f} s.")

        return tell


class TooMuch(Interrupted):
    """An input is larger than what a run may have on disk."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")


def _while_wanted(batches: Iterator[Any], unwanted: threading.Event) -> Iterator[Any]:
    for batch in batches:
        if unwanted.is_set():
            return
        yield batch
