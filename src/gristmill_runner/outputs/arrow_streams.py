"""Arrow streams one behind the other in a file: reading them, and the types that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gristmill_runner.csv_text import as_text


def streams(staged: Path) -> Iterator[Any]:
    """Yield a reader of each stream in a file; each is to be read to its end before the next."""
    import pyarrow as pa

    if not staged.stat().st_size:
        return
    with pa.memory_map(str(staged)) as file:
        size = file.size()
        while file.tell() < size:
            reader = pa.ipc.open_stream(file)
            yield reader
            for _ in reader:
                pass


def is_uniform(staged: Path) -> bool:
    """Tell whether all streams have the same types, each of them known."""
    import pyarrow as pa

    found = {str(reader.schema) for reader in streams(staged)}
    return len(found) == 1 and not any(
        pa.types.is_null(kind) for reader in streams(staged) for kind in reader.schema.types
    )


def count_rows(staged: Path) -> int:
    """Return how many rows there are."""
    return sum(batch.num_rows for reader in streams(staged) for batch in reader)


def common_schema(staged: Path, names: Sequence[str]) -> Any:  # noqa: ANN401 - a pyarrow.Schema
    """Return types that all streams fit into: integers among which fractions appear are numbers.

    Types that have nothing in common are text, and so is a column without a value.
    """
    import pyarrow as pa

    found: list[list[Any]] = [[] for _ in names]
    for reader in streams(staged):
        for at, kind in enumerate(reader.schema.types):
            if kind not in found[at]:
                found[at].append(kind)
    types = [_common(kinds) for kinds in found]
    return pa.schema([pa.field(name, kind) for name, kind in zip(names, types)])  # noqa: B905 - Python 3.9


def common_batches(staged: Path, schema: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield all record batches, with these types."""
    for reader in streams(staged):
        for batch in reader:
            yield _as_common(batch, schema)


def _common(kinds: list[Any]) -> Any:  # noqa: ANN401
    import pyarrow as pa

    schemas = [pa.schema([("", kind)]) for kind in kinds if not pa.types.is_null(kind)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type if schemas else pa.string()
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.string()


def _as_common(batch: Any, schema: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    arrays = []
    for column, field in zip(batch.columns, schema):  # noqa: B905 - Python 3.9
        if column.type == field.type:
            arrays.append(column)
        else:
            arrays.append(as_text(column) if pa.types.is_string(field.type) else column.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
