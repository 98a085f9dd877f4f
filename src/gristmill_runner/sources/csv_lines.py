"""Rows of a CSV file as they stand there, for outputs that can hold them so: not taken apart to be joined again."""

from __future__ import annotations

from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.sources.csv_cut import quotes_are_regular, row_ends
from gristmill_runner.sources.csv_dialect import Dialect
from gristmill_runner.sources.csv_parse import CsvParser

WRITTEN = Dialect()
"""The dialect of CSV outputs."""


def lines_of(content: bytes, dialect: Dialect) -> Any:  # noqa: ANN401 - pyarrow comes untyped
    """Return the rows that are not blank as an Arrow array of bytes, each with the line break before it.

    None where they could not stand so in an output: another quote, a carriage return for a line break, quotes within
    cells, or commas where the delimiter is another. The content is not known to be UTF-8.
    """
    import numpy as np
    import pyarrow as pa

    rows = _in_our_dialect(content, dialect)
    if rows is None:
        return None
    returns = b"\r" in rows
    if not rows.endswith(b"\n"):
        rows += b"\r\n" if returns else b"\n"
    ends = row_ends(rows, WRITTEN)
    if returns and not _all_with_returns(rows, ends):
        return None
    offsets = np.zeros(len(ends) + 1, dtype=np.int32)
    offsets[1:] = ends
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"\n" + rows)]
    lines = pa.Array.from_buffers(pa.binary(), len(ends), buffers)
    return _without_blank(lines, offsets, returns=returns)


def as_it_came(chunk: Chunk) -> Chunk:
    """Return the chunk with text in all its columns, where they are numbers of which only the lines know the text."""
    if chunk.lines is None:
        return chunk
    content = b"".join(chunk.lines.view("binary").to_pylist())
    columns = CsvParser(len(chunk.names), WRITTEN).parse(content[1:], {}).columns
    return Chunk(chunk.source, chunk.first_row, chunk.names, columns, chunk.named, chunk.lines)


def _in_our_dialect(content: bytes, dialect: Dialect) -> bytes | None:
    quoted = b'"' in content
    if dialect.quote != WRITTEN.quote and (quoted or dialect.quote.encode() in content):
        return None
    if dialect.delimiter != WRITTEN.delimiter:
        if quoted or b"," in content:
            return None
        content = content.replace(dialect.delimiter.encode(), b",")
    return content if not quoted or quotes_are_regular(content, WRITTEN) else None


def _all_with_returns(rows: bytes, ends: Any) -> bool:  # noqa: ANN401
    import numpy as np

    data = np.frombuffer(rows, dtype=np.uint8)
    return bool((ends > 1).all() and (data[ends - 1] == 10).all() and (data[ends - 2] == 13).all())


def _without_blank(lines: Any, offsets: Any, *, returns: bool) -> Any:  # noqa: ANN401
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    filled = np.diff(offsets) > (2 if returns else 1)
    if not filled.all():
        lines = lines.filter(pa.array(filled))
    return pc.binary_slice(lines, 0, -1) if returns else lines
