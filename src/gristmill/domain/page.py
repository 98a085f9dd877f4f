"""A page of a list: the items, and the opaque mark where the next page starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

DEFAULT_LIMIT = 100
MAX_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """``next`` is None on the last page; ``total`` counts all items where the wire asks for it."""

    items: Sequence[T]
    next: str | None = None
    total: int | None = None
