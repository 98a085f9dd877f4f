"""Whether user code may use the network: said by its job or run, by its deployment, or else by what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.errors import Invalid

MEMBER = "network"
_WITHOUT = frozenset({"model"})
"""Kinds that need no network: what they are given is all that they work with."""


def read_network(document: Mapping[str, Any], *, where: str) -> bool | None:
    """Return what a configuration, or a deployment's ``batch``, says of the network; None where it says nothing.

    Raises:
        Invalid: it is neither true nor false.

    """
    value = document.get(MEMBER)
    if value is not None and not isinstance(value, bool):
        raise Invalid(f"{where}.{MEMBER}: {value!r} is neither true nor false.", field=f"{where}.{MEMBER}")
    return value


def may_use_network(kind: str, *said: bool | None) -> bool:
    """Decide for a run of a kind: the first that says anything counts."""
    return next((word for word in said if word is not None), kind not in _WITHOUT)
