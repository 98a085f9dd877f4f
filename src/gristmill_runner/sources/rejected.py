"""How people are told of a row that cannot be scored."""

from __future__ import annotations

from gristmill_runner.sources.source import BadRow


def sentence(source: str, row: int, bad: BadRow) -> str:
    """Say which row of a source it is, counted from 1, and why."""
    place = f"row {row}" + (f" of {source}" if source else "")
    if bad.reason.startswith(("has ", "is ")):
        return f"{place} {bad.reason}"
    if bad.column is None or bad.reason.startswith("column "):
        return f"{place}: {bad.reason}"
    return (
        f"{place}, column {bad.column!r}, " + (f"value {bad.value!r}" if bad.value else "no value") + f": {bad.reason}"
    )
