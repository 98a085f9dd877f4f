"""Batches made to fit a table: columns by name, values by type, and a refusal that names what does not fit."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from gristmill.data.source import DataFailed


def check_names(names: Sequence[str], known: Collection[str], *, table: str) -> None:
    """Check that a table has each of the columns that are to be written, and that none comes twice.

    Raises:
        DataFailed: ``data_mismatch``.

    """
    for name, times in Counter(names).items():
        if times > 1:
            raise DataFailed("data_mismatch", f"There are {times} columns named {name!r}.", field=name)
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise DataFailed("data_mismatch", f"The table {table} has no column {name!r}; it has {there}.", field=name)


def fitted(batch: Any, target: Any) -> Any:  # noqa: ANN401 - pyarrow's RecordBatch and Schema
    """Return a batch whose columns have the types of ``target``, which has the same names in the same order.

    Raises:
        DataFailed: ``data_mismatch`` names the column, and a value of it.

    """
    columns = [_fitted(column, field) for column, field in zip(batch.columns, target, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=target)


def mismatch(column: str, why: str) -> DataFailed:
    """Return the refusal of a column's values."""
    return DataFailed("data_mismatch", f"Column {column!r}: {why}.", field=column)


def as_json(column: Any) -> Any:  # noqa: ANN401
    """Return the values of nested columns as JSON texts."""
    return pa.array(
        [None if value is None else json.dumps(value, default=str) for value in column.to_pylist()], pa.string()
    )


def plain(column: Any) -> Any:  # noqa: ANN401
    """Return a column without dictionaries and extension types."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.storage if isinstance(column.type, pa.BaseExtensionType) else column


def plain_type(kind: Any) -> Any:  # noqa: ANN401
    """Return the type of a ``plain`` column."""
    return plain(pa.array([], kind)).type


def _fitted(column: Any, field: Any) -> Any:  # noqa: ANN401
    column = plain(column)
    if column.type == field.type:
        return column
    try:
        return _cast(column, field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        value = _first_bad(column, field.type)
        raise mismatch(field.name, f"{value!r} is no {field.type}, which the table has there") from None


def _cast(column: Any, kind: Any) -> Any:  # noqa: ANN401
    if pa.types.is_nested(column.type) and not pa.types.is_nested(kind):
        column = as_json(column)
    if pa.types.is_boolean(kind) and pa.types.is_integer(column.type):
        _refuse_other_than_0_and_1(column)
    if pa.types.is_decimal(kind):
        return _as_decimal(column, kind)
    # What is below a microsecond no database keeps.
    return pc.cast(column, options=pc.CastOptions(kind, allow_time_truncate=True))


def _refuse_other_than_0_and_1(column: Any) -> None:  # noqa: ANN401
    least, most = pc.min_max(column).as_py().values()
    if least is not None and (least < 0 or most > 1):
        raise pa.ArrowInvalid("not a truth value")


def _as_decimal(column: Any, kind: Any) -> Any:  # noqa: ANN401
    """Return decimals rounded to the scale, as databases do."""
    if pa.types.is_integer(column.type):
        column = column.cast(pa.string())
    if pa.types.is_decimal(column.type) and column.type.scale > kind.scale:
        column = pc.round(column, ndigits=kind.scale, round_mode="half_towards_infinity")
    return column.cast(kind)


def _first_bad(column: Any, kind: Any) -> Any:  # noqa: ANN401
    while len(column) > 1:
        half = column.slice(0, len(column) // 2)
        try:
            _cast(half, kind)
            column = column.slice(len(column) // 2)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = half
    return column[0].as_py() if len(column) else None
