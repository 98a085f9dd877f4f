"""Reads inputs as chunks: inline tables, and files of CSV, Parquet or JSON lines. Never a whole file at once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import InlineTable, InputFile, Spec

DEFAULT_CHUNK_ROWS = 10_000
_BLOCK_BYTES = (2**20, 2**24, 2**28)  # the next size is tried where a row is longer than a block


@dataclass(frozen=True)
class Source:
    """One inline table or one file; ``rows`` is None where only reading it would tell."""

    name: str
    rows: int | None
    chunks: Callable[[], Iterator[Chunk]]
    table: InlineTable | None = None


def sources(directory: Path, spec: Spec) -> list[Source]:
    """Return the run's inputs in order, inline tables first.

    Raises:
        RunFailed: ``no_input``, there is none.

    """
    size = spec.get("chunk_rows") or DEFAULT_CHUNK_ROWS
    tables = [_inline(directory, table, size) for table in spec.get("inline") or []]
    files = [_file(directory, file, size) for file in spec.get("files") or []]
    if not tables and not files:
        raise RunFailed("no_input", "the run has no input: neither rows nor a file")
    return [*tables, *files]


def format_of(file: InputFile) -> str:
    """Return the file's format; CSV where neither the specification nor the name says otherwise."""
    suffix = Path(file.get("name") or file["path"]).suffix.lower()
    by_name = {".parquet": "parquet", ".pq": "parquet", ".jsonl": "jsonl", ".ndjson": "jsonl"}
    return file.get("format") or by_name.get(suffix, "csv")


def _inline(directory: Path, table: InlineTable, size: int) -> Source:
    def chunks() -> Iterator[Chunk]:
        with (directory / table["path"]).open(encoding="utf-8") as lines:
            yield from _row_chunks(_parsed(lines, size), table.get("fields"), size)

    return Source(name="", rows=table.get("rows"), chunks=chunks, table=table)


def _parsed(lines: Iterable[str], size: int) -> Iterator[Any]:
    """Yield the lines' values, many parsed in one call: a call a line is three times slower."""
    lines = iter(lines)
    while batch := list(islice(lines, size)):
        yield from json.loads("[" + ",".join(batch) + "]")


def _row_chunks(rows: Iterable[Any], fields: list[str] | None, size: int) -> Iterator[Chunk]:
    rows, first, names = iter(rows), 1, fields
    while batch := list(islice(rows, size)):
        batch = [row if isinstance(row, list) else [row] for row in batch]
        names = names or [str(position) for position in range(len(batch[0]))]
        _check_lengths(batch, len(names), first)
        columns = [[row[position] for row in batch] for position in range(len(names))]
        yield Chunk("", first, names, columns, named=fields is not None)
        first += len(batch)


def _check_lengths(batch: list[list[Any]], width: int, first: int) -> None:
    for row, cells in enumerate(batch, start=first):
        if len(cells) != width:
            raise RunFailed("row_failed", f"row {row} has {len(cells)} values, where {width} are expected")


def _file(directory: Path, file: InputFile, size: int) -> Source:
    path, name = directory / file["path"], file.get("name") or Path(file["path"]).name
    kind = format_of(file)
    read = {"csv": _csv_chunks, "parquet": _parquet_chunks, "jsonl": _jsonl_chunks}.get(kind)
    if read is None:
        raise RunFailed("unsupported_format", f"{name}: the format {kind!r} cannot be read; csv, parquet and jsonl can")

    def chunks() -> Iterator[Chunk]:
        try:
            yield from read(path, name, size)
        except (_arrow_error(kind), UnicodeDecodeError) as error:
            raise RunFailed("input_unreadable", f"{name} cannot be read as {kind}: {error}") from error

    return Source(name=name, rows=_parquet_rows(path) if kind == "parquet" else None, chunks=chunks)


def _arrow_error(kind: str) -> type[Exception]:
    if kind == "jsonl":
        return UnicodeDecodeError
    from pyarrow import ArrowInvalid

    error: type[Exception] = ArrowInvalid
    return error


