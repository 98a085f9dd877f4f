"""Files of Arrow streams, one behind the other: how tables lie in run directories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from gristmill.data.source import DataFailed

# pyarrow takes a while to import, and most runs have no table.


def write(path: Path, batches: Iterable[Any], *, schema: Callable[[], Any], tell: Callable[[int], None]) -> int:
    """Write record batches as one stream and return the number of rows, telling it after each batch.

    ``schema`` is asked where there are no batches.
    """
    from pyarrow import ipc

    rows, found = 0, iter(batches)
    first = next(found, None)
    with ipc.new_stream(str(path), schema() if first is None else first.schema) as stream:
        while first is not None:
            stream.write_batch(first)
            rows += first.num_rows
            tell(rows)
            first = next(found, None)
    return rows


def schema(path: Path) -> Any:  # noqa: ANN401 - a pyarrow.Schema; pyarrow comes untyped
    """Return the schema of a file's first stream.

    Raises:
        DataFailed: it holds none.

    """
    from pyarrow import ArrowException, ipc

    try:
        with ipc.open_stream(str(path)) as stream:
            return stream.schema
    except (ArrowException, OSError) as error:
        raise _broken(error) from error


def read(path: Path) -> Iterator[Any]:
    """Yield the record batches of all streams of a file that others wrote: each is looked through before it is used.

    Raises:
        DataFailed: the file is no row of streams.

    """
    import pyarrow as pa
    from pyarrow import ipc

    size = path.stat().st_size
    try:
        # Not mapped into memory: its writer may still be able to cut it off.
        with pa.OSFile(str(path)) as file:
            while file.tell() < size:
                # Not closed between: that would close the file.
                for batch in ipc.open_stream(file):
                    batch.validate(full=True)
                    yield batch
    except (pa.ArrowException, OSError) as error:
        raise _broken(error) from error


def _broken(error: Exception) -> DataFailed:
    return DataFailed("data_failed", f"the file of rows is broken: {error}")
