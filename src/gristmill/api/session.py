"""What a route asks for: the context of the use cases, and who is calling."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, cast

from fastapi import Depends, Query, Request

from gristmill.api import cookie
from gristmill.api.audited import ACTIONS
from gristmill.domain.audit import Act
from gristmill.domain.errors import Unauthenticated
from gristmill.domain.user import Actor
from gristmill.service import audit, sessions, tokens
from gristmill.service.context import Context

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def context(request: Request) -> Context:
    """Return the context that the app was made with; where the route changes something, one that notes what."""
    # Passwords come by GET too: wrong ones are counted by the address.
    made = replace(_made(request), address=_address(request))
    act = act_of(request)
    return audit.attended(made, act) if act and act.action else made


async def ready_context(request: Request) -> Context:
    """Return the same, for routes to depend on: not on a thread of its own, since it waits for nothing."""
    return context(request)


def actor(request: Request) -> Actor:
    """Return who the request's token speaks for, or, where it brings none, its cookie.

    Raises:
        Unauthenticated: there is neither, or it is expired, or its user is gone.
        ForeignRequest: another site made the browser send the cookie.

    """
    found = _actor(request)
    act = act_of(request)
    if act:
        act.actor = found
    return found


def act_of(request: Request) -> Act | None:
    """Return what the request sets out to do; None where it only reads. The action is empty where nobody notes it."""
    if request.method in _READING:
        return None
    if not hasattr(request.state, "act"):
        action = ACTIONS.get((request.method, getattr(request.scope.get("route"), "path", "")), "")
        request.state.act = Act(action, _address(request))
    return cast("Act", request.state.act)


def _actor(request: Request) -> Actor:
    header = request.headers.get("authorization", "")
    secret = None if header else cookie.secret_of(request)
    if secret:
        return sessions.actor(_made(request), secret)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send the header Authorization: Bearer <token>; a token comes from your API key.")
    return tokens.actor(_made(request), token.strip())


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None


def _made(request: Request) -> Context:
    return cast("Context", request.app.state.context)


async def scope(
    space_id: Annotated[str | None, Query(description="The space to work in.")] = None,
    project_id: Annotated[str | None, Query(description="The space, from clients that know projects only.")] = None,
) -> str | None:
    """Return the id of the space that the request names, if it names one; on no thread, since it waits for nothing."""
    return space_id or project_id


Ctx = Annotated[Context, Depends(ready_context)]
Me = Annotated[Actor, Depends(actor)]
Scope = Annotated[str | None, Depends(scope)]
