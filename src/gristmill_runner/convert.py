"""Turns columns as they were read into columns of one kind of value: number, integer, boolean, text or time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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
_WORD_FOR = {INTEGER: "integer", NUMBER: "double", BOOLEAN: "boolean", TEXT: "string", TIME: "timestamp"}
_NULLS = frozenset(("", "null", "none", "nan", "na", "n/a", "#n/a"))
_ONE_BY_ONE = 64  # rows: fewer are looked at one by one
_STRETCHES = 8
_TRUTHS = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}


class BadValue(ValueError):
    """A value that is not of its column's kind; ``row`` counts from 0 within the column."""

    def __init__(self, *, column: str, row: int, value: object, kind: str) -> None:
        super().__init__(f"column {column!r} holds {value!r}, which is not {_ARTICLES[kind]}")
        self.column = column
        self.row = row
        self.value = value


def kind_of(word: str | None) -> str | None:
    """Return the kind that a type's name stands for (``int64``, ``varchar(20)``), or None for one we do not know."""
    stem = (word or "").lower().split("(")[0].split("[")[0].strip()
    return _KINDS.get(stem) or _KINDS.get(stem.rstrip("0123456789"))


def word_for(kind: str | None, dtype: str) -> str:
    """Return the client's word for the type of a column, by its kind or else by what it became."""
    stem = dtype.split("[")[0].rstrip("0123456789")
    known = {"int": INTEGER, "uint": INTEGER, "float": NUMBER, "bool": BOOLEAN, "datetime": TIME}
    return _WORD_FOR[kind or known.get(stem, TEXT)]


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
    quick = _cast(column, kind)
    return _without_none(quick.to_pandas()) if quick is not None else _one_by_one(column, name=name, kind=kind)


def to_numbers(column: Column, *, kind: str | None, integers: bool) -> Any:  # noqa: ANN401 - a float64 array, or None
    """Return a column of numbers as such, not copied where that can be; None where ``to_series`` has to look.

    Columns of ``integers`` are numbers too where that is asked for.
    """
    import pyarrow as pa

    if kind not in ((None, NUMBER, INTEGER) if integers else (None, NUMBER)) or (
        kind is None and isinstance(column, list)
    ):
        return None
    cast = column if kind is None else _cast(column, kind)
    if cast is None or not (pa.types.is_float64(cast.type) or (integers and pa.types.is_integer(cast.type))):
        return None
    array = cast.to_numpy(zero_copy_only=False)
    return array if array.dtype.kind in "iuf" else None


def bad_values(column: Column, *, name: str, kind: str | None) -> list[BadValue]:
    """Return every value that is not of the kind, in order. Whole stretches that convert are passed over at once."""
    if kind is None:
        return []
    found: list[BadValue] = []
    stretches = [(0, len(column))]
    while stretches:
        start, stop = stretches.pop()
        stretch = column[start:stop]
        if not len(stretch) or _cast(stretch, kind) is not None:
            continue
        if stop - start <= _ONE_BY_ONE:
            found += _bad_one_by_one(stretch, name=name, kind=kind, start=start)
        else:
            step = -(-(stop - start) // _STRETCHES)
            stretches += [(at, min(at + step, stop)) for at in range(start, stop, step)][::-1]
    return found


def is_text(column: Column) -> bool:
    """Tell whether the column holds text as read from CSV or stored in Parquet."""
    return not isinstance(column, list) and str(column.type) in ("string", "large_string", "string_view")


def _cast(column: Column, kind: str) -> Any:  # noqa: ANN401
    """Let Arrow do it, for all rows at once; None where Arrow cannot."""
    if isinstance(column, list):
        return _cast_values(column, kind)
    found = None
    for prepare in (_empty_is_null, _words_are_null) if is_text(column) else (_unchanged,):
        for target in _targets(kind):
            found = found if found is not None else _attempted(prepare(column, kind), target)
    return found


def _targets(kind: str) -> list[Any]:
    """Return the Arrow types to try, in order: an integer that is a fraction stays one."""
    import pyarrow as pa

    targets = {INTEGER: [pa.int64(), pa.float64()], NUMBER: [pa.float64()], BOOLEAN: [pa.bool_()], TEXT: [pa.string()]}
    return targets.get(kind, [])


def _attempted(column: Column, target: Any) -> Any:  # noqa: ANN401
    import pyarrow as pa

    try:
        return column if column.type == target else column.cast(target)
    except pa.ArrowException:
        return None


def _unchanged(column: Column, _kind: str) -> Column:
    return column


def _empty_is_null(column: Column, _kind: str) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    empty = pc.equal(column, "")
    return pc.if_else(empty, pa.scalar(None, column.type), column) if pc.any(empty).as_py() else column


def _words_are_null(column: Column, kind: str) -> Column:
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == TEXT:
        return column
    words = pc.utf8_lower(pc.utf8_trim_whitespace(column))
    nothing = pc.is_in(words, value_set=pa.array(sorted(_NULLS), words.type))
    return pc.if_else(nothing, pa.scalar(None, column.type), column)


def _cast_values(values: list[Any], kind: str) -> Any:  # noqa: ANN401
    """As ``_cast``, for values of JSON; only where they are of the kind already."""
    import pyarrow as pa

    try:
        array = pa.array(values)
        fit = {
            INTEGER: pa.types.is_integer(array.type),
            NUMBER: pa.types.is_integer(array.type) or pa.types.is_floating(array.type),
            BOOLEAN: pa.types.is_boolean(array.type),
        }
        return array.cast(_targets(kind)[0]) if fit.get(kind) else None
    except (pa.ArrowException, OverflowError):
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

    values = []
    for _, value in _parsed(column, name=name, kind=kind):
        if isinstance(value, BadValue):
            raise value
        values.append(value)
    return _assemble(pd, values, kind)


def _bad_one_by_one(column: Column, *, name: str, kind: str, start: int) -> list[BadValue]:
    bad = [value for _, value in _parsed(column, name=name, kind=kind) if isinstance(value, BadValue)]
    for value in bad:
        value.row += start
    return bad


def _parsed(column: Column, *, name: str, kind: str) -> Iterator[tuple[int, Any]]:
    """Yield each row with its value, a BadValue where it is none of the kind."""
    parse = _PARSERS[kind]
    for row in range(len(column)):
        value = cell(column, row)
        try:
            yield row, None if value is None else parse(value)
        except (TypeError, ValueError, OverflowError):
            yield row, BadValue(column=name, row=row, value=value, kind=kind)


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
