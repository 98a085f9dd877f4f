"""Environment variables as the jobs API writes them: a list of ``NAME=value``."""

from __future__ import annotations

from typing import Any

from gristmill.domain.errors import Invalid


def read_variables(listed: Any, *, where: str) -> dict[str, str]:  # noqa: ANN401 - any JSON
    """Return the variables by name; the last of two with one name wins, as in a shell.

    Raises:
        Invalid: it is no list of texts of the form NAME=value.

    """
    if listed is None:
        return {}
    if not isinstance(listed, list):
        raise Invalid(f"{where}: it is not a list of NAME=value.", field=where)
    variables: dict[str, str] = {}
    for number, text in enumerate(listed):
        name, equals, value = text.partition("=") if isinstance(text, str) else ("", "", "")
        if not name or not equals or "\0" in text:
            raise Invalid(f"{where}[{number}]: {text!r} is not of the form NAME=value.", field=f"{where}[{number}]")
        variables[name] = value
    return variables


def write_variables(variables: dict[str, str]) -> list[str]:
    """Return the wire's list."""
    return [f"{name}={value}" for name, value in variables.items()]