def _csv_chunks(path: Path, name: str, size: int) -> Iterator[Chunk]:
    """Read all columns as text: what is not fed to the model is written back exactly as it came."""
    from pyarrow import ArrowInvalid

    names, has_rows = _csv_header(path, name)
    if not has_rows:
        yield Chunk(name, 1, names, [[] for _ in names])
        return
    done = 0
    for block_bytes in _BLOCK_BYTES:
        try:
            for chunk in _sliced(_csv_batches(path, name, names=names, block_bytes=block_bytes), name, size, skip=done):
                yield chunk
                done += chunk.rows
            return
        except ArrowInvalid as error:
            if "straddling" not in str(error) or block_bytes == _BLOCK_BYTES[-1]:
                raise


def _csv_batches(path: Path, name: str, *, names: list[str], block_bytes: int) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import csv

    def refuse(row: Any) -> str:  # noqa: ANN401 - a pyarrow.csv.InvalidRow
        found = f"has {row.actual_columns} values, where {row.expected_columns} are expected: {row.text[:200]}"
        ragged.append(f"row {row.number - 1} of {name} {found}")
        return "error"

    ragged: list[str] = []
    # A single thread, because only then does Arrow know the number of a row that it refuses.
    reading = csv.ReadOptions(use_threads=False, block_size=block_bytes, column_names=names, skip_rows_after_names=1)
    converting = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    parsing = csv.ParseOptions(newlines_in_values=True, invalid_row_handler=refuse)
    try:
        with csv.open_csv(path, read_options=reading, parse_options=parsing, convert_options=converting) as reader:
            yield from reader
    except pa.ArrowInvalid as error:
        if ragged:
            raise RunFailed("row_failed", ragged[0]) from error
        raise


def _csv_header(path: Path, name: str) -> tuple[list[str], bool]:
    """Return the column names, and whether anything follows them."""
    import csv

    with path.open(encoding="utf-8-sig", newline="") as lines:
        header = next(csv.reader(lines), [])
        has_rows = any(map(str.strip, lines))
    if not header:
        raise RunFailed("schema_mismatch", f"{name} is empty: its first line should name the columns")
    return header, has_rows


def _parquet_chunks(path: Path, name: str, size: int) -> Iterator[Chunk]:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        yield from _sliced(file.iter_batches(batch_size=size), name, size)


def _parquet_rows(path: Path) -> int:
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        rows: int = file.metadata.num_rows
        return rows


def _sliced(batches: Iterable[Any], name: str, size: int, *, skip: int = 0) -> Iterator[Chunk]:
    """Cut record batches into chunks; an input without rows still yields one chunk, for its columns."""
    first = 1
    for batch in batches:
        whole = Chunk(name, first, list(batch.schema.names), list(batch.columns))
        first += batch.num_rows
        for start in range(max(0, skip + 1 - whole.first_row), batch.num_rows, size):
            yield whole.part(start, start + size)
        if first == 1:
            yield whole


def _jsonl_chunks(path: Path, name: str, size: int) -> Iterator[Chunk]:
    with path.open(encoding="utf-8-sig") as lines:
        rows, first = _objects(lines, name), 1
        names: list[str] = []
        while batch := list(islice(rows, size)):
            names = names + [key for key in _keys(batch) if key not in set(names)]
            yield Chunk(name, first, names, [[row.get(key) for row in batch] for key in names])
            first += len(batch)


def _objects(lines: Iterable[str], name: str) -> Iterator[dict[str, Any]]:
    for row, line in enumerate(filter(str.strip, lines), start=1):
        try:
            document = json.loads(line)
        except ValueError as error:
            raise RunFailed("row_failed", f"row {row} of {name} is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise RunFailed("row_failed", f"row {row} of {name} is not a JSON object with a member a column")
        yield document


def _keys(batch: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for row in batch for key in row))
