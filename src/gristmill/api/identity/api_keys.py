"""API keys: an extension of the wire. The secret is in the answer to the POST, and never again."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from pydantic import BaseModel

from gristmill.api.envelope import WireResponse, instant, page_limit, resources, without_none
from gristmill.api.identity.users import Line
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.user import ApiKey
from gristmill.service import api_keys

router = Router(tag="Identity")


class NewApiKey(BaseModel):
    """A key to be made; ``user_id`` is for administrators who make one for somebody else."""

    name: Line
    user_id: str | None = None


@router.post("/v1/api_keys", status_code=201)
def create(ctx: Ctx, actor: Me, new: NewApiKey) -> WireResponse:
    """Make a key."""
    key, secret = api_keys.create(ctx, actor, name=new.name, user_id=new.user_id)
    answer = {**_envelope(key), "api_key": secret}
    return WireResponse(answer, status_code=201, headers={"Cache-Control": "no-store"})


@router.get("/v1/api_keys")
def page(
    request: Request,
    ctx: Ctx,
    actor: Me,
    limit: int | None = None,
    start: str | None = None,
    user_id: str | None = None,
) -> dict[str, Any]:
    """List my keys, or, for administrators, those of the user named by user_id."""
    size = page_limit(limit)
    found = api_keys.page(ctx, actor, limit=size, start=start, user_id=user_id)
    return resources(request, found, _envelope, size)


@router.delete("/v1/api_keys/{key_id}", status_code=204)
def revoke(ctx: Ctx, actor: Me, key_id: str) -> None:
    """Revoke a key, and with it every token that was given out for it."""
    api_keys.revoke(ctx, actor, key_id)


def _envelope(key: ApiKey) -> dict[str, Any]:
    return without_none(
        {
            "id": key.id,
            "user_id": key.user_id,
            "name": key.name,
            "hint": key.hint or None,
            "created_at": instant(key.created_at),
            "last_used_at": instant(key.last_used_at) or None,
        }
    )
