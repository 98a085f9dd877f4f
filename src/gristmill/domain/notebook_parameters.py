"""The parameters that a job gives to a notebook."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gristmill.domain.errors import Invalid

FIELD = "configuration.parameters"
_NAME = re.compile(r"[A-Za-z_.][A-Za-z0-9_.]*")


def read_parameters(given: Any) -> dict[str, Any] | None:  # noqa: ANN401 - any JSON
    """Return names and JSON values, None where none are given.

    Raises:
        Invalid: they are no object, or a name cannot be that of a variable.

    """
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise Invalid(f"{FIELD}: they are an object of names and values.", field=FIELD)
    for name in given:
        if not _NAME.fullmatch(name):
            where = f"{FIELD}.{name}"
            raise Invalid(f"{where}: a variable cannot have this name; use letters, digits and _.", field=where)
    return dict(given)
