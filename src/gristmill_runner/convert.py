"""Turns columns as they were read into columns of one kind of value: number, integer, boolean, text or time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gristmill_runner.chunk import Column, cell

INTEGER, NUMBER, BOOLEAN, TEXT, TIME = "integer", "number", "boolean", "text", "time"

_WORDS = {
    INTEGER: ("int", "integer", "long", "short", "byte", "bigint", "smallint", "tinyint", "uint"),
    NUMBER: ("double", "float", "number", "decimal", "numeric", "real"),
    BOOLEAN: ("bool", "boolean"),
    TEXT: ("str", "string", "object", "varchar", "char", "text", "category"),
    TIME: ("timestamp", "date", "datetime"),
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words}
_ARTICLES = {INTEGER: "an integer", NUMBER: "a number", BOOLEAN: "a boolean", TEXT: "a text", TIME: "a time"}
_NULLS = frozenset(("", "null", "none", "nan", "na", "n/a", "#n/a"))
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


class BadValue(ValueError):
    """A value that is not of its column's kind; ``row`` counts from 0 within the column."""

    def __init__(self, *, column: str, row: int, value: object, kind: str) -> None:
        super().__init__(f"column {column!r} holds {value!r}, which is not {_ARTICLES[kind]}")
        self.column = column
        self.row = row


def kind_of(word: str | None) -> str | None:
    """Return the kind that a type's name stands for (``int64``, ``varchar(20)``), or None for one we do not know."""
    stem = (word or "").lower().split("(")[0].split("[")[0].strip()
    return _KINDS.get(stem) or _KINDS.get(stem.rstrip("0123456789"))


def infer(column: Column) -> str | None:
    """Return the kind of a column's values where text alone does not tell it; None where there is nothing to go by.

    Typed columns (Parquet, JSON) speak for themselves, so they are None too.
    """
    if not is_text(column):
        return None
    texts = [text for text in column.to_pylist() if text is not None and text.strip().lower() not in _NULLS]
    if not texts:
        return None
    return next((kind for kind in (INTEGER, NUMBER, BOOLEAN) if _all_of(kind, texts)), TEXT)


def odd_row(column: Column) -> int | None:
    """Return the first row that is no number where most are; None where the column is of one kind."""
    numbers = [_all_of(NUMBER, [str(value)]) for value in column.to_pylist()] if is_text(column) else []
    return numbers.index(False) if len(numbers) > 2 * numbers.count(False) > 0 else None


def to_series(column: Column, *, name: str, kind: str | None) -> Any:  # noqa: ANN401 - pandas comes untyped
    """Return the column as a pandas Series of the kind; null is NaN.

    Raises:
        BadValue: a value is not of the kind.

    """
    import pandas as pd

    if kind is None:
        return _without_none(pd.Series(column) if isinstance(column, list) else _as_it_is(column))
    quick = None if isinstance(column, list) else _cast(column, kind)
    return quick if quick is not None else _one_by_one(column, name=name, kind=kind)


def is_text(column: Column) -> bool:
    """Tell whether the column holds text as read from CSV or stored in Parquet."""
    return not isinstance(column, list) and str(column.type) in ("string", "large_string", "string_view")


def _cast(column: Column, kind: str) -> Any:  # noqa: ANN401
    """Let Arrow do it, for all rows at once; None where Arrow cannot."""
    import pyarrow as pa
    import pyarrow.compute as pc

    target = {INTEGER: pa.int64(), NUMBER: pa.float64(), BOOLEAN: pa.bool_(), TEXT: pa.string()}.get(kind)
    if target is None:
        return None
    try:
        if is_text(column):
            column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
        return _without_none(column.cast(target).to_pandas())
    except pa.ArrowException:
        return None


def _as_it_is(column: Column) -> Any:  # noqa: ANN401
    import pyarrow as pa

    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.to_pandas()


def _one_by_one(column: Column, *, name: str, kind: str) -> Any:  # noqa: ANN401
    import pandas as pd

    parse = _PARSERS[kind]
    values = []
    for row in range(len(column)):
        value = cell(column, row)
        try:
            values.append(None if value is None else parse(value))
        except (TypeError, ValueError, OverflowError):
            raise BadValue(column=name, row=row, value=value, kind=kind) from None
    return _assemble(pd, values, kind)


def _assemble(pd: Any, values: list[Any], kind: str) -> Any:  # noqa: ANN401
    if kind == TIME:
        return pd.to_datetime(pd.Series(values))
    if kind in (INTEGER, NUMBER):
        whole = kind == INTEGER and all(type(value) is int and abs(value) < 2**63 for value in values)
        return pd.Series(values, dtype="int64" if whole else "float64")
    if kind == BOOLEAN and None not in values:
        return pd.Series(values, dtype="bool")
    return _without_none(pd.Series(values, dtype="object"))


def _without_none(series: Any) -> Any:  # noqa: ANN401
    """Let null be NaN also among objects: encoders take None and NaN for two categories."""
    if series.dtype == object and series.hasnans:
        series = series.copy()
        series.iloc[series.isna().to_numpy()] = math.nan
    return series


def _all_of(kind: str, texts: list[str]) -> bool:
    parse = _PARSERS[kind]
    try:
        return all(type(parse(text)) is not float or kind != INTEGER for text in texts)
    except ValueError:
        return False


def _integer(value: Any) -> int | float | None:  # noqa: ANN401
    """Return an integer; a fraction stays a fraction, since rounding it would change the prediction."""
    if isinstance(value, int):
        return int(value)
    try:
        return int(value) if isinstance(value, str) else _number(value)
    except ValueError:
        return _number(value)


def _number(value: Any) -> float | None:  # noqa: ANN401
    if isinstance(value, str) and value.strip().lower() in _NULLS:
        return None
    return float(value)


def _boolean(value: Any) -> bool | None:  # noqa: ANN401
    text = str(value).strip().lower()
    if text in _NULLS:
        return None
    if text not in _TRUTHS:
        raise ValueError(text)
    return _TRUTHS[text]


def _text(value: Any) -> str | None:  # noqa: ANN401
    return (value or None) if isinstance(value, str) else str(value)


def _time(value: Any) -> Any:  # noqa: ANN401
    import pandas as pd

    return None if value == "" else pd.Timestamp(value)


_PARSERS: dict[str, Callable[[Any], Any]] = {
    INTEGER: _integer,
    NUMBER: _number,
    BOOLEAN: _boolean,
    TEXT: _text,
    TIME: _time,
}
