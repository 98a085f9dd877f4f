"""Scores chunk after chunk; when one fails, halves it until the row at fault has a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gristmill_runner.chunk import Chunk, cell
from gristmill_runner.failure import RunFailed, is_out_of_memory, summary_of
from gristmill_runner.features import Features
from gristmill_runner.loaders.scorer import Scorer

_VALUE_CHARACTERS = 80


@dataclass(frozen=True)
class Scoring:
    """A model with the plan of what to feed it. ``version_story`` is asked where the model itself may be at fault."""

    scorer: Scorer
    features: Features
    version_story: Callable[[], str | None]

    def predict(self, chunk: Chunk) -> Mapping[str, Any]:
        """Return the prediction columns of a chunk.

        Raises:
            RunFailed: ``row_failed`` names the first bad row; ``model_failed`` where every row fails alike;
                ``schema_mismatch``.

        """
        if not chunk.rows:
            return {name: [] for name in self.scorer.outputs}
        try:
            return self._attempt(chunk)
        except RunFailed:
            raise
        except Exception as error:
            if is_out_of_memory(error):
                raise
            raise self._verdict(chunk, error) from error

    def _attempt(self, chunk: Chunk) -> Mapping[str, Any]:
        predictions = self.scorer.predict(self.features.of(chunk))
        for name, values in predictions.items():
            if len(values) != chunk.rows:
                message = f"the model returned {len(values)} values of {name!r} for {chunk.rows} rows"
                raise RunFailed("model_failed", message)
        return predictions

    def _verdict(self, chunk: Chunk, error: Exception) -> RunFailed:
        """Tell a bad row from a model that fails on all of them."""
        told = self.version_story()
        row, story = self._first_bad_row(chunk), f"; {told}" if told else ""
        if row is None:
            span = f"rows {chunk.first_row} to {chunk.first_row + chunk.rows - 1} together"
            return RunFailed("model_failed", f"the model fails on {span}: {summary_of(error)}{story}")
        reason = self._error_of(chunk.part(row, row + 1)) or error
        if chunk.rows > 1 and row == 0 and self._error_of(chunk.part(chunk.rows - 1, chunk.rows)) is not None:
            odd = self.features.odd_value(chunk)
            return odd or RunFailed("model_failed", f"the model fails on every row tried: {summary_of(reason)}{story}")
        return RunFailed("row_failed", f"{chunk.where(row)}{_blamed(chunk, row, reason)}: {summary_of(reason)}{story}")

    def _first_bad_row(self, chunk: Chunk) -> int | None:
        """Return the first row that fails alone, or None where rows fail only together."""
        start, stop = 0, chunk.rows
        while stop - start > 1:
            middle = (start + stop) // 2
            if self._error_of(chunk.part(start, middle)) is not None:
                stop = middle
            else:
                start = middle
        return start if self._error_of(chunk.part(start, stop)) is not None else None

    def _error_of(self, chunk: Chunk) -> Exception | None:
        try:
            self._attempt(chunk)
        except Exception as error:  # noqa: BLE001 - which rows fail is the question, not how
            return error
        return None


def _blamed(chunk: Chunk, row: int, error: Exception) -> str:
    """Name the column whose value the exception quotes, or whose value is missing."""
    cells = {name: cell(chunk.columns[position], row) for position, name in enumerate(chunk.names)}
    text = str(error)
    quoted = [name for name, value in cells.items() if isinstance(value, str) and value and repr(value) in text]
    if quoted:
        return f", column {quoted[0]!r}, value {repr(cells[quoted[0]])[:_VALUE_CHARACTERS]}"
    empty = [name for name, value in cells.items() if value is None or value == ""]
    return f", column {empty[0]!r}, no value" if empty and "nan" in text.lower() else ""
