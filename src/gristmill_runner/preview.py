"""The first rows of an input, its columns and their types, and how many rows there are as far as that is cheap."""

from __future__ import annotations

import itertools
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk, Column, cell
from gristmill_runner.failure import RunFailed, is_out_of_memory, summary_of
from gristmill_runner.limits import bound_memory
from gristmill_runner.preview_values import is_told, plain, type_of
from gristmill_runner.protocol import read_spec
from gristmill_runner.sources.csv_source import CsvSource
from gristmill_runner.sources.of_run import sources
from gristmill_runner.sources.source import Parsed, Source

_MEMORY_BYTES = 2**30
_CPU_SECONDS = 20
_COUNT_SECONDS = 5.0
_MOST_COLUMNS = 1_000


def preview(directory: Path, *, rows: int, whole_bytes: int) -> dict[str, Any]:
    """Return the preview of a run directory's one file, or ``{"failure": {"code", "message"}}``.

    The preview has ``columns`` (name, type, and whether that is inferred), ``rows`` of JSON values, ``row_count``,
    ``row_count_kind`` (exact, estimated or unknown), ``unreadable_rows`` among those that were looked at,
    ``columns_left_out``, and ``members``, of which the first is shown. ``whole_bytes`` is the size of the file that
    this one is the beginning of; 0: it is whole.
    """
    bound_memory(_MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS + 1))
    try:
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            found = sources(directory, read_spec(directory))
            beginning = _Beginning(found[0], Path(scratch), rows, whole_bytes)
            beginning.read()
            return {**_shown(beginning), "members": len(found)}
    except RunFailed as error:
        return _failure(error.code, str(error))
    except Exception as error:  # noqa: BLE001 - what a library says of a broken file is what its owner should read
        if is_out_of_memory(error):
            return _failure("preview_failed", "its beginning takes more memory than a preview has")
        return _failure("input_unreadable", summary_of(error))


@dataclass
class _Beginning:
    """What was read of a source: ``rows`` rows at least if it has them, and all of it if it is whole and small."""

    source: Source
    scratch: Path
    wanted: int
    whole_bytes: int
    chunks: list[Chunk] = field(default_factory=list)
    unreadable: int = 0
    counted: int = 0
    bytes_read: int = 0
    ended: bool = False

    def read(self) -> None:
        """Read what is needed; behind the end of a beginning there is nothing."""
        deadline = time.monotonic() + _COUNT_SECONDS
        knows = self.source.rows is not None or bool(self.whole_bytes)
        try:
            for read in self._blocks():
                enough = read >= self.wanted
                if enough and (knows or time.monotonic() > deadline):
                    return
            self.ended = not self.whole_bytes
        except RunFailed:
            # The middle of a compressed file is no end of one.
            if not (self.whole_bytes and self.chunks):
                raise

    def count(self) -> tuple[int | None, str]:
        """Return how many rows the whole source has, and how that is known."""
        if self.source.rows is not None:
            return self.source.rows, "exact"
        if self.ended:
            return self.counted, "exact"
        whole = self.whole_bytes or self.source.size_bytes
        if whole and self.source.size_bytes and self.bytes_read:
            return round(self.counted * whole / self.bytes_read), "estimated"
        return None, "unknown"

    def _blocks(self) -> Iterator[int]:
        """Parse block by block; yield the number of rows so far."""
        for block in self.source.blocks(self.scratch):
            parsed = self.source.parse(block)
            if self.whole_bytes and block.stop == self.source.size_bytes:
                parsed = _without_the_last(parsed)
            if sum(each.rows for each in self.chunks) < self.wanted:
                self.chunks.append(parsed.chunk)
                self.unreadable += len(parsed.bad)
            if block.scratch:
                block.path.unlink(missing_ok=True)
            self.counted += parsed.rows
            self.bytes_read = block.stop
            yield self.counted


def _without_the_last(parsed: Parsed) -> Parsed:
    """Return the rows without the last one: at the end of a beginning stands half a row."""
    last = parsed.rows - 1
    bad = [row for row in parsed.bad if row.position != last]
    kept = parsed.chunk.rows if len(bad) < len(parsed.bad) else parsed.chunk.rows - 1
    return Parsed(parsed.chunk.part(0, max(0, kept)), max(0, last), bad=bad)


def _failure(code: str, message: str) -> dict[str, Any]:
    return {"failure": {"code": code, "message": message}}


def _shown(beginning: _Beginning) -> dict[str, Any]:
    first = beginning.chunks[0]
    is_text = isinstance(beginning.source, CsvSource)
    columns = [(name, _values(beginning, at)) for at, name in enumerate(first.names[:_MOST_COLUMNS])]
    rows = min((len(values) for _, values in columns), default=0)
    count, kind = beginning.count()
    return {
        "columns": [
            _column(name, first.columns[at], values, is_text=is_text) for at, (name, values) in enumerate(columns)
        ],
        "rows": [[plain(values[row]) for _, values in columns] for row in range(rows)],
        "row_count": count,
        "row_count_kind": kind,
        "unreadable_rows": beginning.unreadable,
        "columns_left_out": len(first.names) - len(columns),
    }


def _values(beginning: _Beginning, at: int) -> list[object]:
    found = (cell(chunk.columns[at], row) for chunk in beginning.chunks for row in range(chunk.rows))
    return list(itertools.islice(found, beginning.wanted))


def _column(name: str, column: Column, values: list[object], *, is_text: bool) -> dict[str, Any]:
    told = is_told(column) and not is_text
    return {"name": name, "type": str(column.type) if told else type_of(values), "inferred": not told}
