"""Columns of predictions and of inputs as Arrow arrays, and as values of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.convert import INTEGER, NUMBER, is_text, to_series
from gristmill_runner.csv_text import as_text
from gristmill_runner.plain import column_values

_NOTHING = ("", "null", "none", "nan", "na", "n/a", "#n/a")

Kinds = Mapping[str, "str | None"]


def arrow_array(values: Any) -> Any:  # noqa: ANN401 - arrays of any library
    """Return a column of predictions as an Arrow array; NaN is null."""
    import numpy as np
    import pyarrow as pa

    if is_matrix(values):
        rows, width = values.shape
        offsets = np.arange(0, rows * width + 1, width, dtype=np.int32)
        return pa.ListArray.from_arrays(offsets, pa.array(values.ravel(), from_pandas=True))
    if getattr(values, "ndim", 1) > 1 or isinstance(values, list):
        return _of_values(column_values(values))
    return pa.array(values, from_pandas=True)


def is_matrix(values: Any) -> bool:  # noqa: ANN401
    """Tell whether there is a list of finite or missing numbers a row."""
    if getattr(values, "ndim", 1) != 2 or values.shape[1] == 0 or values.dtype.kind not in "iuf":
        return False
    import numpy as np

    return not np.isinf(values).any()


def typed_column(chunk: Chunk, name: str, column: Any, kinds: Kinds) -> Any:  # noqa: ANN401 - see chunk.Column
    """Return a column of the input as an Arrow array: text of a known kind as that, all else as it was read."""
    import pyarrow as pa

    if isinstance(column, list):
        return _of_values(column)
    kind = kinds.get(name)
    if is_text(column) and kind is not None:
        numbers = _numbers(column, kind) if kind in (INTEGER, NUMBER) else None
        if numbers is not None:
            return numbers
        return pa.array(to_series(column, name=name, kind=kind), from_pandas=True)
    # Of columns that were text a moment ago, NaN is a word for null.
    return column if chunk.lines is None else _without_nan(column)


def plain_column(chunk: Chunk, name: str, column: Any, kinds: Kinds) -> list[object]:  # noqa: ANN401
    """Return a column of the input as JSON values, text of a known kind as that."""
    if isinstance(column, list):
        return column
    return column_values(typed_column(chunk, name, column, kinds).to_pylist())


def _numbers(column: Any, kind: str) -> Any:  # noqa: ANN401
    """Let Arrow convert text, so that integers with nulls among them stay integers; None where it cannot."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    nothing = pc.is_in(words, value_set=pa.array(_NOTHING, words.type))
    texts = pc.if_else(nothing, pa.scalar(None, words.type), words)
    for target in (pa.int64(), pa.float64()) if kind == INTEGER else (pa.float64(),):
        try:
            return _without_nan(texts.cast(target))
        except pa.ArrowInvalid:
            continue
    return None


def _without_nan(column: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_floating(column.type):
        return column
    nan = pc.is_nan(column)
    return pc.if_else(nan, pa.scalar(None, column.type), column) if pc.any(nan).as_py() else column


def _of_values(values: list[Any]) -> Any:  # noqa: ANN401
    """Return JSON values as an array; where they are of several types, as text."""
    import pyarrow as pa

    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, OverflowError):
        return as_text(values)
