"""What a route asks for: the context of the use cases, and who is calling."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Query, Request

from gristmill.api import cookie
from gristmill.domain.errors import Unauthenticated
from gristmill.domain.user import Actor
from gristmill.service import sessions, tokens
from gristmill.service.context import Context


def context(request: Request) -> Context:
    """Return the context that the app was made with."""
    return cast("Context", request.app.state.context)


def actor(request: Request) -> Actor:
    """Return who the request's token speaks for, or, where it brings none, its cookie.

    Raises:
        Unauthenticated: there is neither, or it is expired, or its user is gone.
        ForeignRequest: another site made the browser send the cookie.

    """
    header = request.headers.get("authorization", "")
    secret = None if header else cookie.secret_of(request)
    if secret:
        return sessions.actor(context(request), secret)
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send the header Authorization: Bearer <token>; a token comes from your API key.")
    return tokens.actor(context(request), token.strip())


def scope(
    space_id: Annotated[str | None, Query(description="The space to work in.")] = None,
    project_id: Annotated[str | None, Query(description="The space, from clients that know projects only.")] = None,
) -> str | None:
    """Return the id of the space that the request names, if it names one."""
    return space_id or project_id


Ctx = Annotated[Context, Depends(context)]
Me = Annotated[Actor, Depends(actor)]
Scope = Annotated[str | None, Depends(scope)]
