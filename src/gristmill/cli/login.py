"""The commands `login` and `logout`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gristmill.cli import profile
from gristmill.cli.command import failures_told
from gristmill.cli.failures import CommandFailed
from gristmill.cli.profile import Profile


def login(
    url: Annotated[str, typer.Option(envvar="GRISTMILL_URL", help="The server's URL.")] = profile.DEFAULT_URL,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="GRISTMILL_API_KEY",
            show_envvar=True,
            help="Your API key, or - to read it from standard input; without it you are asked. "
            "Others on this machine can read what is written on the command line.",
        ),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(envvar="GRISTMILL_CA", help="Certificate (PEM) of the CA that proves the server, if private."),
    ] = None,
) -> None:
    """Log in to a server and remember it, for all commands that follow."""
    with failures_told():
        url = profile.normal(url, where="--url or GRISTMILL_URL")
        before = _kept_for(url)
        wanted = Profile(
            url=url,
            api_key=read_secret(api_key, "API key"),
            ca=str(ca.resolve()) if ca else before.ca if before else None,
            space_id=before.space_id if before else None,
        )
        name = _name(wanted)
        path = profile.keep(os.environ, wanted)
    print(f"You are {name} at {url}. The login is kept in {path}.")


def logout() -> None:
    """Forget the login. The API key stays valid: `gristmill key revoke` ends it."""
    with failures_told():
        there = profile.forget(os.environ)
    print("The login is forgotten." if there else "There was no login.")


def read_secret(given: str | None, what: str, *, option: str = "--api-key", twice: bool = False) -> str:
    """Return a secret: as given, from standard input for ``-``, or asked for on the terminal, ``twice`` if it is new.

    Raises:
        CommandFailed: nobody is there to ask, or what came is empty.

    """
    if given is None and not sys.stdin.isatty():
        raise CommandFailed(f"There is no terminal to ask for the {what}; `{option} -` reads it from standard input.")
    if given is None:
        given = typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True)
    secret = (sys.stdin.readline() if given == "-" else given).strip()
    if not secret:
        raise CommandFailed(f"The {what} is empty.")
    return secret


def _kept_for(url: str) -> Profile | None:
    """Return what was kept for this server; a profile that cannot be read is about to be replaced anyway."""
    try:
        found = profile.kept(os.environ)
    except CommandFailed:
        return None
    return found if found and found.url == url else None


def _name(wanted: Profile) -> str:
    from gristmill.cli.client import Client

    with Client(wanted) as client:
        return str(client.get("/v1/me")["name"])
