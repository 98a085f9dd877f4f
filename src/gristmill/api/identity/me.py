"""What users do about themselves: another password, and an end to their sessions. Extensions of the wire."""

from __future__ import annotations

from datetime import datetime

from fastapi import Request
from pydantic import BaseModel, Field

from gristmill.api import cookie
from gristmill.api.identity.users import Password
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import sessions, users

router = Router(prefix="/v1/me", tag="Identity")


class NewPassword(BaseModel):
    """Another password; ``current`` is the one so far, or one of the user's API keys."""

    current: str = Field(min_length=1, max_length=1024)
    password: Password


class SessionLine(BaseModel):
    """A browser that is signed in."""

    created_at: datetime
    expires_at: datetime
    current: bool


class SessionLines(BaseModel):
    """All browsers that are signed in as this user."""

    results: list[SessionLine]


@router.post("/password", status_code=204)
def change_password(ctx: Ctx, me: Me, body: NewPassword) -> None:
    """Change my password; tokens and sessions that were given for the old one end."""
    users.change_own_password(ctx, me, current=body.current, password=body.password)


@router.get("/sessions")
def list_sessions(request: Request, ctx: Ctx, me: Me) -> SessionLines:
    """List the browsers that are signed in as me."""
    here = cookie.secret_of(request)
    digest = ctx.secrets.digest(here) if here else None
    found = sessions.list_all(ctx, me)
    lines = [
        SessionLine(created_at=each.created_at, expires_at=each.expires_at, current=each.digest == digest)
        for each in found
    ]
    return SessionLines(results=lines)


@router.delete("/sessions", status_code=204)
def end_sessions(ctx: Ctx, me: Me) -> None:
    """Sign me out everywhere, here too."""
    sessions.end_all(ctx, me)
