"""How many rows an input has is judged by its beginning where nothing else tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gristmill_runner.scoring.seen import Seen
from gristmill_runner.sources.source import Block, Source


@dataclass(frozen=True)
class Sized:
    """A source as far as its size goes."""

    rows: int | None
    size_bytes: int | None


def rows_of(seen: Seen, *inputs: Sized) -> int | None:
    return seen.rows_of([cast("Source", each) for each in inputs])


def beginning(*, start: int, stop: int, rows: int) -> Seen:
    seen = Seen()
    seen.add(Block(0, Path("x"), start, stop, mark=None), rows=rows)
    return seen


def test_an_input_that_tells_is_believed() -> None:
    assert rows_of(Seen(), Sized(7, None), Sized(3, 100)) == 10


def test_one_that_does_not_is_judged_by_its_size_without_its_header() -> None:
    seen = beginning(start=10, stop=110, rows=20)
    assert rows_of(seen, Sized(None, 110)) == 20
    assert rows_of(seen, Sized(None, 1_010), Sized(5, None)) == 205


def test_nothing_tells_of_one_without_a_size() -> None:
    assert rows_of(beginning(start=0, stop=10, rows=1), Sized(None, None)) is None
    assert rows_of(Seen(), Sized(None, 100)) is None
