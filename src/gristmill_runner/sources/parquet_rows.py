"""Parquet files, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed

_BATCH_ROWS = 65_536


def parquet_batches(path: Path, row: int) -> Iterator[Any]:
    """Yield the batches of a file from a row on; row groups before it are not read."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        groups = [file.metadata.row_group(number).num_rows for number in range(file.metadata.num_row_groups)]
        first = 0
        while groups and first < len(groups) and row >= groups[first]:
            row -= groups[first]
            first += 1
        wanted = range(first, len(groups))
        if not sum(groups) and row == 0:
            yield from _empty(file.schema_arrow)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS, row_groups=list(wanted)) if wanted else ():
            if row < batch.num_rows:
                yield batch.slice(row)
            row = max(0, row - batch.num_rows)


def parquet_count(path: Path, name: str) -> int:
    """Return how many rows a file has.

    Raises:
        RunFailed: ``input_unreadable``.

    """
    from pyarrow import ArrowInvalid, parquet

    try:
        with parquet.ParquetFile(path) as file:
            rows: int = file.metadata.num_rows
            return rows
    except ArrowInvalid as error:
        raise RunFailed("input_unreadable", f"{name} cannot be read as parquet: {error}") from error


def _empty(schema: Any) -> Iterator[Any]:  # noqa: ANN401
    import pyarrow as pa

    yield pa.RecordBatch.from_pylist([], schema=schema)
