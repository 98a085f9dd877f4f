"""Looking behind connections: whether they work, and what is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gristmill.data.source import DataFailed, Entry, Source
from gristmill.domain.asset import AssetType
from gristmill.domain.errors import Conflict, GristmillError, Invalid, NotFound
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import connected_sources, connections
from gristmill.service.access import authorize
from gristmill.service.asset_access import find
from gristmill.service.bounded_calls import CallRefused
from gristmill.service.connected_sources import Access
from gristmill.service.context import Context

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """How a test of a connection went: a sentence, and how long it took."""

    ok: bool
    message: str
    seconds: float


def try_out(context: Context, actor: Actor, space_id: str | None, connection_id: str) -> Trial:
    """Find out whether a connection works."""
    access, begun = _access(context, actor, space_id, connection_id, Permission.EDIT), time.monotonic()
    try:
        _ask(context, access, lambda source: source.test())
        ok, message = True, f"The connection {access.name} works."
    except (Invalid, NotFound, Conflict) as error:
        ok, message = False, error.message
    return Trial(ok=ok, message=message, seconds=round(time.monotonic() - begun, 3))


def require(context: Context, actor: Actor, space_id: str | None, connection_id: str) -> None:
    """Refuse a connection that does not work.

    Raises:
        Invalid, NotFound, Conflict: it does not; the message says why.

    """
    access = _access(context, actor, space_id, connection_id, Permission.EDIT)
    _ask(context, access, lambda source: source.test())


def require_new(context: Context, actor: Actor, space_id: str | None, document: Mapping[str, Any]) -> None:
    """Refuse a connection that is to be made, and does not work.

    Raises:
        Invalid, NotFound, Conflict: it does not; the message says why.

    """
    with context.database.snapshot() as connection:
        authorize(connection, actor, space_id, Permission.EDIT)
    kind, properties = connections.checked(document)
    access = connected_sources.access(context, str(document.get("name") or ""), kind.name, properties)
    _ask(context, access, lambda source: source.test())


def browse(
    context: Context, actor: Actor, space_id: str | None, connection_id: str, path: str, *, offset: int, limit: int
) -> list[Entry]:
    """Return what is behind a connection at a path: ``/``, ``/schema``, ``/bucket/folder``.

    Raises:
        NotFound: nothing is there.
        Invalid, Conflict: the connection does not work.

    """
    access = _access(context, actor, space_id, connection_id, Permission.VIEW)
    return _ask(context, access, lambda source: source.browse(path, offset=offset, limit=limit))


def _access(context: Context, actor: Actor, space_id: str | None, connection_id: str, permission: Permission) -> Access:
    with context.database.snapshot() as connection:
        asset = find(connection, actor, space_id, connection_id, permission, types={AssetType.CONNECTION})
    return connected_sources.of_asset(context, asset)


def _ask(context: Context, access: Access, question: Callable[[Source], T]) -> T:
    def call() -> T:
        with access.open() as source:
            return question(source)

    try:
        return context.calls.make(call)
    except CallRefused as error:
        raise Conflict(str(error), code="data_unreachable") from None
    except DataFailed as error:
        # Without its origin: what libraries say may hold what was masked.
        raise refusal(access, error) from None


def refusal(access: Access, error: DataFailed) -> GristmillError:
    """Return what a person reads of a failure behind a connection, without its secrets."""
    branch = NotFound if error.code == "data_not_found" else Invalid
    return branch(access.masked(error.message), code=error.code, field=error.field)
