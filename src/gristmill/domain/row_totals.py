"""The rows of a run, accounted for: each one that was read was scored, rejected, or not attempted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gristmill.domain.error_threshold import ErrorThreshold

_PERCENT = 100.0
_SMALL_PERCENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTotals:
    """Numbers of rows that add up: ``read`` is the sum of the others."""

    read: int
    scored: int
    rejected: int = 0
    not_attempted: int = 0

    @property
    def done(self) -> int:
        """How many rows have been dealt with."""
        return self.scored + self.rejected

    def columns(self) -> dict[str, int]:
        """Return them by the names of the columns of a run."""
        return {f"rows_{name}": number for name, number in asdict(self).items()}


def totals(rows: Mapping[str, Any]) -> RowTotals | None:
    """Return what a child says of its rows, None where it says nothing, or numbers that do not add up.

    One that rejects nothing and attempts everything need say only how many rows it read and scored.
    """
    named = ("read", "scored", "rejected", "not_attempted")
    numbers = {name: rows.get(name, 0 if name in named[2:] else None) for name in named}
    if not all(isinstance(number, int) and number >= 0 for number in numbers.values()):
        return None
    counted = RowTotals(**numbers)
    return counted if counted.read == counted.done + counted.not_attempted else None


def mismatch(rows: Mapping[str, Any], threshold: ErrorThreshold) -> str | None:
    """Tell why a run of a model with these rows has not completed, whatever it says; None where all is well."""
    counted = totals(rows)
    told = ", ".join(f"{name} {number}" for name, number in sorted(rows.items()) if name != "resumed") or "nothing"
    if counted is None:
        return f"The rows do not add up: the child told of {told}; read must be scored + rejected + not_attempted."
    if counted.not_attempted:
        return f"{counted.not_attempted:,} of {counted.read:,} rows were not attempted, but the child said completed."
    if not threshold.allows(rejected=counted.rejected, read=counted.read):
        return f"{rejected_of(counted)}, which is more than the error_threshold of {threshold} allows."
    return None


def rejection_warning(counted: RowTotals, rejections: Sequence[Mapping[str, Any]], file: str | None) -> str | None:
    """Return what a completed run tells of its rejected rows; None where there are none.

    ``rejections`` are the first of them (``protocol.Rejection``); ``file`` is the result that holds all.
    """
    if not counted.rejected:
        return None
    first = f"; the first: {_described(rejections[0])}" if rejections else ""
    return f"{rejected_of(counted)}{first}{f'; they are in {file}' if file else ''}."


def rejected_of(counted: RowTotals) -> str:
    """Say how many rows were rejected, of how many, and the share."""
    share = counted.rejected / counted.read * _PERCENT if counted.read else 0.0
    were = "row was" if counted.read == 1 else "rows were"
    said = f"{share:.3g} %" if share >= _SMALL_PERCENT else f"less than {_SMALL_PERCENT} %"
    return f"{counted.rejected:,} of {counted.read:,} {were} rejected ({said})"


def _described(rejection: Mapping[str, Any]) -> str:
    place = f"row {rejection.get('row')}"
    if rejection.get("source"):
        place += f" of {rejection['source']}"
    if rejection.get("column"):
        place += f", column {str(rejection['column'])!r}"
        if rejection.get("value") is not None:
            place += f", value {str(rejection['value'])!r}"
    return f"{place}: {str(rejection.get('reason') or 'no reason was given').rstrip('.')}"
