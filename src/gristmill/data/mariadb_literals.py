"""Rows as literals of SQL for MariaDB and MySQL, made a column at a time.

They hold where ``NO_BACKSLASH_ESCAPES`` is set and the connection speaks UTF-8: then a quotation mark is all that ends
a text, and it is doubled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.data.fitting import mismatch
from gristmill.data.source import DataFailed

_STATEMENT_BYTES = 1024**2


def statements(batch: Any, most_bytes: int) -> Iterator[str]:  # noqa: ANN401 - pyarrow's RecordBatch
    """Yield what stands behind VALUES, about a megabyte at a time.

    Raises:
        DataFailed: a value is no literal there, or one row is larger than a statement may be.

    """
    columns = [_literals(column, field.name) for column, field in zip(batch.columns, batch.schema, strict=True)]
    part: list[str] = []
    size = 0
    for row in pc.binary_join_element_wise(*columns, ",").to_pylist():
        # A character has four bytes at most; only long rows are worth a second look.
        if len(row) * 4 > most_bytes and len(row.encode()) > most_bytes:
            raise DataFailed(
                "data_mismatch",
                f"A row has {len(row)} characters; the server's max_allowed_packet lets none so long in.",
            )
        if part and size + len(row) * 4 > min(4 * _STATEMENT_BYTES, most_bytes):
            yield ",".join(part)
            part, size = [], 0
        part.append(f"({row})")
        size += len(row) * 4
    if part:
        yield ",".join(part)


def _literals(column: Any, name: str) -> Any:  # noqa: ANN401
    kind = column.type
    if pa.types.is_binary(kind):
        texts = pa.array([None if value is None else f"x'{value.hex()}'" for value in column.to_pylist()], pa.string())
    elif pa.types.is_boolean(kind):
        texts = column.cast(pa.int8()).cast(pa.string())
    elif pa.types.is_integer(kind):
        texts = column.cast(pa.string())
    else:
        texts = _quoted(_plain(column, name).cast(pa.string()))
    return pc.fill_null(texts, "NULL")


def _plain(column: Any, name: str) -> Any:  # noqa: ANN401
    """Return a column without numbers that are none, and with moments of UTC that do not say so."""
    if pa.types.is_floating(column.type):
        if pc.any(pc.is_inf(column)).as_py():
            raise mismatch(name, "the database has no infinite numbers")
        return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    return column.cast(pa.timestamp("us")) if pa.types.is_timestamp(column.type) else column


def _quoted(texts: Any) -> Any:  # noqa: ANN401
    return pc.binary_join_element_wise("'", pc.replace_substring(texts, "'", "''"), "'", "")
