"""Columns become of one kind, and every value that is not of it is found."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill_runner.convert import BOOLEAN, INTEGER, NUMBER, TEXT, TIME, BadValue, bad_values, to_numbers, to_series

_CELLS = st.sampled_from(["1", "-2", "2.5", "1e3", "", "NA", " 7 ", "nan", "+4", "1_0", "true", "0", "x", "2026-01-01"])
_KINDS = st.sampled_from([INTEGER, NUMBER, BOOLEAN, TEXT, TIME])


def alone_is_bad(cell: object, kind: str) -> bool:
    try:
        to_series([cell], name="c", kind=kind)
    except BadValue:
        return True
    return False


@given(cells=st.lists(_CELLS, max_size=300), kind=_KINDS, as_list=st.booleans())
def test_all_bad_values_are_found_and_the_rest_converts(cells: list[str], kind: str, *, as_list: bool) -> None:
    column = cells if as_list else pa.array(cells, pa.string())
    found = bad_values(column, name="c", kind=kind)
    assert [(bad.row, bad.value) for bad in found] == [
        (row, cell) for row, cell in enumerate(cells) if alone_is_bad(cell, kind)
    ]
    bad = {each.row for each in found}
    good = [cell for row, cell in enumerate(cells) if row not in bad]
    assert len(to_series(good if as_list else pa.array(good, pa.string()), name="c", kind=kind)) == len(good)


@given(cells=st.lists(st.sampled_from(["1", "2.5", "", "NA", "nan", " 7 ", "1_0"]), min_size=1, max_size=50))
def test_text_and_values_become_the_same_numbers(cells: list[str]) -> None:
    quick = to_series(pa.array(cells, pa.string()), name="c", kind=NUMBER)
    slow = to_series(list(cells), name="c", kind=NUMBER)
    assert quick.equals(slow)


def test_numbers_are_not_copied_where_there_is_nothing_to_convert() -> None:
    column = pa.array([1.0, 2.0, 3.0])
    numbers = to_numbers(column, kind=NUMBER, integers=False)
    assert numbers.ctypes.data == column.buffers()[1].address
    assert to_numbers(pa.array([1, 2]), kind=INTEGER, integers=False) is None
    assert to_numbers(pa.array([1, 2]), kind=INTEGER, integers=True).tolist() == [1, 2]


@pytest.mark.parametrize("count", [1, 1000, 5000])
def test_few_bad_values_among_many_are_found(count: int) -> None:
    cells = [str(number) for number in range(5000)]
    for row in range(0, 5000, count):
        cells[row] = "oops"
    found = bad_values(pa.array(cells), name="c", kind=NUMBER)
    assert [bad.row for bad in found] == list(range(0, 5000, count))
