"""Previews: runs of the first rows of an input, and what they tell of the whole."""

from __future__ import annotations

from typing import Any

from gristmill.domain.errors import Invalid

DEFAULT_ROWS = 20
MOST_ROWS = 1_000
RETENTION_DAYS = 1


def read_row_limit(value: object) -> int:
    """Return how many rows a preview looks at, `DEFAULT_ROWS` where nothing is given.

    Raises:
        Invalid: it is no whole number, or too many.

    """
    if value is None:
        return DEFAULT_ROWS
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_ROWS:
        message = f"row_limit: {value!r} is not a whole number from 1 to {MOST_ROWS}."
        raise Invalid(message, field="row_limit")
    return value


def estimate(
    *, rows: int, seconds: float, scoring_seconds: float | None, rows_total: int | None, scorers: int
) -> dict[str, Any] | None:
    """Return how many rows the whole has and how many seconds it takes at most; None where nothing tells.

    ``seconds`` is how long the preview took, of these ``scoring_seconds`` its rows (None: nobody measured). What comes
    before the first row is needed once. A few rows take longer each than many do: the whole is rather faster.
    """
    if not rows or rows_total is None:
        return None
    of_rows = min(seconds, scoring_seconds) if scoring_seconds is not None else seconds
    whole = seconds - of_rows + of_rows * max(rows_total, rows) / rows / scorers
    return {"rows": rows_total, "seconds": round(max(seconds, whole), 1)}
