"""Retention of a job's runs: so many of the newest, or so many days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.errors import Invalid

_FIELD = "retention_policy"


def read_retention(policy: Mapping[str, Any] | None) -> dict[str, int] | None:
    """Return ``{"amount": n}`` or ``{"days": n}``, or None where nothing was asked for.

    Raises:
        Invalid: it names both or neither, or no whole number from 1 up.

    """
    if policy is None:
        return None
    given = {name: policy.get(name) for name in ("amount", "days") if policy.get(name) is not None}
    if len(given) != 1:
        raise Invalid(
            f"{_FIELD}: give either amount (runs to keep) or days (how long to keep them), not both or neither.",
            field=_FIELD,
        )
    ((name, value),) = given.items()
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Invalid(f"{_FIELD}.{name}: {value!r} is not a whole number from 1 up.", field=f"{_FIELD}.{name}")
    return {name: value}
