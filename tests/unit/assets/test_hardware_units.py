"""Units of hardware: every amount that people write is read, everything else is refused with the field's name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain import hardware_units
from gristmill.domain.errors import Invalid
from gristmill.domain.predefined_hardware import PREDEFINED_HARDWARE

WHOLE = st.integers(min_value=1, max_value=1_000)


@given(WHOLE)
def test_thousandths_are_a_thousandth_of_cores(amount: int) -> None:
    assert hardware_units.cores(f"{amount}m") == pytest.approx(amount / 1000)
    assert hardware_units.cores(str(amount)) == hardware_units.cores(amount) == hardware_units.cores(float(amount))


@given(WHOLE, st.sampled_from("KMGT"))
def test_binary_and_decimal_sizes(amount: int, letter: str) -> None:
    power = "KMGT".index(letter) + 1
    binary = amount * 1024**power
    decimal = amount * 1000**power
    assert hardware_units.memory_bytes(f"{amount}{letter}i") == binary
    assert hardware_units.memory_bytes(f"{amount} {letter}iB") == binary
    assert (
        hardware_units.memory_bytes(f"{amount}{letter}B") == hardware_units.memory_bytes(f"{amount}{letter}") == decimal
    )
    assert hardware_units.memory_bytes(amount) == amount


def _refusal(read: Callable[[object], float], value: object) -> Invalid | None:
    try:
        assert read(value) > 0
    except Invalid as error:
        return error
    return None


@given(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.integers())))
def test_anything_is_read_or_refused(value: object) -> None:
    for read in (hardware_units.cores, hardware_units.memory_bytes):
        refused = _refusal(read, value)
        assert refused is None or str(refused.field) in refused.message


@pytest.mark.parametrize("size", ["4Gi ", " 4gi", "4GiB", "4096Mi"])
def test_ways_to_write_four_gibibytes(size: str) -> None:
    assert hardware_units.memory_bytes(size) == 4 * 1024**3


@pytest.mark.parametrize("units", ["", "m", "-1", "1e3", "1,5", "1Gi", "nan", "0m", "10001", True, None, []])
def test_amounts_of_cores_that_are_none(units: object) -> None:
    with pytest.raises(Invalid, match=r"nodes\.cpu\.units"):
        hardware_units.cores(units)


@pytest.mark.parametrize("size", ["", "Gi", "-1Gi", "5m", "1Pi", "0", "0.1", "9999999Ti", False, {}])
def test_sizes_that_are_none(size: object) -> None:
    with pytest.raises(Invalid, match=r"nodes\.mem\.size"):
        hardware_units.memory_bytes(size)


def test_the_predefined_ones_say_what_their_documents_say() -> None:
    for specification in PREDEFINED_HARDWARE:
        assert hardware_units.node(specification.nodes) == (specification.cpus, specification.memory_bytes)
