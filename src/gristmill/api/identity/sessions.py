"""The session of a browser: an extension of the wire, for the console. Programs send tokens instead."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request, Response
from pydantic import BaseModel, Field

from gristmill.api import cookie
from gristmill.api.router import Router
from gristmill.api.session import Ctx
from gristmill.service import sessions
from gristmill.service.context import Context
from gristmill.service.sessions import SignedIn

router = Router(prefix="/v1/session", tag="Identity")


class SignIn(BaseModel):
    """Who signs in; ``password`` may be one of the user's API keys."""

    username: str = Field(min_length=1, max_length=255)
    password: str = Field(min_length=1, max_length=1024)


class SessionUser(BaseModel):
    """Who is signed in."""

    id: str
    name: str
    display_name: str
    administrator: bool


class SessionDocument(BaseModel):
    """Whether this browser is signed in; ``now`` is the server's clock."""

    now: datetime
    user: SessionUser | None = None
    expires_at: datetime | None = None


@router.post("", status_code=201)
def sign_in(request: Request, response: Response, ctx: Ctx, body: SignIn) -> SessionDocument:
    """Begin a session: its secret comes as a cookie that scripts cannot read."""
    cookie.refuse_foreign(request)
    found, secret = sessions.sign_in(ctx, body.username, body.password)
    cookie.give(request, response, secret, seconds=ctx.keeping.session_hours * 3600)
    return _document(ctx, response, found)


@router.get("")
def get(request: Request, response: Response, ctx: Ctx) -> SessionDocument:
    """Tell whether this browser is signed in, and who that is; no user where it is not."""
    secret = cookie.secret_of(request)
    return _document(ctx, response, sessions.find(ctx, secret) if secret else None)


@router.delete("", status_code=204)
def sign_out(request: Request, response: Response, ctx: Ctx) -> None:
    """End the session; its cookie opens nothing any more."""
    secret = cookie.secret_of(request)
    if secret:
        sessions.sign_out(ctx, secret)
    cookie.take_away(request, response)


def _document(ctx: Context, response: Response, found: SignedIn | None) -> SessionDocument:
    response.headers["Cache-Control"] = "no-store"
    if found is None:
        return SessionDocument(now=ctx.now())
    user = found.user
    shown = SessionUser(id=user.id, name=user.name, display_name=user.display_name, administrator=user.administrator)
    return SessionDocument(now=ctx.now(), user=shown, expires_at=found.session.expires_at)
