"""Serving names: words that may stand for an id, one of a kind in the whole installation."""

from __future__ import annotations

import re
from typing import Any

from gristmill.domain.errors import Invalid

_SHAPE = re.compile(r"[a-z0-9_]{1,36}")


def read_serving_name(name: Any) -> str | None:  # noqa: ANN401 - any JSON
    """Return a serving name, None where there is none.

    Raises:
        Invalid: it is longer than 36 characters, or has others than a-z, 0-9 and underscores.

    """
    if name is None:
        return None
    if not isinstance(name, str) or not _SHAPE.fullmatch(name):
        raise Invalid(
            f"serving_name: {name!r} is not 1 to 36 characters of a-z, 0-9 and underscores.", field="serving_name"
        )
    return name
