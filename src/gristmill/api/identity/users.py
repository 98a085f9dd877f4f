"""Users: an extension of the wire, for administrators; and who I am."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Request
from pydantic import BaseModel, StringConstraints

from gristmill.api.envelope import instant, page_limit, resources
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.user import User
from gristmill.service import users

router = Router(tag="Identity")
Line = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
Password = Annotated[str, StringConstraints(min_length=8, max_length=1024)]


class NewUser(BaseModel):
    """A user to be added; without a password it signs in with API keys only."""

    name: Line
    display_name: Line | None = None
    password: Password | None = None
    administrator: bool | None = None
    email: str | None = None


class UserChange(BaseModel):
    """What is absent or null stays as it is; an empty ``email`` takes the address away."""

    display_name: Line | None = None
    password: Password | None = None
    administrator: bool | None = None
    disabled: bool | None = None
    email: str | None = None


@router.get("/v1/me")
def me(ctx: Ctx, actor: Me) -> dict[str, Any]:
    """Return the user that the token speaks for."""
    return {**_envelope(users.get(ctx, actor, actor.user_id)), "mode": actor.mode}


@router.post("/v1/users", status_code=201)
def create(ctx: Ctx, actor: Me, new: NewUser) -> dict[str, Any]:
    """Add a user."""
    created = users.create(
        ctx,
        actor,
        name=new.name,
        display_name=new.display_name,
        password=new.password,
        administrator=bool(new.administrator),
        email=new.email,
    )
    return _envelope(created)


@router.get("/v1/users")
def page(request: Request, ctx: Ctx, actor: Me, limit: int | None = None, start: str | None = None) -> dict[str, Any]:
    """List the users."""
    size = page_limit(limit)
    return resources(request, users.page(ctx, actor, limit=size, start=start), _envelope, size)


@router.get("/v1/users/{user_id}")
def get(ctx: Ctx, actor: Me, user_id: str) -> dict[str, Any]:
    """Return one user, by id or name."""
    return _envelope(users.get(ctx, actor, user_id))


@router.patch("/v1/users/{user_id}")
def change(ctx: Ctx, actor: Me, user_id: str, wanted: UserChange) -> dict[str, Any]:
    """Disable a user, set its password, make it an administrator, and the reverse; users set their own e-mail."""
    return _envelope(users.change(ctx, actor, user_id, wanted.model_dump(exclude_none=True)))


@router.delete("/v1/users/{user_id}", status_code=204)
def delete(ctx: Ctx, actor: Me, user_id: str) -> None:
    """Remove a user with its keys and memberships."""
    users.delete(ctx, actor, user_id)


def _envelope(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "display_name": user.display_name,
        "email": user.email or "",
        "administrator": user.administrator,
        "disabled": user.disabled,
        "has_password": user.password_hash is not None,
        "created_at": instant(user.created_at),
    }
