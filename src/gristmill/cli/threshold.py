"""The option ``--error-threshold``: how many rows may be rejected before a run fails."""

from __future__ import annotations

from typing import Annotated

import typer

from gristmill.domain.error_threshold import read_error_threshold
from gristmill.domain.errors import Invalid

OPTION = "--error-threshold"
Threshold = Annotated[
    str | None,
    typer.Option(
        OPTION,
        metavar="ROWS|SHARE",
        help='How many rows may be rejected before a run fails: 5, 0.02 or "2 %"; 0 if not said.',
    ),
]


def wire(given: str | None) -> int | float | str | None:
    """Return what the wire takes: a whole number, a share, or a text with a percent sign.

    Raises:
        BadParameter: it is none of these.

    """
    if given is None:
        return None
    value: int | float | str = given.strip()
    for kind in (int, float):
        try:
            value = kind(given)
        except ValueError:
            continue
        break
    try:
        read_error_threshold(value, where="error_threshold")
    except Invalid as error:
        raise typer.BadParameter(error.message.partition(": ")[2], param_hint=OPTION) from error
    return value
