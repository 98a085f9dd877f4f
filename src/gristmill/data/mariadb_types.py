"""What becomes of MariaDB's and MySQL's types in Arrow, and of Arrow's in MariaDB."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gristmill.data.names import quoted

_MOST_DIGITS = 38
_INTEGERS = {
    "tinyint": (pa.int8(), pa.uint8()),
    "smallint": (pa.int16(), pa.uint16()),
    "mediumint": (pa.int32(), pa.uint32()),
    "int": (pa.int32(), pa.uint32()),
    "bigint": (pa.int64(), pa.uint64()),
}
_OTHERS: dict[str, Any] = {
    "float": pa.float32(),
    "double": pa.float64(),
    "bit": pa.uint64(),
    "year": pa.int16(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "timestamp": pa.timestamp("us", tz="UTC"),
}
_BINARY = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its type by name and as declared, precision and scale of a decimal."""

    name: str
    type: str
    declared: str
    precision: int | None
    scale: int | None

    @property
    def kind(self) -> Any:  # noqa: ANN401
        """The Arrow type of its values. BOOLEAN is tinyint(1) there, and nothing else is."""
        if self._is_truth:
            return pa.bool_()
        if self.type in _INTEGERS:
            return _INTEGERS[self.type]["unsigned" in self.declared]
        if self.type == "decimal" and self.precision is not None and self.precision <= _MOST_DIGITS:
            return pa.decimal128(self.precision, self.scale or 0)
        if self.type in _BINARY:
            return pa.binary()
        return _OTHERS.get(self.type, pa.string())

    @property
    def _is_truth(self) -> bool:
        return self.declared.startswith("tinyint(1)") or self.declared == "bit(1)"

    @property
    def selected(self) -> str:
        """The expression that is selected: a text that Arrow reads, or bytes."""
        name = quoted(self.name, "`")
        if self.type in _BINARY:
            return name
        if self._is_truth:
            return f"{name} <> 0"
        if self.type == "bit":
            return f"{name} + 0"
        if self.type in {"date", "datetime", "timestamp"}:
            # MariaDB has zero days, such as 2020-00-00, which no calendar has.
            return f"IF(MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0, NULL, {name})"
        # A float is shown with six digits; as a double it is shown with all.
        return f"CAST({name} AS DOUBLE)" if self.type == "float" else name


def declared(kind: Any) -> str:  # noqa: ANN401
    """Return the type of a column that is made for values of an Arrow type; text for what has no better one."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        # Not TIMESTAMP, which ends in 2038.
        return "datetime(6)"
    return next((name for matches, name in _MADE if matches(kind)), "json" if pa.types.is_nested(kind) else "longtext")


_MADE = (
    (pa.types.is_boolean, "boolean"),
    (lambda kind: kind == pa.int8(), "tinyint"),
    (lambda kind: kind == pa.uint8(), "tinyint unsigned"),
    (lambda kind: kind == pa.int16(), "smallint"),
    (lambda kind: kind == pa.uint16(), "smallint unsigned"),
    (lambda kind: kind == pa.int32(), "int"),
    (lambda kind: kind == pa.uint32(), "int unsigned"),
    (lambda kind: kind == pa.int64(), "bigint"),
    (pa.types.is_uint64, "bigint unsigned"),
    (pa.types.is_floating, "double"),
    (pa.types.is_date, "date"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "longblob"),
)
