"""Options of commands, made from the settings: ``--port`` is GRISTMILL_PORT, and wins over it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, get_type_hints

import typer
from pydantic import ValidationError

from gristmill.settings import Settings

# Anyone on the machine can read the command lines of its processes.
ENVIRONMENT_ONLY = frozenset(
    {"admin_api_key", "content_secret_key", "lineage", "lineage_api_key", "metrics_token", "secret_key", "smtp_url"}
)

# One or two letters amiss; GRISTMILL_API_KEY, which the commands for clients read, is less like any setting.
_NEAR = 0.92
# Not by urllib: what it refuses to read (a port that is none) may have a password, too.
_PASSWORD = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@]*:[^/?#@]+@", re.IGNORECASE)
SHORTER = {"ray_address": ("--ray",)}


def takes_settings(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command for typer that has an option for each setting, beside its own keyword-only parameters."""
    hints = get_type_hints(command, include_extras=True)
    declared = signature(command).parameters.values()
    own = [p.replace(annotation=hints[p.name]) for p in declared if p.kind is Parameter.KEYWORD_ONLY]

    def run(**given: Any) -> None:  # noqa: ANN401 - what the signature below says
        options = {parameter.name: given.pop(parameter.name) for parameter in own}
        command(read({name: value for name, value in given.items() if value is not None}), **options)

    settings = [_parameter(name) for name in Settings.model_fields if name not in ENVIRONMENT_ONLY]
    parameters = [*own, *settings]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = command.__name__
    run.__doc__ = command.__doc__
    return run


def misspelled(environment: Iterable[str]) -> dict[str, str]:
    """Return names of variables that are nearly a setting's, each with that one; others may be somebody else's."""
    known = {f"GRISTMILL_{name.upper()}" for name in Settings.model_fields}
    others = sorted(name for name in environment if name.startswith("GRISTMILL_") and name not in known)
    near = {name: get_close_matches(name, known, n=1, cutoff=_NEAR) for name in others}
    return {name: found[0] for name, found in near.items() if found}


def revealing(given: Mapping[str, Any]) -> list[str]:
    """Return the names of those whose value is a URL with a password, which anyone on the machine can read."""
    return [name for name, value in given.items() if _PASSWORD.match(str(value))]


def read(given: dict[str, Any]) -> Settings:
    """Return the settings, or end the process with a line for each one that is wrong; tell of misspelled ones."""
    for name, meant in misspelled(os.environ).items():
        sys.stderr.write(f"{name} is no setting and changes nothing. Did you mean {meant}?\n")
    for name in revealing(given):
        flag, variable = f"--{name.replace('_', '-')}", f"GRISTMILL_{name.upper()}"
        sys.stderr.write(f"{flag}: its password shows in the list of processes. Give it as {variable} instead.\n")
    try:
        return Settings(**given)
    except ValidationError as error:
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"])
            said = fault["msg"].removeprefix("Value error, ")
            sys.stderr.write(f"GRISTMILL_{where.upper()}: {said}\n" if where else f"{said}\n")
        raise typer.Exit(2) from error


def _parameter(name: str) -> Parameter:
    field = Settings.model_fields[name]
    flag = f"--{name.replace('_', '-')}"
    shown = "" if field.default_factory or field.default is None else f" [default: {field.default}]"
    help_text = f"{field.description}{shown} [env: GRISTMILL_{name.upper()}]"
    if field.annotation is bool:
        annotation: Any = Annotated[bool | None, typer.Option(f"{flag}/--no-{flag[2:]}", help=help_text)]
    else:
        annotation = Annotated[
            str | None, typer.Option(flag, *SHORTER.get(name, ()), help=help_text, show_default=False)
        ]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
