"""The input fields that a model declares, and whether rows fit them: asked for each row of an inline input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gristmill.domain.errors import Invalid

_MOST_KNOWN_SHAPES = 4_096
"""Shapes of good rows that a checker remembers; rows with many nulls in changing places have many shapes."""


class FieldKind(StrEnum):
    """What values a field takes."""

    NUMBER = "a number"
    INTEGER = "a whole number"
    TEXT = "a text"
    BOOLEAN = "true or false"
    TIME = "a time written as text"
    ANY = "anything"


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a model's input. ``type`` is the schema's own word."""

    name: str
    type: str


_KINDS: Mapping[str, FieldKind] = {
    **dict.fromkeys(
        ("double", "float", "float16", "float32", "float64", "decimal", "number", "numeric", "real"), FieldKind.NUMBER
    ),
    **dict.fromkeys(("int", "integer", "long", "short", "byte", "bigint", "smallint", "tinyint"), FieldKind.INTEGER),
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), FieldKind.INTEGER),
    **dict.fromkeys(("string", "str", "varchar", "char", "text"), FieldKind.TEXT),
    **dict.fromkeys(("boolean", "bool"), FieldKind.BOOLEAN),
    **dict.fromkeys(("timestamp", "date", "datetime", "time", "datetime64", "datetime64[ns]"), FieldKind.TIME),
}
_NONE = type(None)
_FAST: Mapping[FieldKind, frozenset[type] | None] = {
    FieldKind.NUMBER: frozenset({int, float, _NONE}),
    FieldKind.INTEGER: frozenset({int, _NONE}),
    FieldKind.TEXT: frozenset({str, _NONE}),
    FieldKind.BOOLEAN: frozenset({bool, _NONE}),
    FieldKind.TIME: frozenset({str, _NONE}),
    FieldKind.ANY: None,
}


def fields_of(entity: Mapping[str, Any]) -> tuple[Field, ...] | None:
    """Return the input fields that a model's entity declares, None where it declares none.

    They stand in ``schemas.input[0].fields``, else in the schema of the first training data reference, which holds the
    label too.
    """
    schemas = entity.get("schemas")
    inputs = schemas.get("input") if isinstance(schemas, Mapping) else None
    found = _fields(_first(inputs))
    if found:
        return found
    reference = _first(entity.get("training_data_references"))
    schema = reference.get("schema") if isinstance(reference, Mapping) else None
    label = entity.get("label_column")
    return tuple(field for field in _fields(schema) if field.name != label) or None


def kind_of(type_name: str) -> FieldKind:
    """Return what a schema's type takes; types that are not known here take anything."""
    return _KINDS.get(type_name.lower().partition("(")[0].strip(), FieldKind.ANY)


class Checker:
    """Checks the rows of one table. Rows number from 1 in its messages."""

    def __init__(
        self, fields: Sequence[Field], table_fields: Sequence[str] | None, *, where: str = "input_data"
    ) -> None:
        """Match the table's columns with the model's fields; without column names they match by position.

        ``where`` is the table's place in the request, for the messages.

        Raises:
            Invalid: a column is twice there, or the model's field is not.

        """
        if table_fields is None:
            columns: list[tuple[str, FieldKind]] = [(field.name, kind_of(field.type)) for field in fields]
        else:
            kinds = {field.name: kind_of(field.type) for field in fields}
            _match(tuple(kinds), tuple(table_fields), where)
            columns = [(name, kinds.get(name, FieldKind.ANY)) for name in table_fields]
        self._columns = tuple(columns)
        self._where = where
        self._by_position = table_fields is None
        self._good: set[tuple[type, ...]] = set()

    def row(self, number: int, row: Sequence[Any]) -> None:
        """Check a row.

        Raises:
            Invalid: the row has another length than the columns, or a value is not of its column's type.

        """
        # One pass in C over the types of the row, and one look-up: values are looked at only in shapes not seen before.
        if type(row) is not list or tuple(map(type, row)) not in self._good:
            self._examine(number, row)

    def rows(self, first: int, rows: Iterable[Any]) -> None:
        """Check rows that follow each other; ``first`` is the number of the first of them.

        Raises:
            Invalid: as `row` does.

        """
        good = self._good
        for number, row in enumerate(rows, first):
            if type(row) is not list or tuple(map(type, row)) not in good:
                self._examine(number, row)

    def _examine(self, number: int, row: Sequence[Any]) -> None:
        if not isinstance(row, list | tuple):
            raise self._refused(f"row {number} is not a list of values but {_shown(row)}.")
        if len(row) != len(self._columns):
            expected = "the model's schema has" if self._by_position else "fields names"
            raise self._refused(f"row {number} has {len(row)} values where {expected} {len(self._columns)}.")
        fast, shape = True, tuple(map(type, row))
        for (name, kind), value, type_ in zip(self._columns, row, shape, strict=True):
            allowed = _FAST[kind]
            if allowed is None or type_ in allowed:
                continue
            fast = False
            if not _fits(kind, value):
                raise self._refused(f"row {number}, column {name!r} holds {_shown(value)}; the model wants {kind}.")
        if fast and len(self._good) < _MOST_KNOWN_SHAPES:
            self._good.add(shape)

    def _refused(self, message: str) -> Invalid:
        return _mismatch(f"{self._where}.values", message)


def _fits(kind: FieldKind, value: object) -> bool:
    """Whether a value of an unusual type fits all the same."""
    match kind:
        case FieldKind.INTEGER if isinstance(value, float):
            # NaN is how a missing number travels where there is no null.
            return value.is_integer() or value != value
        case FieldKind.INTEGER if isinstance(value, Decimal):
            return value == value.to_integral_value()
        case FieldKind.NUMBER:
            return isinstance(value, Decimal)
        case _:
            return False


def _match(expected: Sequence[str], given: Sequence[str], where: str) -> None:
    place = f"{where}.fields"
    seen: set[str] = set()
    for name in given:
        if name in seen:
            raise _mismatch(place, f"the column {name!r} is there twice.")
        seen.add(name)
    missing = [name for name in expected if name not in seen]
    if not missing:
        return
    if len(missing) == len(expected):
        raise _mismatch(place, f"the model has none of {_names(given)}; it wants {_names(expected)}.")
    raise _mismatch(place, f"{_names(missing)} missing; the model wants {_names(expected)}.")


def _mismatch(place: str, message: str) -> Invalid:
    return Invalid(f"{place}: {message}", code="input_does_not_match_schema", field=place)


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:20])
    return f"{shown} and {len(names) - 20} more" if len(names) > 20 else shown


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text[:60]}..." if len(text) > 60 else text


def _first(items: object) -> Any:  # noqa: ANN401 - any JSON
    return items[0] if isinstance(items, list) and items else None


def _fields(schema: object) -> tuple[Field, ...]:
    fields = schema.get("fields") if isinstance(schema, Mapping) else None
    if not isinstance(fields, list):
        return ()
    named = (field for field in fields if isinstance(field, Mapping) and isinstance(field.get("name"), str))
    return tuple(Field(field["name"], str(field.get("type") or "")) for field in named)
