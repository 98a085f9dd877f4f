"""What all noun commands share: their options, a session made from them, and how they fail."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from functools import cached_property
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from gristmill.cli import profile
from gristmill.cli.failures import FAILED, CommandFailed, told
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


def command(
    group: typer.Typer, name: str, *, in_space: bool = True, examples: Sequence[str] = ()
) -> Callable[[Body], Body]:
    """Return a decorator that adds a command to the group; the function gets a Session first, then its options.

    A parameter whose type is a dataclass stands for an option a field: several commands may share it. The help shows
    the examples as they are.
    """
    epilog = "\n".join(("\b", "Examples:", *(f"  {line}" for line in examples))) if examples else None

    def add(body: Body) -> Body:
        group.command(name, epilog=epilog)(_with_options(body, in_space=in_space))
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
    except OSError as error:
        if not error.filename:
            raise
        sys.stderr.write(f"gristmill: {told(error)}\n")
        raise typer.Exit(FAILED) from error


def _with_options(body: Body, *, in_space: bool) -> Body:
    hints = {name: hint for name, hint in get_type_hints(body, include_extras=True).items() if name != "return"}
    shared_by = {name: hint for name, hint in hints.items() if is_dataclass(hint)}

    # Named so that a command's own parameters may be called space or output.
    def run(*, in_form: Form, quietly: bool, named_space: str | None = None, **given: Any) -> None:  # noqa: ANN401
        session = Session(Screen(in_form, quiet=quietly), space=named_space)
        gathered = {name: _gathered(kind, given) for name, kind in shared_by.items()}
        with failures_told():
            try:
                body(session, **given, **gathered)
            finally:
                session.close()

    own = [
        option
        for given in inspect.signature(body).parameters.values()
        if given.name != "session"
        for option in _options(given, hints[given.name])
    ]
    shared = [_shared("named_space", _SPACE, None)] if in_space else []
    shared += [_shared("in_form", _OUTPUT, Form.TABLE), _shared("quietly", _QUIET, default=False)]
    parameters = [*own, *shared]
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__name__ = body.__name__
    run.__doc__ = body.__doc__
    return run


def _options(given: Parameter, hint: Any) -> list[Parameter]:  # noqa: ANN401 - any type
    if not is_dataclass(hint):
        return [given.replace(annotation=hint, kind=Parameter.KEYWORD_ONLY)]
    hints = get_type_hints(hint, include_extras=True)
    return [
        Parameter(each.name, Parameter.KEYWORD_ONLY, default=each.default, annotation=hints[each.name])
        for each in fields(hint)
    ]


def _gathered(kind: Any, given: dict[str, Any]) -> Any:  # noqa: ANN401 - any dataclass
    return kind(**{each.name: given.pop(each.name) for each in fields(kind)})


def _shared(name: str, annotation: object, default: object) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
