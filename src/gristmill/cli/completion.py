"""The command `completion`: scripts that make shells complete gristmill's commands and options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

PROGRAM = "gristmill"
VARIABLE = "_GRISTMILL_COMPLETE"
"""Set by the scripts when a shell asks for words."""


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="The shell.")]) -> None:
    """Print a script that makes the shell complete commands and options."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined] # public, but not marked so

    print(get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=str(shell)))


def enable() -> None:
    """Teach typer what the scripts expect, for a shell that asks."""
    from typer.completion import completion_init  # type: ignore[attr-defined] # public, but not marked so

    completion_init()
