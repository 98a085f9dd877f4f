"""What all noun commands share: their options, a session made from them, and how they fail."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from gristmill.cli import profile
from gristmill.cli.failures import CommandFailed
from gristmill.cli.output import Form, Screen

if TYPE_CHECKING:
    from gristmill.cli.client import Client

Body = Callable[..., None]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many to list at most.")]
LISTED = 200
_OUTPUT = Annotated[Form, typer.Option("--output", help="A table, the server's documents, or ids only.")]
_QUIET = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
_SPACE = Annotated[
    str | None,
    typer.Option(
        "--space", envvar="GRISTMILL_SPACE", help="Name or id of the space; by default, that of `gristmill space use`."
    ),
]


class Session:
    """What a command works with. The client and the space are made when they are first asked for."""

    def __init__(self, screen: Screen, *, space: str | None = None) -> None:
        self.screen = screen
        self._space = space
        self._open = ExitStack()

    @cached_property
    def client(self) -> Client:
        """The client of the login that counts."""
        from gristmill.cli.client import Client

        return self._open.enter_context(Client(profile.current(os.environ)))

    @cached_property
    def space_id(self) -> str:
        """The id of the space that was named, else of the one that the profile has."""
        if found := self.space_id_if_any:
            return found
        raise CommandFailed("Which space? Name one with --space, or choose one with `gristmill space use`.")

    @cached_property
    def space_id_if_any(self) -> str | None:
        """The same, for commands that can do without."""
        from gristmill.cli import lookup

        return lookup.space(self.client, self._space) if self._space else self.client.profile.space_id

    def close(self) -> None:
        """End the client's connections."""
        self._open.close()


def noun(name: str, text: str) -> typer.Typer:
    """Return a group of commands."""
    return typer.Typer(
        name=name,
        help=text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def command(group: typer.Typer, name: str, *, in_space: bool = True) -> Callable[[Body], Body]:
    """Return a decorator that adds a command to the group; the function gets a Session first, then its options."""

    def add(body: Body) -> Body:
        group.command(name)(_with_options(body, in_space=in_space))
        return body

    return add


@contextmanager
def failures_told() -> Iterator[None]:
    """End the process with one line where the block fails for a reason that its user can understand."""
    try:
        yield
    except CommandFailed as error:
        if str(error):
            sys.stderr.write(f"gristmill: {error}\n")
        raise typer.Exit(error.exit_code) from error


def _with_options(body: Body, *, in_space: bool) -> Body:
    # Named so that a command's own parameters may be called space or output.
    def run(*, in_form: Form, quietly: bool, named_space: str | None = None, **given: Any) -> None:  # noqa: ANN401
        session = Session(Screen(in_form, quiet=quietly), space=named_space)
        with failures_told():
            try:
                body(session, **given)
            finally:
                session.close()

    hints = get_type_hints(body, include_extras=True)
    own = [
        given.replace(annotation=hints[given.name], kind=Parameter.KEYWORD_ONLY)
        for given in inspect.signature(body).parameters.values()
        if given.name != "session"
    ]
    shared = [_shared("named_space", _SPACE, None)] if in_space else []
    shared += [_shared("in_form", _OUTPUT, Form.TABLE), _shared("quietly", _QUIET, default=False)]
    parameters = [*own, *shared]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = body.__name__
    run.__doc__ = body.__doc__
    return run


def _shared(name: str, annotation: object, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
