"""Secret environment variables: asked for, or taken from the environment, so that no command line has to hold them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gristmill.cli.failures import CommandFailed
from gristmill.cli.login import read_secret

Secrets = Annotated[
    list[str] | None,
    typer.Option(
        "--secret",
        metavar="NAME",
        help="Secret environment variable: its value is that of the variable of this name here, else you are asked. "
        "NAME=VALUE will do too, but others on this machine can read command lines. May be repeated.",
    ),
]


def read_secrets(given: Sequence[str]) -> list[str]:
    """Return the wire's list of ``NAME=value``.

    Raises:
        BadParameter: a name is missing.
        CommandFailed: nobody is there to ask for a value.

    """
    return [_secret(each) for each in given]


def _secret(text: str) -> str:
    name, sign, value = text.partition("=")
    if not name:
        raise typer.BadParameter(f"{text!r} has no name; write NAME.", param_hint="--secret")
    return f"{name}={value if sign else os.environ.get(name) or _asked_for(name)}"


def _asked_for(name: str) -> str:
    if not sys.stdin.isatty():
        raise CommandFailed(f"There is no terminal to ask for the value of {name}; set the variable {name} here.")
    return read_secret(None, name)
