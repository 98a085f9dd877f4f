"""Writes outputs chunk by chunk: prediction rows as JSON lines, or files of CSV, Parquet or JSON lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from gristmill_runner.chunk import Chunk
from gristmill_runner.convert import is_text, to_series
from gristmill_runner.csv_text import as_text, csv_lines, matrix_text
from gristmill_runner.failure import RunFailed
from gristmill_runner.plain import column_values, json_lines

Columns = Mapping[str, Any]
Kinds = Mapping[str, "str | None"]


class Writer(Protocol):
    """Takes what was scored, chunk after chunk, in the order of the input."""

    def write(self, chunk: Chunk, predictions: Columns) -> None:
        """Write the chunk's rows with their predictions, which have a value a row in each column."""

    def close(self) -> None:
        """Finish the file."""


class RowWriter:
    """Writes the predictions alone, a JSON list a row: the ``values`` of an inline answer."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self.fields: list[str] | None = None
        self.rows = 0

    def write(self, chunk: Chunk, predictions: Columns) -> None:
        """Write the predictions of a chunk."""
        self.fields = list(predictions)
        self.rows += chunk.rows
        columns = [column_values(values) for values in predictions.values()]
        self._file.write(json_lines(zip(*columns)))  # noqa: B905 - Python 3.9

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class CsvWriter:
    """Writes the input's columns, then the predictions; the header is the first chunk's."""

    def __init__(self, path: Path, kinds: Kinds) -> None:  # noqa: ARG002 - text needs no kinds
        self._file = path.open("wb")
        self._names: list[str] | None = None

    def write(self, chunk: Chunk, predictions: Columns) -> None:
        """Write a chunk; the first one also writes the header."""
        names = _names(chunk, predictions, self._names)
        if self._names is None:
            self._names = names
            self._file.write(csv_lines([_strings([name]) for name in names]))
        columns = [as_text(column) for column in chunk.columns]
        columns += [matrix_text(each) if _is_matrix(each) else as_text(_arrow(each)) for each in predictions.values()]
        self._file.write(csv_lines(columns))

    def close(self) -> None:
        """Finish the file."""
        self._file.close()


class ParquetWriter:
    """As CSV; columns of a declared kind are typed, other columns stay what they were read as."""

    def __init__(self, path: Path, kinds: Kinds) -> None:
        self._path, self._kinds = path, kinds
        self._names: list[str] | None = None
        self._file: Any = None

    def write(self, chunk: Chunk, predictions: Columns) -> None:
        """Write a chunk as a row group; the first one decides the types."""
        import pyarrow as pa
        from pyarrow import parquet

        self._names = _names(chunk, predictions, self._names)
        arrays = [self._typed(name, column) for name, column in _pairs(chunk)]
        arrays += [_arrow(values) for values in predictions.values()]
        table = pa.Table.from_arrays(arrays, names=self._names)
        if self._file is None:
            self._file = parquet.ParquetWriter(self._path, table.schema)
        self._file.write_table(_as_before(table, self._file.schema))

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None:
            self._file.close()

    def _typed(self, name: str, column: Any) -> Any:  # noqa: ANN401
        import pyarrow as pa

        kind = self._kinds.get(name)
        if not is_text(column) or kind is None:
            return pa.array(column) if isinstance(column, list) else column
        return pa.array(to_series(column, name=name, kind=kind), from_pandas=True)


class JsonLinesWriter:
    """Writes an object a row: the input's members, then the predictions."""

    def __init__(self, path: Path, kinds: Kinds) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._kinds = kinds

    def write(self, chunk: Chunk, predictions: Columns) -> None:
        """Write a chunk."""
        names = _names(chunk, predictions, None)
        columns = [self._values(name, column) for name, column in _pairs(chunk)]
        columns += [column_values(values) for values in predictions.values()]
        for row in range(chunk.rows):
            document = {name: column[row] for name, column in zip(names, columns)}  # noqa: B905 - Python 3.9
            self._file.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")

    def close(self) -> None:
        """Finish the file."""
        self._file.close()

    def _values(self, name: str, column: Any) -> list[object]:  # noqa: ANN401
        if isinstance(column, list):
            return column
        kind = self._kinds.get(name)
        typed = to_series(column, name=name, kind=kind) if kind is not None and is_text(column) else column
        return column_values(typed.tolist())


FileWriter = Callable[[Path, Kinds], Writer]
_WRITERS: dict[str, FileWriter] = {"csv": CsvWriter, "parquet": ParquetWriter, "jsonl": JsonLinesWriter}


def file_writer(path: Path, output_format: str, kinds: Kinds) -> Writer:
    """Return the writer of a file in the format; its directory is made.

    Raises:
        RunFailed: ``unsupported_format``.

    """
    if output_format not in _WRITERS:
        raise RunFailed(
            "unsupported_format", f"the output format {output_format!r} is not one of {', '.join(_WRITERS)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    return _WRITERS[output_format](path, kinds)


def _names(chunk: Chunk, predictions: Columns, before: list[str] | None) -> list[str]:
    """Return the output's column names; a prediction whose name the input has already gets a number."""
    names = list(chunk.names) if chunk.named else [f"column_{position + 1}" for position in range(len(chunk.names))]
    for name in predictions:
        number, free = 2, name
        while free in names:
            number, free = number + 1, f"{name}_{number}"
        names.append(free)
    if before is not None and names != before:
        strange = [name for name in names if name not in before] or names
        raise RunFailed(
            "schema_mismatch", f"{chunk.where(0)} has other columns than the rows before: {', '.join(strange)}"
        )
    return names


def _pairs(chunk: Chunk) -> list[tuple[str, Any]]:
    return [(name, chunk.columns[position]) for position, name in enumerate(chunk.names)]


def _strings(texts: list[str]) -> Any:  # noqa: ANN401
    import pyarrow as pa

    return pa.array(texts, pa.string())


def _arrow(values: Any) -> Any:  # noqa: ANN401
    """Return a column of predictions as an Arrow array; NaN is null."""
    import pyarrow as pa

    if _is_matrix(values):
        rows, width = values.shape
        return pa.ListArray.from_arrays(range(0, rows * width + 1, width), pa.array(values.ravel(), from_pandas=True))
    if getattr(values, "ndim", 1) > 1 or isinstance(values, list):
        return pa.array(column_values(values))
    return pa.array(values, from_pandas=True)


def _is_matrix(values: Any) -> bool:  # noqa: ANN401
    """Tell whether there is a list of finite or missing numbers a row."""
    if getattr(values, "ndim", 1) != 2 or values.shape[1] == 0 or values.dtype.kind not in "iuf":
        return False
    import numpy as np

    return not np.isinf(values).any()


def _as_before(table: Any, schema: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    try:
        return table.cast(schema)
    except (pa.ArrowException, ValueError) as error:
        raise RunFailed("output_failed", f"a column changed its type on the way: {error}") from error
