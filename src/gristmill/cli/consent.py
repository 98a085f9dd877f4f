"""Consent to what cannot be undone: given by ``--yes``, or asked for on the terminal."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from gristmill.cli.failures import CommandFailed

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def require(question: str, *, yes: bool) -> None:
    """Return once the user agrees.

    Raises:
        CommandFailed: nobody is there to ask.
        Abort: the user does not agree.

    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandFailed("There is no terminal to ask for your consent; --yes gives it.")
    typer.confirm(question, abort=True, err=True)
