"""The shapes of a job's configuration, looked at when it is given: what is wrong must not wait for its first run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gristmill.domain.entry_point import read_entry_point
from gristmill.domain.environment_variables import read_variables
from gristmill.domain.errors import Invalid
from gristmill.domain.job_parameters import (
    PARAMETER_SETS,
    PARAMETERS,
    read_job_parameters,
    read_parameter_sets,
)
from gristmill.domain.network import read_network
from gristmill.domain.notebook_parameters import read_parameters
from gristmill.domain.time_limit import read_time_limit
from gristmill.domain.worker_labels import read_labels

_WHERE = "configuration"
_MOST_REVISION = 2**31 - 1


def check_configuration(configuration: Mapping[str, Any], where: str = _WHERE) -> None:
    """Check the members of a job's or a run's configuration; others are left aside.

    Raises:
        Invalid: names the member.

    """
    read_variables(configuration.get("env_variables"), where=f"{where}.env_variables")
    read_time_limit(configuration)
    read_network(configuration, where=where)
    read_entry_point(configuration.get("entrypoint"))
    read_parameters(configuration.get("parameters"))
    read_version(configuration.get("version"))
    read_job_parameters(configuration.get(PARAMETERS))
    read_parameter_sets(configuration.get(PARAMETER_SETS))
    _check_text(configuration.get("env_id"), f"{where}.env_id")
    _check_hardware(configuration.get("hardware_spec"), f"{where}.hardware_spec")
    check_scoring(configuration.get("scoring"), where=f"{where}.scoring")


def check_scoring(scoring: Any, *, where: str = "scoring") -> None:  # noqa: ANN401 - any JSON
    """Check what a section says of input and output, as far as its shape.

    Raises:
        Invalid: names the member.

    """
    section = read_object(scoring, where)
    read_object(section.get("output_data_reference"), f"{where}.output_data_reference")
    read_object(section.get("environment_variables"), f"{where}.environment_variables")
    for member in ("input_data", "input_data_references"):
        elements = section.get(member)
        if elements is not None and not isinstance(elements, list):
            raise Invalid(f"{where}.{member}: it is an array.", field=f"{where}.{member}")
        for number, element in enumerate(elements or []):
            read_object(element, f"{where}.{member}[{number}]")


def read_version(version: Any) -> int | None:  # noqa: ANN401 - any JSON
    """Return the revision that a configuration names; None for the newest content.

    Raises:
        Invalid: it is no number of a revision.

    """
    if version in (None, ""):
        return None
    text = str(version) if isinstance(version, str | int) and not isinstance(version, bool) else ""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= _MOST_REVISION:
        where = f"{_WHERE}.version"
        raise Invalid(f"{where}: {version!r} is not the number of a revision.", field=where)
    return int(text)


def read_object(value: Any, where: str) -> Mapping[str, Any]:  # noqa: ANN401 - any JSON
    """Return an object, an empty one where there is none.

    Raises:
        Invalid: it is something else.

    """
    if value is not None and not isinstance(value, Mapping):
        raise Invalid(f"{where}: {value!r} is no object.", field=where)
    return value or {}


def _check_hardware(given: Any, where: str) -> None:  # noqa: ANN401 - any JSON
    reference = read_object(given, where)
    named = reference.get("id") or reference.get("name")
    if reference and not (isinstance(named, str) and named):
        raise Invalid(f'{where}: name a hardware specification, as {{"name": "S"}} or by its id.', field=where)
    read_labels(reference.get("labels"), f"{where}.labels")


def _check_text(value: Any, where: str) -> None:  # noqa: ANN401 - any JSON
    if value is not None and not isinstance(value, str):
        raise Invalid(f"{where}: {value!r} is no text.", field=where)
