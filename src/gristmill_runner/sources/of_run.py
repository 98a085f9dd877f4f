"""The inputs of a run, each by its format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Dialect, InlineTable, InputFile, Spec
from gristmill_runner.sources.archive import members_of
from gristmill_runner.sources.arrow_rows import arrow_batches
from gristmill_runner.sources.csv_source import CsvSource
from gristmill_runner.sources.held_file import FileOnDisk, HeldFile
from gristmill_runner.sources.json_document import JsonDocumentSource, is_document
from gristmill_runner.sources.json_rows import InlineSource, JsonLinesSource
from gristmill_runner.sources.parquet_rows import parquet_batches, parquet_count
from gristmill_runner.sources.record_batches import BatchSource
from gristmill_runner.sources.source import Source
from gristmill_runner.sources.text_blocks import Sizes
from gristmill_runner.sources.text_file import text_of
from gristmill_runner.sources.workbook_rows import workbook_batches

BLOCK_BYTES = 2**23
_FIRST = 8  # the first block is so many times smaller
_JSON = 8  # so are blocks of JSON, whose values take more memory
_ZIP = "zip"
_COMPRESSED = (".gz", ".zst", ".bz2")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xlsb": "xlsx",
    ".xls": "xlsx",
    ".ods": "xlsx",
    ".zip": _ZIP,
}


def sources(directory: Path, spec: Spec) -> list[Source]:
    """Return the run's inputs in order, inline tables first; each member of an archive is one.

    Raises:
        RunFailed: ``no_input``, there is none; ``unsupported_format``; ``input_unreadable``.

    """
    size = spec.get("block_bytes") or BLOCK_BYTES
    tables, files = spec.get("inline") or [], spec.get("files") or []
    if not tables and not files:
        raise RunFailed("no_input", "the run has no input: neither rows nor a file")
    found: list[Source] = [_inline(number, directory, table, size) for number, table in enumerate(tables)]
    for file in files:
        held = FileOnDisk(file.get("name") or Path(file["path"]).name, directory / file["path"])
        for each, kind in _files(held, _format_of(file)):
            source = _source(len(found), each, kind, file.get("dialect") or {}, size=size)
            if isinstance(source, BatchSource) and "rows" in file:
                source = replace(source, rows=file["rows"])
            found.append(source)
    return found


def format_told(name: str) -> str | None:
    """Return the format that a file's name tells, None where it tells none; what compresses it does not count."""
    path = PurePosixPath(name.lower())
    return _SUFFIXES.get((path.with_suffix("") if path.suffix in _COMPRESSED else path).suffix)


def _format_of(file: InputFile) -> str:
    return file.get("format") or format_told(file.get("name") or file["path"]) or "csv"


def _files(held: FileOnDisk, kind: str) -> Iterator[tuple[HeldFile, str]]:
    """Return the file itself, or the members of an archive, each with its format."""
    if kind != _ZIP:
        yield held, kind
        return
    for member in members_of(held):
        told = format_told(member.member)
        if told is None:
            raise RunFailed("unsupported_format", f"{member.name}: a member's name has to tell its format")
        yield member, told


def _source(number: int, held: HeldFile, kind: str, told: Dialect, *, size: int) -> Source:
    if kind not in _OPENERS:
        known = ", ".join([*_OPENERS, _ZIP])
        raise RunFailed("unsupported_format", f"{held.name}: the format {kind!r} cannot be read; these can: {known}")
    return _OPENERS[kind](number, held, told, size)


def _sizes(size: int) -> Sizes:
    return Sizes(first=max(1, size // _FIRST), usual=size)


def _inline(number: int, directory: Path, table: InlineTable, size: int) -> Source:
    text = text_of(FileOnDisk("inline rows", directory / table["path"]), encoding="utf-8")
    fields, members = table.get("fields"), table.get("members") or {}
    return InlineSource(number, text, _sizes(max(1, size // _JSON)), fields, table.get("rows"), members)


def _csv(number: int, held: HeldFile, told: Dialect, size: int) -> Source:
    return CsvSource(number, text_of(held, encoding=told.get("encoding")), _sizes(size), told)


def _json(number: int, held: HeldFile, told: Dialect, size: int) -> Source:
    text, sizes = text_of(held, encoding=told.get("encoding") or "utf-8"), _sizes(max(1, size // _JSON))
    document = is_document(text.sample)
    return JsonDocumentSource(number, text, sizes) if document else JsonLinesSource(number, text, sizes)


def _json_lines(number: int, held: HeldFile, told: Dialect, size: int) -> Source:
    text, sizes = text_of(held, encoding=told.get("encoding") or "utf-8"), _sizes(max(1, size // _JSON))
    # A list is what many programs write into a file of that name.
    is_list = text.sample.lstrip().startswith(b"[")
    return JsonDocumentSource(number, text, sizes) if is_list else JsonLinesSource(number, text, sizes)


def _parquet(number: int, held: HeldFile, told: Dialect, size: int) -> Source:  # noqa: ARG001
    rows = None if held.path is None else parquet_count(held.path, held.name)
    return BatchSource(number, held, parquet_batches, _sizes(size), "parquet", rows=rows)


def _arrow(number: int, held: HeldFile, told: Dialect, size: int) -> Source:  # noqa: ARG001
    return BatchSource(number, held, arrow_batches, _sizes(size), "arrow")


def _workbook(number: int, held: HeldFile, told: Dialect, size: int) -> Source:  # noqa: ARG001
    return BatchSource(number, held, workbook_batches, _sizes(size), "a workbook")


_OPENERS: dict[str, Callable[[int, HeldFile, Dialect, int], Source]] = {
    "csv": _csv,
    "jsonl": _json_lines,
    "json": _json,
    "parquet": _parquet,
    "arrow": _arrow,
    "xlsx": _workbook,
}
