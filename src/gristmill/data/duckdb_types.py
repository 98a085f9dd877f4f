"""What becomes of DuckDB's types in Arrow, and of Arrow's in DuckDB."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gristmill.data.names import quoted

_DIRECT: dict[str, Any] = {
    "BOOLEAN": pa.bool_(),
    "TINYINT": pa.int8(),
    "UTINYINT": pa.uint8(),
    "SMALLINT": pa.int16(),
    "USMALLINT": pa.uint16(),
    "INTEGER": pa.int32(),
    "UINTEGER": pa.uint32(),
    "BIGINT": pa.int64(),
    "UBIGINT": pa.uint64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BLOB": pa.binary(),
}
_MOMENTS: dict[str, Any] = {
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMP_S": pa.timestamp("us"),
    "TIMESTAMP_MS": pa.timestamp("us"),
    "TIMESTAMP_NS": pa.timestamp("us"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
}
_DECIMAL = re.compile(r"^DECIMAL\((\d+),\s*(\d+)\)$")
_LIST = re.compile(r"^(.+)\[\d*\]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its name and type, as DuckDB writes it."""

    name: str
    type: str

    @property
    def kind(self) -> Any:  # noqa: ANN401
        """The Arrow type of its values, when they are read and when they are written."""
        return _kind(self.type)

    @property
    def selected(self) -> str:
        """The expression that is selected."""
        name = quoted(self.name)
        if self.type in _DIRECT or _DECIMAL.match(self.type):
            return name
        if self.type in _MOMENTS:
            # Arrow has no infinite days, and others count in microseconds.
            plain = "TIMESTAMP" if self.type.startswith("TIMESTAMP_") else self.type
            return f"CASE WHEN isfinite({name}) THEN CAST({name} AS {plain}) END"
        found = _LIST.match(self.type)
        if found and found.group(1) in _DIRECT:
            return f"CAST({name} AS {found.group(1)}[])"
        nested = found or self.type.startswith(("STRUCT(", "MAP(", "UNION("))
        return f"CAST(to_json({name}) AS VARCHAR)" if nested else f"CAST({name} AS VARCHAR)"


def _kind(type_name: str) -> Any:  # noqa: ANN401
    if found := _DECIMAL.match(type_name):
        return pa.decimal128(int(found.group(1)), int(found.group(2)))
    if (found := _LIST.match(type_name)) and found.group(1) in _DIRECT:
        return pa.list_(_DIRECT[found.group(1)])
    return _DIRECT.get(type_name) or _MOMENTS.get(type_name) or pa.string()


def declared(kind: Any) -> str:  # noqa: ANN401
    """Return the type of a column that is made for values of an Arrow type; text for what has no better one."""
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})" if kind.precision <= 38 else "VARCHAR"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        element = declared(kind.value_type)
        return f"{element}[]" if element in _DIRECT else "JSON"
    return next((name for matches, name in _MADE if matches(kind)), "JSON" if pa.types.is_nested(kind) else "VARCHAR")


_MADE = (
    (pa.types.is_float16, "FLOAT"),
    (pa.types.is_date, "DATE"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "BLOB"),
    *((lambda kind, direct=direct: kind == direct, name) for name, direct in _DIRECT.items()),
)
