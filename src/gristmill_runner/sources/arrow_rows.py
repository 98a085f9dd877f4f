"""Arrow files, and Arrow streams, of which several may stand one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FILE_MAGIC = b"ARROW1"


def arrow_batches(path: Path, row: int) -> Iterator[Any]:
    """Yield the batches of a file or of streams, from a row on."""
    import pyarrow as pa

    schema, count = None, 0
    for schema, batch in _all(path):  # noqa: B007 - the last schema is asked for below
        if batch is None:
            continue
        count += batch.num_rows
        if row < batch.num_rows:
            yield batch.slice(row)
        row = max(0, row - batch.num_rows)
    if not count and schema is not None:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def _all(path: Path) -> Iterator[tuple[Any, Any]]:
    """Yield each schema, alone and with each of its batches."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        size = file.size()
        if file.read(len(_FILE_MAGIC)) == _FILE_MAGIC:
            reader = pa.ipc.open_file(file)
            yield reader.schema, None
            for number in range(reader.num_record_batches):
                yield reader.schema, reader.get_batch(number)
            return
        file.seek(0)
        while file.tell() < size:
            stream = pa.ipc.open_stream(file)
            yield stream.schema, None
            for batch in stream:
                yield stream.schema, batch
