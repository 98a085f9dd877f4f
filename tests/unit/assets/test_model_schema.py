"""The model's schema: where its fields stand, and which rows fit them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.errors import Invalid
from gristmill.domain.model_schema import Checker, Field, FieldKind, fields_of, kind_of

A_B = (Field("a", "double"), Field("b", "string"))
VALUES = {
    "double": st.one_of(st.floats(), st.integers()),
    "int64": st.one_of(st.integers(), st.integers(-(2**50), 2**50).map(float)),
    "string": st.text(),
    "boolean": st.booleans(),
    "timestamp": st.text(),
    "vector": st.one_of(st.lists(st.floats()), st.text(), st.integers()),
}
ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


def test_fields_come_from_the_input_schema() -> None:
    entity = {"schemas": {"input": [{"fields": [{"name": "a", "type": "double"}, {"name": "b"}]}]}}
    assert fields_of(entity) == (Field("a", "double"), Field("b", ""))


def test_fields_come_from_the_training_data_without_the_label() -> None:
    schema = {"fields": [{"name": "a", "type": "int64"}, {"name": "y", "type": "int64"}]}
    entity = {"training_data_references": [{"schema": schema}], "label_column": "y"}
    assert fields_of(entity) == (Field("a", "int64"),)
    assert fields_of({"schemas": {"input": []}, **entity}) == (Field("a", "int64"),)


@pytest.mark.parametrize(
    "entity",
    [
        {},
        {"schemas": None},
        {"schemas": {"input": None}},
        {"schemas": {"input": {}}},
        {"schemas": {"input": [{"fields": "x"}]}},
        {"training_data_references": [{}]},
        {"training_data_references": [{"schema": {"fields": []}}]},
    ],
)
def test_no_fields(entity: dict[str, Any]) -> None:
    assert fields_of(entity) is None


def test_kinds() -> None:
    assert kind_of("decimal(10,2)") is FieldKind.NUMBER
    assert kind_of("VARCHAR(20)") is FieldKind.TEXT
    assert kind_of("BigInt") is FieldKind.INTEGER
    assert kind_of("object") is FieldKind.ANY


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Field], list[list[Any]]]:
    types = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=6))
    fields = [Field(f"c{number}", type_) for number, type_ in enumerate(types)]
    row = st.tuples(*(st.one_of(st.none(), VALUES[type_]) for type_ in types)).map(list)
    return fields, draw(st.lists(row, max_size=5))


@given(tables(), st.randoms(use_true_random=False), st.booleans())
def test_rows_of_the_right_types_fit_in_any_order_of_columns(
    table: tuple[list[Field], list[list[Any]]], random: Any, by_name: bool
) -> None:
    fields, rows = table
    rows = [row for row in rows if not any(isinstance(value, float) and math.isinf(value) for value in row)]
    order = list(range(len(fields)))
    if by_name:
        random.shuffle(order)
    names = [fields[index].name for index in order] if by_name else None
    checker = Checker(fields, names)
    checker.rows(1, [[row[index] for index in order] for row in rows])


def _fits(type_: str, value: object) -> bool:
    match kind_of(type_):
        case _ if value is None:
            return True
        case FieldKind.ANY:
            return True
        case FieldKind.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldKind.INTEGER:
            whole = isinstance(value, float) and (value.is_integer() or math.isnan(value))
            return whole or (isinstance(value, int) and not isinstance(value, bool))
        case FieldKind.BOOLEAN:
            return isinstance(value, bool)
        case _:
            return isinstance(value, str)


@given(st.sampled_from(sorted(VALUES)), st.lists(ANYTHING, max_size=8))
def test_the_first_row_that_does_not_fit_is_named(type_: str, values: list[Any]) -> None:
    checker = Checker([Field("a", type_)], ["a"], where="scoring.input_data[0]")
    bad = next((number for number, value in enumerate(values, 1) if not _fits(type_, value)), None)
    if bad is None:
        checker.rows(1, [[value] for value in values])
        return
    with pytest.raises(Invalid) as refusal:
        checker.rows(1, [[value] for value in values])
    assert f"row {bad}, column 'a'" in refusal.value.message
    assert refusal.value.field == "scoring.input_data[0].values"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["a"], "'b' missing"),
        (["x", "y"], "the model has none of 'x', 'y'; it wants 'a', 'b'"),
        (["a", "b", "a"], "'a' is there twice"),
        ([], "the model has none of"),
    ],
)
def test_columns_that_do_not_match(names: list[str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        Checker(A_B, names)


def test_columns_that_the_model_does_not_know_are_not_looked_at() -> None:
    Checker(A_B, ["b", "id", "a"]).row(1, ["x", {"any": 1}, 1.5])


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([1.0], "row 7 has 1 values where the model's schema has 2"),
        ([1.0, "x", 2], "row 7 has 3 values"),
        ({"a": 1, "b": 2}, "row 7 is not a list of values but"),
        ("ab", "row 7 is not a list"),
        (7, "row 7 is not a list"),
        ([True, "x"], "column 'a' holds True; the model wants a number"),
        (["1", "x"], "column 'a' holds '1'"),
        ([1, 2], "column 'b' holds 2; the model wants a text"),
    ],
)
def test_rows_that_do_not_fit(row: Any, said: str) -> None:
    checker = Checker(A_B, None)
    checker.row(6, [1.0, "x"])
    with pytest.raises(Invalid, match=said):
        checker.row(7, row)


def test_decimals_are_numbers() -> None:
    Checker([Field("a", "double"), Field("b", "int64")], None).row(1, [Decimal("1.5"), Decimal(2)])
    with pytest.raises(Invalid, match="row 1, column 'b'"):
        Checker([Field("b", "int64")], None).row(1, [Decimal("1.5")])


def test_a_checker_does_not_grow_without_bound() -> None:
    fields = [Field(f"c{number}", "double") for number in range(16)]
    checker = Checker(fields, None)
    for number in range(20_000):
        checker.row(number + 1, [1.0 if number >> bit & 1 else None for bit in range(16)])
    assert len(checker._good) <= 4_096
