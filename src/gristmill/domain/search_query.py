"""The part of the asset search language that is spoken here: ``*:*``, ``asset.name:Abc*``, ``asset.tags:x``, AND."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from gristmill.domain.errors import Invalid

MOST_CHARACTERS = 1_000
MOST_TERMS = 20


class SearchField(StrEnum):
    """What can be searched."""

    NAME = "name"
    DESCRIPTION = "description"
    TAG = "tag"
    ID = "id"
    TYPE = "type"


_FIELDS = {
    "name": SearchField.NAME,
    "asset.name": SearchField.NAME,
    "metadata.name": SearchField.NAME,
    "asset.description": SearchField.DESCRIPTION,
    "asset.tags": SearchField.TAG,
    "metadata.tags": SearchField.TAG,
    "asset.asset_id": SearchField.ID,
    "asset.asset_type": SearchField.TYPE,
}
_TERM = re.compile(r'\s*(?:([A-Za-z_.*]+):)?("(?:[^"\\]|\\.)*"|(?:[^\s"()\\:]|\\.)+)(?:\s+|$)')
_SORTS = {"name": "name", "size": "size", "created": "created_at", "created_at": "created_at"} | dict.fromkeys(
    ("modified", "modified_at", "last_updated_at", "last_update_time", "usage.last_updated_at"), "modified_at"
)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. ``parts`` are the texts between asterisks, matched in order without regard to case."""

    field: SearchField
    parts: tuple[str, ...]


def parse(query: object) -> tuple[Term, ...]:
    """Return the conditions that all must hold; none for ``*:*``.

    Raises:
        Invalid: the query uses something that is not spoken here.

    """
    text = query if isinstance(query, str) else "" if query is None else "\\"
    if len(text) > MOST_CHARACTERS:
        raise Invalid(f"query: it has more than {MOST_CHARACTERS} characters.", field="query")
    terms: list[Term] = []
    position, joined = 0, True
    while position < len(text.rstrip()):
        match = _TERM.match(text, position)
        if match is None:
            raise _unknown(text[position:])
        position = match.end()
        if match[1] is None and match[2] in {"AND", "&&"} and not joined:
            joined = True
            continue
        if not joined:
            raise _unknown(match[0])
        joined = False
        terms.extend(_term(match[1], match[2]))
    if len(terms) > MOST_TERMS:
        raise Invalid(f"query: it has more than {MOST_TERMS} conditions.", field="query")
    return tuple(terms)


def sort_column(sort: object) -> tuple[str, bool]:
    """Return the attribute of an asset to sort by and whether downwards: ``-asset.created_at`` is (created_at, True).

    Raises:
        Invalid: it cannot be sorted by that.

    """
    if not sort:
        return "created_at", False
    name = re.sub(r"<\w+>$", "", str(sort).strip())
    column = _SORTS.get(name.lstrip("+-").removeprefix("asset.").removeprefix("metadata."))
    if column is None:
        raise Invalid(
            f"sort: {sort!r} is none of {', '.join(_SORTS)}, with - in front to turn it around.", field="sort"
        )
    return column, name.startswith("-")


def _term(name: str | None, value: str) -> list[Term]:
    if name in {None, "*"} and value == "*":
        return []
    if name is None and value in {"OR", "NOT", "||", "!"}:
        raise _unknown(value)
    field = _FIELDS.get(name.lower()) if name else SearchField.NAME
    if field is None:
        raise _unknown(f"{name}:{value}")
    return [Term(field, _parts(value))]


def _parts(value: str) -> tuple[str, ...]:
    if value.startswith('"'):
        return (re.sub(r"\\(.)", r"\1", value[1:-1]),)
    pieces = re.split(r"(?<!\\)\*", value)
    return tuple(re.sub(r"\\(.)", r"\1", piece) for piece in pieces)


def _unknown(part: str) -> Invalid:
    return Invalid(
        f"query: {part.strip()!r} is not understood. Write *:* or conditions such as asset.name:Abc* and asset.tags:x, "
        "joined by AND.",
        field="query",
    )
