"""What a model is fed: which columns, in which order, of which kinds, as a frame with names or as a bare matrix."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.convert import (
    NUMBER,
    TEXT,
    BadValue,
    bad_values,
    infer,
    kind_of,
    odd_row,
    to_numbers,
    to_series,
    word_for,
)
from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Field

FRAME, MATRIX = "frame", "matrix"
QUARANTINE_COLUMNS = ("rejected_row", "rejected_reason", "rejected_source", "rejected_text")


@dataclass(frozen=True)
class Appetite:
    """What a model says about its own input; None where it does not know."""

    names: list[str] | None = None
    width: int | None = None
    shape: str = FRAME
    categories: bool = False  # text goes in as pandas categories
    fields: list[Field] = field(default_factory=list)  # columns with types, where it knows them
    optional: frozenset[str] = frozenset()  # columns that an input may lack: they are left out then


@dataclass
class Features:
    """Picks and converts the columns of each chunk.

    ``kinds`` are those of the columns, by name: the declared ones, and what the first rows showed of the others. What
    is not known of a column in the first rows is found out of each chunk alone, so that chunks may be scored in any
    order.
    """

    fields: list[Field]
    appetite: Appetite
    kinds: dict[str, str | None] = field(init=False)
    _first_fed: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.kinds = {column["name"]: kind_of(column.get("type")) for column in self.fields}

    def of(self, chunk: Chunk, kinds: Mapping[str, str | None]) -> Any:  # noqa: ANN401 - a DataFrame or an ndarray
        """Return the model's input for a chunk. ``kinds`` are those that ``kinds_of`` told for it.

        Raises:
            RunFailed: ``schema_mismatch``, a column is missing or there are too many or too few.
            BadValue: a value is not of its column's kind.

        """
        import pandas as pd

        chosen = {name: chunk.columns[position] for name, position in self.chosen(chunk).items()}
        bare = self.appetite.shape == MATRIX
        matrix = _numbers(chosen, kinds, integers=bare)
        if matrix is not None:
            return matrix if bare else pd.DataFrame(matrix, columns=list(chosen), copy=False)
        series = {name: self._series(column, name, kinds.get(name)) for name, column in chosen.items()}
        frame = pd.DataFrame(series, copy=False)
        return frame if self.appetite.shape == FRAME else _matrix(frame)

    def settle(self, kinds: Mapping[str, str | None]) -> None:
        """Take over what the first rows showed: which columns are fed, in which order, and their kinds."""
        self.kinds.update(kinds)
        self._first_fed = list(kinds)

    def completed(self, chunk: Chunk) -> Chunk:
        """Return a chunk of JSON objects with nulls in columns of which no row has a member, but rows before had."""
        missing = [name for name in self._first_fed if name not in chunk.names]
        if not missing or not chunk.named or not all(isinstance(column, list) for column in chunk.columns):
            return chunk
        nothing = [[None] * chunk.rows for _ in missing]
        return replace(chunk, names=[*chunk.names, *missing], columns=[*chunk.columns, *nothing])

    def kinds_of(self, chunk: Chunk) -> dict[str, str | None]:
        """Return the kinds of the columns to feed: those that are known, and what this chunk shows of the others."""
        positions = self.chosen(chunk)
        known = {name: self.kinds.get(name) for name in positions}
        return {name: kind or infer(chunk.columns[positions[name]]) for name, kind in known.items()}

    def bad_values(self, chunk: Chunk, kinds: Mapping[str, str | None]) -> list[BadValue]:
        """Return every value that is not of its column's kind, column by column."""
        found = []
        for name, position in self.chosen(chunk).items():
            found += bad_values(chunk.columns[position], name=name, kind=kinds.get(name))
        return found

    def meant_for_numbers(self, chunk: Chunk, kinds: Mapping[str, str | None]) -> dict[str, str | None]:
        """Return the columns that became text for a few odd values among numbers, as columns of numbers."""
        declared = {column["name"] for column in self.fields if kind_of(column.get("type")) is not None}
        texts = [name for name, kind in kinds.items() if kind == TEXT and name not in declared]
        positions = self.chosen(chunk)
        return {name: NUMBER for name in texts if odd_row(chunk.columns[positions[name]]) is not None}

    def told(self, frame: Any, kinds: Mapping[str, str | None]) -> list[Field]:  # noqa: ANN401
        """Return the columns as they were fed; one whose type was not declared is marked as inferred."""
        declared = {column["name"]: column for column in self.fields if column.get("type")}
        types = [str(kind) for kind in getattr(frame, "dtypes", [])] or ["float64"] * len(kinds)
        found: list[Field] = []
        for name, dtype in zip(kinds, types):  # noqa: B905 - Python 3.9
            inferred: Field = {"name": name, "type": word_for(kinds[name], dtype), "inferred": True}
            found.append(declared.get(name, inferred))
        return found

    def chosen(self, chunk: Chunk) -> dict[str, int]:
        """Return the positions of the columns to feed, by the model's name of each.

        Raises:
            RunFailed: ``schema_mismatch``.

        """
        wanted = self._wanted()
        if not chunk.named:
            return self._by_position(chunk, wanted)
        wanted = wanted or _of_their_own(chunk.names)
        _refuse_duplicates(chunk, wanted)
        missing = {name for name in wanted if name not in chunk.names}
        if demanded := [name for name in wanted if name in missing - self.appetite.optional]:
            raise RunFailed("schema_mismatch", _missing_message(demanded, chunk))
        self._check_width(wanted, chunk)
        return {name: chunk.names.index(name) for name in wanted if name not in missing}

    def _wanted(self) -> list[str]:
        declared = [column["name"] for column in self.fields]
        known = self.appetite.names or []
        return known if known and (not declared or set(known) <= set(declared)) else declared or self._first_fed

    def _by_position(self, chunk: Chunk, wanted: list[str]) -> dict[str, int]:
        declared = [column["name"] for column in self.fields]
        for names in (declared, wanted):
            if len(names) == len(chunk.names):
                return {name: names.index(name) for name in wanted}
        if wanted:
            message = f"{_place(chunk)} has {len(chunk.names)} values a row, but the model takes {len(wanted)}: "
            raise RunFailed("schema_mismatch", message + ", ".join(wanted))
        self._check_width(chunk.names, chunk)
        return {name: position for position, name in enumerate(chunk.names)}

    def _check_width(self, chosen: Collection[str], chunk: Chunk) -> None:
        width = self.appetite.width
        if width is not None and len(chosen) != width:
            message = f"the model takes {width} columns, {_place(chunk)} has {len(chosen)}: {', '.join(chosen)}"
            raise RunFailed("schema_mismatch", message)

    def _series(self, column: Any, name: str, kind: str | None) -> Any:  # noqa: ANN401
        series = to_series(column, name=name, kind=kind)
        return series.astype("category") if self.appetite.categories and series.dtype == object else series


