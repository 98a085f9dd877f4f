"""Values of an input as JSON has them, and the types that text and JSON seem to be of."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable
from typing import Any

from gristmill_runner.chunk import Column

_MOST_CHARACTERS = 500
_MOST_ITEMS = 50
_TRUTHS = frozenset({"true", "false", "True", "False", "TRUE", "FALSE"})


def is_told(column: Column) -> bool:
    """Tell whether a column has a type of its own."""
    return hasattr(column, "type")


def plain(value: object) -> object:
    """Return a value as JSON has it: what it has no word for as text, not-a-number as null; what is long is cut."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in list(value.items())[:_MOST_ITEMS]}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value[:_MOST_ITEMS]]
    if isinstance(value, bytes):
        return _cut(base64.b64encode(value[:_MOST_CHARACTERS]).decode("ascii"))
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    return _cut(str(value))


def type_of(values: list[object]) -> str:
    """Return the type that all values seem to be of, by Arrow's names; ``null`` where there is no value."""
    there = [value for value in values if value is not None and value != ""]
    if not there:
        return "null"
    if all(isinstance(value, str) for value in there):
        return next((name for name, fits in _TEXTS if all(fits(str(value)) for value in there)), "string")
    return _type_of_json(there)


def _type_of_json(values: list[object]) -> str:
    import pyarrow as pa

    try:
        return str(pa.array(values).type)
    except pa.ArrowException:
        return "mixed"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "…"


def _reads(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return fits


_TEXTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("int64", _reads(int)),
    ("double", _reads(float)),
    ("bool", _TRUTHS.__contains__),
    ("date32", _reads(dt.date.fromisoformat)),
    ("timestamp", _reads(dt.datetime.fromisoformat)),
)
