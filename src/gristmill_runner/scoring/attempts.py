"""Scores a chunk; rows that cannot be scored are found, named and left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gristmill_runner.chunk import Chunk, cell
from gristmill_runner.convert import BadValue
from gristmill_runner.failure import RunFailed, is_out_of_memory, story_of, summary_of
from gristmill_runner.features import Features
from gristmill_runner.loaders.scorer import Scorer
from gristmill_runner.sources.source import BadRow

_VALUE_CHARACTERS = 200
_TRIED_ROWS = 8
_MOST_ROUNDS = 4
Kinds = Mapping[str, "str | None"]


@dataclass
class Scored:
    """What became of a chunk. ``bad`` rows count within it; ``chunk`` are the others, with their predictions.

    ``given_up`` is true where the search for bad rows was not finished, because they are too many.
    """

    chunk: Chunk
    predictions: Mapping[str, Any]
    kinds: Kinds
    features: Any = None
    bad: list[BadRow] = field(default_factory=list)
    given_up: bool = False
    traceback: str | None = None


@dataclass(frozen=True)
class Attempts:
    """A model with the plan of what to feed it. ``version_story`` is asked where the model itself may be at fault."""

    scorer: Scorer
    features: Features
    version_story: Callable[[], str | None]

    def score(self, chunk: Chunk, *, untried: bool, most_bad: int | None) -> Scored:
        """Score a chunk. ``untried`` tells that the model has not scored a row of the run yet.

        The search for rows at which the model fails ends when they are more than ``most_bad``.

        Raises:
            RunFailed: ``model_failed`` where every row fails alike, or rows fail only together; ``schema_mismatch``.

        """
        if not chunk.rows:
            return Scored(chunk, {name: [] for name in self.scorer.outputs}, self.features.kinds)
        found = Scored(chunk, {}, self.features.kinds_of(chunk))
        left = list(range(chunk.rows))
        for _ in range(_MOST_ROUNDS):
            bad = self._round(found, untried=untried, most_bad=most_bad)
            if bad is None:
                return found
            found.bad += [_at(each, left[each.position]) for each in bad]
            gone = {each.position for each in bad}
            found.chunk = found.chunk.without(gone)
            left = [row for at, row in enumerate(left) if at not in gone]
            if found.given_up or not left:
                found.predictions = {name: [] for name in self.scorer.outputs}
                return found
        raise RunFailed("model_failed", f"the model fails on other rows each time, the last of {chunk.where(left[-1])}")

    def try_each(self, chunk: Chunk, *, untried: bool) -> None:
        """Have the model see every row of a part of a chunk, for the sake of whether this process survives it.

        A row that does not convert, or at which the model raises, hides none of those beside it.
        """
        kinds = self.features.kinds_of(chunk) if chunk.rows else {}
        if not chunk.rows or self._error_of(chunk, kinds) is None:
            return
        found = Scored(chunk, {}, kinds)
        if untried:
            self._meant_numbers(found)
        left = chunk.without({bad.position for bad in self._unconverted(found)})
        if left.rows:
            list(self._bad_rows(left, found.kinds))

    def _round(self, found: Scored, *, untried: bool, most_bad: int | None) -> list[BadRow] | None:
        """Try all rows that are left; return those that are bad, None where the attempt succeeded."""
        try:
            found.features, found.predictions = self._attempt(found.chunk, found.kinds)
            return None
        except BadValue:
            return self._unconverted(found)
        except RunFailed:
            raise
        except BaseException as error:
            if is_out_of_memory(error):
                raise
            if untried and self._meant_numbers(found):
                return self._unconverted(found) or None
            found.traceback = found.traceback or story_of(error)
            return self._failing(found, error, untried=untried, most_bad=most_bad)

    def _attempt(self, chunk: Chunk, kinds: Kinds) -> tuple[Any, Mapping[str, Any]]:
        features = self.features.of(chunk, kinds)
        predictions = self.scorer.predict(features)
        for name, values in predictions.items():
            if len(values) != chunk.rows:
                message = f"the model returned {len(values)} values of {name!r} for {chunk.rows} rows"
                raise RunFailed("model_failed", message)
        return features, predictions

    def _unconverted(self, found: Scored) -> list[BadRow]:
        """Return the rows with a value that is not of its column's kind, each with the first of these."""
        by_row: dict[int, BadRow] = {}
        for bad in self.features.bad_values(found.chunk, found.kinds):
            by_row.setdefault(bad.row, BadRow(bad.row, str(bad), bad.column, text_of(bad.value)))
        return [by_row[row] for row in sorted(by_row)]

    def _meant_numbers(self, found: Scored) -> bool:
        """Take columns for numbers that are text only because of a few odd values, if the model works then."""
        numbers = self.features.meant_for_numbers(found.chunk, found.kinds)
        if not numbers:
            return False
        other = Scored(found.chunk, {}, {**found.kinds, **numbers})
        odd = {bad.position for bad in self._unconverted(other)}
        good = found.chunk.without(odd)
        if not good.rows or self._error_of(good, other.kinds) is not None:
            return False
        found.kinds = other.kinds
        return True

    def _failing(self, found: Scored, error: BaseException, *, untried: bool, most_bad: int | None) -> list[BadRow]:
        chunk, kinds = found.chunk, found.kinds
        told = self.version_story()
        story = f"; {told}" if told else ""
        if untried and self._fails_alike(chunk, kinds):
            raise RunFailed(
                "model_failed", f"the model fails on every row tried: {summary_of(error)}{story}"
            ) from error
        errors: dict[int, BaseException] = {}
        for row, reason in self._bad_rows(chunk, kinds):
            errors[row] = reason
            found.given_up = most_bad is not None and len(found.bad) + len(errors) > most_bad
            if found.given_up:
                break
        if not errors:
            span = f"rows {chunk.first_row} to {chunk.first_row + chunk.rows - 1} together"
            raise RunFailed("model_failed", f"the model fails on {span}: {summary_of(error)}{story}") from error
        return [_blamed(chunk, row, reason, story) for row, reason in sorted(errors.items())]

    def _fails_alike(self, chunk: Chunk, kinds: Kinds) -> bool:
        """Tell whether several rows from all over the chunk fail, each with the same kind of error."""
        if chunk.rows == 1:
            return False
        number = min(chunk.rows, _TRIED_ROWS)
        rows = {at * (chunk.rows - 1) // (number - 1) for at in range(number)}
        errors = [self._error_of(chunk.part(row, row + 1), kinds) for row in sorted(rows)]
        return len({type(error) for error in errors}) == 1 and errors[0] is not None

    def _bad_rows(self, chunk: Chunk, kinds: Kinds) -> Iterable[tuple[int, BaseException]]:
        """Yield the rows that fail alone, in order: halves that fail are halved again."""
        spans = [(0, chunk.rows)]
        while spans:
            start, stop = spans.pop()
            error = self._error_of(chunk.part(start, stop), kinds)
            if error is None:
                continue
            if stop - start == 1:
                yield start, error
            else:
                middle = (start + stop) // 2
                spans += [(middle, stop), (start, middle)]

    def _error_of(self, chunk: Chunk, kinds: Kinds) -> BaseException | None:
        try:
            self._attempt(chunk, kinds)
        except BaseException as error:
            if is_out_of_memory(error):
                raise
            return error
        return None


def text_of(value: object) -> str | None:
    """Return a value as it is told of a rejected row: as text, not too long."""
    return None if value is None else (value if isinstance(value, str) else repr(value))[:_VALUE_CHARACTERS]


def _at(bad: BadRow, row: int) -> BadRow:
    return BadRow(row, bad.reason, bad.column, bad.value, bad.text)


def _blamed(chunk: Chunk, row: int, error: BaseException, story: str) -> BadRow:
    """Name the column that the exception names or whose value it quotes, or whose value is missing."""
    cells = {name: cell(chunk.columns[position], row) for position, name in enumerate(chunk.names)}
    text, reason = str(error), summary_of(error) + story
    named = [name for name in chunk.names if f"column {name!r}" in text]
    if named:
        return BadRow(row, reason, named[0], text_of(cells[named[0]]))
    quoted = [name for name, value in cells.items() if isinstance(value, str) and value and repr(value) in text]
    if quoted:
        return BadRow(row, reason, quoted[0], text_of(cells[quoted[0]]))
    empty = [name for name, value in cells.items() if value is None or value == ""]
    return BadRow(row, reason, empty[0] if empty and "nan" in text.lower() else None)
