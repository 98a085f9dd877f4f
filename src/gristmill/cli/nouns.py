"""The commands that speak to a server, each loaded when it is used: the help of all takes a line of each only."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

NOUNS: Mapping[str, tuple[str, str]] = {
    "login": ("login:login", "Log in to a server, for all commands that follow."),
    "logout": ("login:logout", "Forget the login."),
    "space": ("space:spaces", "Spaces, their members, and the one to work in."),
    "asset": ("assets:assets", "Data, models, functions and scripts of a space."),
    "connection": ("connection:connections", "Databases and stores of files that jobs read and write."),
    "deployment": ("deployments:deployments", "Assets that are ready to run jobs."),
    "job": ("jobs:jobs", "Jobs: what is run again and again, by hand or on time."),
    "run": ("runs:runs", "Runs: look, wait, read logs, do again, cancel, delete."),
    "channel": ("channel:channels", "Where a space tells of its runs."),
    "inbox": ("inbox:inbox", "What you were told."),
    "audit": ("audit:audit", "Who did what, for administrators."),
    "user": ("user:users", "Users, for administrators, and who you are."),
    "key": ("key:keys", "API keys."),
    "credential": ("credential:credentials", "Your task credential, which your jobs run with."),
    "completion": ("completion:completion", "Print a shell's completion script."),
}
"""By name: where the command is, as module:attribute beside this file, and its line in the help."""


class Nouns(TyperGroup):
    """A group with commands of its own and those of NOUNS."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - typer's own click is not public
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *NOUNS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer's own click is not public
        """Return a command, None where there is none of this name."""
        return load(cmd_name) if cmd_name in NOUNS else super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - typer's own click is not public
        """Write a line for each command, without loading what is not here yet."""
        own = [(name, self.commands[name].get_short_help_str(60)) for name in super().list_commands(ctx)]
        with formatter.section("Server"):
            formatter.write_dl(own)
        with formatter.section("Commands that speak to a server"):
            formatter.write_dl([(name, line) for name, (_, line) in NOUNS.items()])


def load(name: str) -> Any:  # noqa: ANN401 - typer's own click is not public
    """Return the command, ready to be invoked."""
    module, _, attribute = NOUNS[name][0].partition(":")
    found = getattr(import_module(f"gristmill.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        return get_command(found)
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command(name)(found)
    return get_command(alone)
