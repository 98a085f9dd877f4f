"""What becomes of PostgreSQL's types in Arrow, and of Arrow's in PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gristmill.data.names import quoted

_UTC = pa.timestamp("us", tz="UTC")
_MOST_DIGITS = 38

# By PostgreSQL's own names of types. These stream in binary as they are.
_DIRECT: dict[str, Any] = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "text": pa.string(),
    "varchar": pa.string(),
    "bpchar": pa.string(),
    "name": pa.string(),
    "bytea": pa.binary(),
}
_MOMENTS: dict[str, Any] = {"date": pa.date32(), "timestamp": pa.timestamp("us"), "timestamptz": _UTC}
_ELEMENTS = ("int2", "int4", "int8", "float4", "float8", "bool", "text", "varchar")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its type by name (a domain's is the one beneath), an array's element, precision and scale.

    ``declared`` is the type as SQL writes it. ``digits`` is None for a numeric without precision.
    """

    name: str
    type: str
    element: str | None
    digits: tuple[int, int] | None
    declared: str

    @property
    def to_be_seen(self) -> str | None:
        """An aggregate that tells what the type alone does not, None where the type says all.

        Numerics: most digits before the point and behind it (-1: there is an infinity); arrays: most dimensions.
        """
        name = quoted(self.name)
        if self.type == "numeric" and not self.digits:
            infinite = f"bool_or({name}::text LIKE '%Infinity')"
            whole = f"max(length(trunc(abs(nullif({name}, 'NaN')))::text))"
            return f"CASE WHEN {infinite} THEN -1 ELSE {whole} END, max(scale(nullif({name}, 'NaN')))"
        if self.element in {*_ELEMENTS, "numeric"}:
            return f"max(array_ndims({name})), NULL"
        return None

    def read_as(self, seen: tuple[int | None, int | None]) -> tuple[str, Any]:
        """Return the expression that is selected, and the Arrow type that its values get."""
        name = quoted(self.name)
        if self.type in _DIRECT:
            return (f"{name}::text" if self.type in {"bpchar", "name"} else name), _DIRECT[self.type]
        if self.type in _MOMENTS:
            # Arrow has no infinite days.
            return f"CASE WHEN isfinite({name}) THEN {name} END", _MOMENTS[self.type]
        if self.type == "numeric":
            return f"nullif({name}, 'NaN')::text", _decimal(self.digits, seen)
        if self.element:
            return self._array(name, dimensions=seen[0] or 1)
        return (f"{name}::int8", pa.int64()) if self.type == "oid" else (f"{name}::text", pa.string())

    def _array(self, name: str, *, dimensions: int) -> tuple[str, Any]:
        if dimensions == 1 and self.element in _ELEMENTS:
            return name, pa.list_(_DIRECT[self.element])
        if dimensions == 1 and self.element == "numeric":
            return f"{name}::float8[]", pa.list_(pa.float64())
        return f"array_to_json({name})::text", pa.string()

    @property
    def written_as(self) -> tuple[Any, bool]:
        """Return the Arrow type that is sent, and whether PostgreSQL has to convert it from text."""
        if self.type in _DIRECT:
            return _DIRECT[self.type], False
        if self.type in _MOMENTS:
            return _MOMENTS[self.type], False
        if self.type == "numeric" and self.digits and _fits(*self.digits):
            return pa.decimal128(*self.digits), False
        if self.element in _ELEMENTS:
            return pa.list_(_DIRECT[self.element]), False
        if self.element == "numeric":
            return pa.list_(pa.float64()), True
        return pa.string(), True


def _fits(precision: int, scale: int) -> bool:
    return precision <= _MOST_DIGITS and 0 <= scale <= precision


def _decimal(digits: tuple[int, int] | None, seen: tuple[int | None, int | None]) -> Any:  # noqa: ANN401
    """Return the decimal type that holds all values; text if there is none."""
    if digits:
        return pa.decimal128(*digits) if _fits(*digits) else pa.string()
    whole, scale = seen[0] or 1, seen[1] or 0
    return pa.decimal128(_MOST_DIGITS, scale) if whole > 0 and whole + scale <= _MOST_DIGITS else pa.string()


def declared(kind: Any) -> str:  # noqa: ANN401
    """Return the type of a column that is made for values of an Arrow type; text for what has no better one."""
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision},{kind.scale})"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        element = declared(kind.value_type)
        simple = not pa.types.is_nested(kind.value_type) and not pa.types.is_binary(kind.value_type)
        return f"{element}[]" if simple and not pa.types.is_decimal(kind.value_type) else "jsonb"
    if pa.types.is_timestamp(kind):
        return "timestamptz" if kind.tz else "timestamp"
    return next((name for matches, name in _MADE if matches(kind)), "jsonb" if pa.types.is_nested(kind) else "text")


_MADE = (
    (pa.types.is_boolean, "boolean"),
    (lambda kind: kind in (pa.int8(), pa.uint8(), pa.int16()), "smallint"),
    (lambda kind: kind in (pa.uint16(), pa.int32()), "integer"),
    (lambda kind: kind in (pa.uint32(), pa.int64()), "bigint"),
    (pa.types.is_uint64, "numeric(20,0)"),
    (lambda kind: kind in (pa.float16(), pa.float32()), "real"),
    (pa.types.is_float64, "double precision"),
    (pa.types.is_date, "date"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "bytea"),
)
