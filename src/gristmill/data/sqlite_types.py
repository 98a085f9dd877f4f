"""What becomes of SQLite's values in Arrow: of what they are, and of what their column is declared as."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from gristmill.data.names import quoted

_DAY = "[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]"
_TIME = "[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_UTC = pa.timestamp("us", tz="UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Which kinds of values a column holds, and whether all of them fit what it is declared as."""

    integers: bool
    reals: bool
    texts: bool
    blobs: bool
    fit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its name, and its declared type, which SQLite does not hold values to."""

    name: str
    declared: str

    @property
    def kind(self) -> Any:  # noqa: ANN401
        """The Arrow type that it is declared as, None where it is not declared as any."""
        return next((kind for matches, kind in _DECLARED if matches.search(self.declared)), None)

    @property
    def to_be_seen(self) -> str:
        """The aggregates that ``Seen`` is made of."""
        name = quoted(self.name)
        kinds = (f"max(typeof({name}) = '{kind}')" for kind in ("integer", "real", "text", "blob"))
        return ", ".join([*kinds, f"min({name} IS NULL OR ({self._fits(name)}))"])

    def _fits(self, name: str) -> str:
        match self.kind:
            case kind if kind == pa.bool_():
                return f"typeof({name}) = 'integer' AND {name} IN (0, 1)"
            case kind if kind == pa.date32():
                return f"typeof({name}) = 'text' AND {name} GLOB '{_DAY}' AND date({name}) = {name}"
            case kind if kind == pa.timestamp("us"):
                return _moment(name, zone="")
            case kind if kind == _UTC:
                return _moment(name, zone="+00:00")
        return "1"

    def read_as(self, seen: Seen) -> Any:  # noqa: ANN401
        """Return the Arrow type that holds all of its values; text where no other does."""
        special = self.kind in {pa.bool_(), pa.date32(), pa.timestamp("us"), _UTC}
        if special and seen.fit:
            return self.kind
        if seen.blobs or seen.texts:
            only_blobs = seen.blobs and not (seen.texts or seen.integers or seen.reals)
            return pa.binary() if only_blobs else pa.string()
        if seen.reals or seen.integers:
            floats = seen.reals or self.kind == pa.float64()
            return pa.string() if self.kind == pa.string() else pa.float64() if floats else pa.int64()
        return self.kind or pa.string()


def _moment(name: str, *, zone: str) -> str:
    """Return the condition of an ISO 8601 text to the second, with up to six digits behind it."""
    bare = f"substr({name}, 1, length({name}) - {len(zone)})"
    ends = f"{name} LIKE '%{zone}' AND " if zone else ""
    fraction = f"(length({bare}) = 19 OR (length({bare}) BETWEEN 21 AND 26 AND {bare} GLOB '{_DAY}[ T]{_TIME}.[0-9]*' "
    digits = f"AND NOT substr({bare}, 21) GLOB '*[^0-9]*'))"
    shape = f"{bare} GLOB '{_DAY}[ T]{_TIME}*' AND datetime({bare}) IS NOT NULL"
    return f"typeof({name}) = 'text' AND {ends}{shape} AND {fraction}{digits}"


def declared(kind: Any) -> str:  # noqa: ANN401
    """Return the type of a column that is made for values of an Arrow type; text for what has no better one."""
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
    return next((name for matches, name in _MADE if matches(kind)), "TEXT")


_DECLARED: tuple[tuple[re.Pattern[str], Any], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        ("^BOOL", pa.bool_()),
        ("^DATE$", pa.date32()),
        ("^TIMESTAMPTZ|^TIMESTAMP.*WITH TIME ZONE", _UTC),
        ("^(DATETIME|TIMESTAMP)", pa.timestamp("us")),
        ("INT", pa.int64()),
        ("CHAR|CLOB|TEXT", pa.string()),
        ("BLOB", pa.binary()),
        ("REAL|FLOA|DOUB|NUMERIC|DECIMAL", pa.float64()),
    )
)
# SQLite has no decimals: as texts they keep their digits.
_MADE: tuple[tuple[Callable[[Any], bool], str], ...] = (
    (pa.types.is_boolean, "BOOLEAN"),
    (lambda kind: pa.types.is_integer(kind) and kind != pa.uint64(), "INTEGER"),
    (pa.types.is_floating, "REAL"),
    (pa.types.is_date, "DATE"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "BLOB"),
)
