"""E-mail addresses, as far as one can tell from their looks."""

from __future__ import annotations

import re
from typing import Any

from gristmill.domain.errors import Invalid

_LONGEST = 320
_LOOKS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,255}")


def is_address(text: str) -> bool:
    """Whether the text looks like one bare e-mail address."""
    return len(text) <= _LONGEST and bool(_LOOKS.fullmatch(text))


def read_address(given: Any, *, where: str) -> str:  # noqa: ANN401 - any JSON
    """Return an e-mail address as it was given; ``where`` names the field.

    Raises:
        Invalid: it does not look like one.

    """
    if not isinstance(given, str) or not is_address(given):
        raise Invalid(f"{where}: {given!r} is no e-mail address like ann@example.com.", field=where)
    return given
