"""How long a run may work: seconds, given by its job or for one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.errors import Invalid

MEMBER = "timeout_seconds"
LONGEST_SECONDS = 90 * 24 * 3600


def read_time_limit(configuration: Mapping[str, Any]) -> int | None:
    """Return a configuration's ``timeout_seconds``; None where it has none.

    Raises:
        Invalid: it is no whole number of seconds, or too many.

    """
    value = configuration.get(MEMBER)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= LONGEST_SECONDS:
        where = f"configuration.{MEMBER}"
        raise Invalid(f"{where}: {value!r} is not a whole number of seconds from 1 to {LONGEST_SECONDS}.", field=where)
    return value
