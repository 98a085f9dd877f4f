"""Inline tables: rows as JSON lines, small ones in the run's row, large ones as content, never as a whole in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

from gristmill.domain.run_spec import SMALL_TABLE_BYTES, InlineTable
from gristmill.service.contents import let_go
from gristmill.service.context import Context

_ROWS_AT_ONCE = 2_000
_FEW_BYTES = 4 * 1024
_BLOCK_BYTES = 1024 * 1024


def keep(
    context: Context, lines: Iterable[str], *, fields: Sequence[str] | None, members: Mapping[str, Any]
) -> InlineTable:
    """Keep rows that come as JSON texts without line breaks; at most a small table's worth is held in memory."""
    counted = _Counted(lines)
    head: list[str] = []
    size = 0
    for line in counted:
        head.append(line)
        size += len(line) + 1
        if size > SMALL_TABLE_BYTES:
            stored = context.content.put(_blocks(chain(head, counted)))
            return InlineTable(rows=counted.number, fields=fields, members=members, content_key=stored.key)
    return InlineTable(rows=counted.number, fields=fields, members=members, text="".join(f"{line}\n" for line in head))


def keep_file(context: Context, table: InlineTable, stream: Iterable[bytes]) -> InlineTable:
    """Keep rows that a run left as a file of JSON lines."""
    lines = (line.decode().rstrip("\n") for line in stream)
    return keep(context, lines, fields=table.fields, members=table.members)


def blocks(context: Context, table: InlineTable) -> Iterator[bytes]:
    """Yield the table's JSON lines in blocks."""
    if table.content_key is None:
        yield (table.text or "").encode()
    else:
        yield from context.content.stream(table.content_key)


def batches(context: Context, table: InlineTable) -> Iterator[list[Any]]:
    """Yield the table's rows, parsed, in bounded batches."""
    lines = _lines(blocks(context, table))
    while batch := list(islice(lines, _ROWS_AT_ONCE)):
        yield json.loads(b"[" + b",".join(batch) + b"]")


def are_few(tables: Sequence[InlineTable]) -> bool:
    """Tell whether the rows are so few that to look at them takes less than a millisecond."""
    return not content_keys(tables) and sum(len(table.text or "") for table in tables) <= _FEW_BYTES


def content_keys(tables: Iterable[InlineTable]) -> list[str]:
    """Return the keys of those tables that are content."""
    return [table.content_key for table in tables if table.content_key]


def discard(context: Context, tables: Iterable[InlineTable], error: BaseException | None = None) -> None:
    """Remove the content of tables that no run took, because of ``error`` or because they came before."""
    let_go(context, content_keys(tables), error)


class _Counted:
    """Lines that count themselves while they pass."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        return line


def _blocks(lines: Iterable[str]) -> Iterator[bytes]:
    block = bytearray()
    for line in lines:
        block += line.encode()
        block += b"\n"
        if len(block) >= _BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    if block:
        yield bytes(block)


def _lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in stream:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        yield rest