def _numbers(columns: Mapping[str, Any], kinds: Mapping[str, str | None], *, integers: bool) -> Any:  # noqa: ANN401
    """Return a matrix of float64 where all columns are just that, else None; the only copy that is made."""
    import numpy as np

    arrays = []
    for name, column in columns.items():
        array = to_numbers(column, kind=kinds.get(name), integers=integers)
        if array is None:
            return None
        arrays.append(array)
    if not arrays:
        return None
    # A column lies in one piece, as libraries want those of a frame.
    matrix = np.empty((len(arrays), len(arrays[0])))
    for row, array in enumerate(arrays):
        matrix[row] = array
    return matrix.T


def _matrix(frame: Any) -> Any:  # noqa: ANN401
    numeric = all(kind.kind in "biuf" for kind in frame.dtypes)
    return frame.to_numpy(dtype="float64") if numeric else frame.to_numpy()


def _of_their_own(names: list[str]) -> list[str]:
    """Return the names without those that a quarantine file adds, so that it can be fed as it is."""
    added = QUARANTINE_COLUMNS if set(QUARANTINE_COLUMNS[:2]) <= set(names) else ()
    return [name for name in names if name not in added]


def _refuse_duplicates(chunk: Chunk, wanted: list[str]) -> None:
    twice = [name for name in wanted if chunk.names.count(name) > 1]
    if twice:
        raise RunFailed("schema_mismatch", f"column {twice[0]!r} appears more than once in {_place(chunk)}")


def _missing_message(missing: list[str], chunk: Chunk) -> str:
    named = ", ".join(repr(name) for name in missing)
    plural = "columns" if len(missing) > 1 else "column"
    return f"{plural} {named} missing in {_place(chunk)}, which has: {', '.join(chunk.names)}"


def _place(chunk: Chunk) -> str:
    return chunk.source or "the input"
