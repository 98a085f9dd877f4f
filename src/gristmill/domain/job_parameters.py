"""The parameters of a job and of its runs: names and values, and parameter sets of the space, by name or by id."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gristmill.domain.errors import Invalid

PARAMETERS = "job_parameters"
PARAMETER_SETS = "parameter_sets"
MOST = 1_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSetReference:
    """A parameter set as a job names it: by its id (``ref``) or its name, with one of its value sets or none.

    ``where`` is its place in the request, for refusals.
    """

    where: str
    ref: str | None = None
    name: str | None = None
    value_set: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterLayer:
    """What a job says, or one run of it: values by name, over those of sets, and environment variables over both."""

    sets: Sequence[ParameterSetReference] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def read_job_parameters(listed: Any, *, where: str = PARAMETERS) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """Return the values by name of the wire's ``[{"name": ..., "value": ...}]``; the last of one name wins.

    Raises:
        Invalid: it is no such list, or a name cannot be that of an environment variable.

    """
    found: dict[str, Any] = {}
    for number, entry in enumerate(_entries(listed, where)):
        if "value" not in entry:
            raise Invalid(f"{where}[{number}].value: it is missing.", field=f"{where}[{number}].value")
        found[_variable(entry.get("name"), f"{where}[{number}].name")] = entry["value"]
    return found


def read_parameter_sets(listed: Any, *, where: str = PARAMETER_SETS) -> tuple[ParameterSetReference, ...]:  # noqa: ANN401
    """Return the references of the wire's ``[{"name": ..., "ref": ..., "value_set": ...}]``.

    Raises:
        Invalid: it is no such list, or an entry names no set.

    """
    return tuple(_reference(entry, f"{where}[{number}]") for number, entry in enumerate(_entries(listed, where)))


def values_of(described: Mapping[str, Any], reference: ParameterSetReference) -> dict[str, Any]:
    """Return the values that a parameter set gives: its own, under those of the value set. What has none is left out.

    Raises:
        Invalid: it has no such value set, or one of its names cannot be that of an environment variable.

    """
    entries = [*(described.get("parameters") or ()), *_value_set(described, reference)]
    given = {entry["name"]: entry["value"] for entry in entries if entry.get("value") is not None}
    return {_variable(name, reference.where): value for name, value in given.items()}


def text_of(value: Any) -> str:  # noqa: ANN401 - any JSON
    """Return the value as an environment variable has it: texts as they are, nothing as no text, others as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _value_set(described: Mapping[str, Any], reference: ParameterSetReference) -> Sequence[Mapping[str, Any]]:
    if reference.value_set is None:
        return ()
    there = {one["name"]: one.get("values") or () for one in described.get("value_sets") or ()}
    if reference.value_set not in there:
        where = f"{reference.where}.value_set"
        names = ", ".join(sorted(there)) or "none"
        message = f"{where}: {described.get('name')} has no value set {reference.value_set}; it has {names}."
        raise Invalid(message, field=where)
    return there[reference.value_set]


def _reference(entry: Mapping[str, Any], where: str) -> ParameterSetReference:
    given: dict[str, str | None] = {}
    for member in ("ref", "name", "value_set"):
        value = entry.get(member)
        if value is not None and not isinstance(value, str):
            raise Invalid(f"{where}.{member}: {value!r} is no text.", field=f"{where}.{member}")
        given[member] = value or None
    if not given["ref"] and not given["name"]:
        raise Invalid(f"{where}: name a parameter set by ref (its id) or name.", field=where)
    return ParameterSetReference(where=where, **given)


def _entries(listed: Any, where: str) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 - any JSON
    if listed is None:
        return ()
    if not isinstance(listed, list) or len(listed) > MOST:
        raise Invalid(f"{where}: it is a list of at most {MOST} objects.", field=where)
    for number, entry in enumerate(listed):
        if not isinstance(entry, Mapping):
            raise Invalid(f"{where}[{number}]: {entry!r} is no object.", field=f"{where}[{number}]")
    return listed


def _variable(name: object, where: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Invalid(f"{where}: {name!r} cannot be the name of a variable; use letters, digits and _.", field=where)
    return name
