"""What a model is fed: which columns, in which order, of which kinds, as a frame with names or as a bare matrix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from gristmill_runner.chunk import Chunk, cell
from gristmill_runner.convert import NUMBER, TEXT, BadValue, infer, kind_of, odd_row, to_series
from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Field

FRAME, MATRIX = "frame", "matrix"


@dataclass(frozen=True)
class Appetite:
    """What a model says about its own input; None where it does not know."""

    names: list[str] | None = None
    width: int | None = None
    shape: str = FRAME
    categories: bool = False  # text goes in as pandas categories


@dataclass
class Features:
    """Picks and converts the columns of each chunk. What the first rows show of a column's kind holds for the rest."""

    fields: list[Field]
    appetite: Appetite
    kinds: dict[str, str | None] = field(init=False)

    def __post_init__(self) -> None:
        self.kinds = {column["name"]: kind_of(column.get("type")) for column in self.fields}

    def of(self, chunk: Chunk) -> Any:  # noqa: ANN401 - a pandas.DataFrame or a numpy.ndarray
        """Return the model's input for a chunk.

        Raises:
            RunFailed: ``schema_mismatch``, a column is missing or there are too many or too few.
            BadValue: a value is not of its column's kind.

        """
        import pandas as pd

        chosen = self._chosen(chunk)
        columns = {name: self._series(chunk, name, position) for name, position in chosen.items()}
        frame = pd.DataFrame(columns, copy=False)
        return frame if self.appetite.shape == FRAME else _matrix(frame)

    def odd_value(self, chunk: Chunk) -> RunFailed | None:
        """Return the first value that makes a column text which seems to be meant for numbers, or None."""
        declared = [column["name"] for column in self.fields if kind_of(column.get("type")) is not None]
        for name in [name for name, kind in self.kinds.items() if kind == TEXT and name not in declared]:
            column = chunk.columns[chunk.names.index(name)] if name in chunk.names else []
            row = odd_row(column)
            if row is not None:
                bad = BadValue(column=name, row=row, value=cell(column, row), kind=NUMBER)
                return BadValueAt(chunk.where(row), bad)
        return None

    def _chosen(self, chunk: Chunk) -> dict[str, int]:
        """Return the positions of the columns to feed, by the model's name of each."""
        wanted = self._wanted()
        if not chunk.named:
            return self._by_position(chunk, wanted)
        _refuse_duplicates(chunk, wanted)
        missing = [name for name in wanted if name not in chunk.names]
        if missing:
            raise RunFailed("schema_mismatch", _missing_message(missing, chunk))
        chosen = {name: chunk.names.index(name) for name in wanted or chunk.names}
        self._check_width(chosen, chunk)
        return chosen

    def _wanted(self) -> list[str]:
        declared = [column["name"] for column in self.fields]
        known = self.appetite.names or []
        return known if known and (not declared or set(known) <= set(declared)) else declared

    def _by_position(self, chunk: Chunk, wanted: list[str]) -> dict[str, int]:
        declared = [column["name"] for column in self.fields]
        for names in (declared, wanted):
            if len(names) == len(chunk.names):
                return {name: names.index(name) for name in wanted}
        if wanted:
            message = f"{_place(chunk)} has {len(chunk.names)} values a row, but the model takes {len(wanted)}: "
            raise RunFailed("schema_mismatch", message + ", ".join(wanted))
        chosen = {name: position for position, name in enumerate(chunk.names)}
        self._check_width(chosen, chunk)
        return chosen

    def _check_width(self, chosen: dict[str, int], chunk: Chunk) -> None:
        width = self.appetite.width
        if width is not None and len(chosen) != width:
            message = f"the model takes {width} columns, {_place(chunk)} has {len(chosen)}: {', '.join(chosen)}"
            raise RunFailed("schema_mismatch", message)

    def _series(self, chunk: Chunk, name: str, position: int) -> Any:  # noqa: ANN401
        column = chunk.columns[position]
        declared = self.kinds.get(name)
        if declared is None:
            self.kinds[name] = declared = infer(column)
        try:
            series = to_series(column, name=name, kind=declared)
        except BadValue as bad:
            raise BadValueAt(chunk.where(bad.row), bad) from None
        return series.astype("category") if self.appetite.categories and series.dtype == object else series


class BadValueAt(RunFailed):
    """A value that is not of its column's kind, with its row."""

    def __init__(self, where: str, bad: BadValue) -> None:
        super().__init__("row_failed", f"{where}: {bad}")


def _matrix(frame: Any) -> Any:  # noqa: ANN401
    numeric = all(kind.kind in "biuf" for kind in frame.dtypes)
    return frame.to_numpy(dtype="float64") if numeric else frame.to_numpy()


def _refuse_duplicates(chunk: Chunk, wanted: list[str]) -> None:
    twice = [name for name in wanted or chunk.names if chunk.names.count(name) > 1]
    if twice:
        raise RunFailed("schema_mismatch", f"column {twice[0]!r} appears more than once in {_place(chunk)}")


def _missing_message(missing: list[str], chunk: Chunk) -> str:
    named = ", ".join(repr(name) for name in missing)
    plural = "columns" if len(missing) > 1 else "column"
    return f"{plural} {named} missing in {_place(chunk)}, which has: {', '.join(chunk.names)}"


def _place(chunk: Chunk) -> str:
    return chunk.source or "the input"
