"""What a function's reply must look like: ``{"predictions": [{"fields": [...], "values": [...]}, ...]}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill_runner.failure import RunFailed
from gristmill_runner.plain import plain

_EXPECTED = 'a function must return {"predictions": [{"fields": [...], "values": [...]}]}'
_SHOWN_CHARACTERS = 200
_VOWELS = "aeioAEIO"


def tables_of(reply: object) -> list[dict[str, Any]]:
    """Return the reply's elements as JSON can say them.

    Raises:
        RunFailed: ``reply_shape``, saying what came and what is expected.

    """
    if not isinstance(reply, Mapping) or "predictions" not in reply:
        raise _refusal(f"it returned {described(reply)}")
    predictions = plain(reply["predictions"])
    if not isinstance(predictions, list):
        raise _refusal(f'its "predictions" are {described(predictions)}')
    for position, element in enumerate(predictions):
        _check(position, element)
    return predictions


def rows_of(elements: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Return the field names and rows of all elements as one table, for a file.

    Raises:
        RunFailed: ``reply_shape``, the elements do not make one table.

    """
    rows = [row if isinstance(row, list) else [row] for element in elements for row in element["values"]]
    width = max((len(row) for row in rows), default=0)
    fields = next((element["fields"] for element in elements if element.get("fields")), None) or _numbered(width)
    if any(element.get("fields") not in (None, fields) for element in elements):
        raise RunFailed("reply_shape", "elements with different fields cannot be written to one file")
    short = next((number for number, row in enumerate(rows, start=1) if len(row) != len(fields)), None)
    if short is not None:
        found = f"row {short} of the reply has {len(rows[short - 1])} values for {len(fields)} fields"
        raise RunFailed("reply_shape", found)
    return fields, rows


def described(value: object) -> str:
    """Return what came instead, with its type and its beginning: ``an int: 5``."""
    kind = type(value).__name__
    return f"{'an' if kind[0] in _VOWELS else 'a'} {kind}: {str(value)[:_SHOWN_CHARACTERS]}"


def _numbered(width: int) -> list[str]:
    return ["prediction"] if width <= 1 else [f"column_{position + 1}" for position in range(width)]


def _check(position: int, element: object) -> None:
    if not isinstance(element, dict) or not isinstance(element.get("values"), list):
        raise _refusal(f'element {position} of "predictions" is {described(element)}')
    fields = element.get("fields", [])
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        raise _refusal(f'"fields" of element {position} are {described(fields)}')


def _refusal(found: str) -> RunFailed:
    return RunFailed("reply_shape", f"{found}; {_EXPECTED}")
