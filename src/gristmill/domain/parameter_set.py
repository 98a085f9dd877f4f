"""Parameter sets: named parameters with default values, and sets of other values for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.asset_document import description_of, name_of
from gristmill.domain.errors import Invalid

MOST_PARAMETERS = 1_000


def check(document: object) -> Mapping[str, Any]:
    """Return the parameter set, checked.

    Raises:
        Invalid: it has no name, a parameter has none or the same as another, or a value set names an unknown one.

    """
    if not isinstance(document, Mapping):
        raise Invalid(
            'parameter_set: send {"parameter_set": {"name": ..., "parameters": [...]}}.', field="parameter_set"
        )
    name_of(document, field="parameter_set.name")
    description_of(document, field="parameter_set.description")
    names = _names(document.get("parameters"), "parameter_set.parameters")
    for number, value_set in enumerate(document.get("value_sets") or []):
        field = f"parameter_set.value_sets[{number}]"
        name_of(value_set if isinstance(value_set, Mapping) else {}, field=f"{field}.name")
        for name in _names(value_set.get("values"), f"{field}.values"):
            if name not in names:
                raise Invalid(f"{field}.values: there is no parameter {name}.", field=f"{field}.values")
    return document


def _names(entries: object, field: str) -> set[str]:
    if entries is None:
        return set()
    if not isinstance(entries, list) or len(entries) > MOST_PARAMETERS:
        raise Invalid(f"{field}: it is a list of at most {MOST_PARAMETERS}.", field=field)
    names: set[str] = set()
    for number, entry in enumerate(entries):
        name = name_of(entry if isinstance(entry, Mapping) else {}, field=f"{field}[{number}].name")
        if name in names:
            raise Invalid(f"{field}[{number}].name: {name} is there twice.", field=f"{field}[{number}].name")
        names.add(name)
    return names
