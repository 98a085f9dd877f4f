"""Members of spaces on the wire: flat records, and pages with relative links."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Body
from pydantic import BaseModel

from gristmill.api.envelope import page_limit, without_none
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain import json_patch
from gristmill.domain.space import Member
from gristmill.service import members
from gristmill.service.members import PATCHABLE, NewMember

router = Router(prefix="/v2/spaces/{space_id}/members", tag="Spaces")
MOST_ON_A_PAGE = 1000


class MemberBody(BaseModel):
    """A member to be added; ``id`` is a user's id or name."""

    id: str
    role: str
    state: str | None = None


class MembersBody(BaseModel):
    """The members to be added."""

    members: list[MemberBody]


@router.post("")
def add(ctx: Ctx, actor: Me, space_id: str, body: MembersBody) -> dict[str, Any]:
    """Add members, all or none."""
    new = [NewMember(id=one.id, role=one.role, state=one.state or "active") for one in body.members]
    return {"resources": [_envelope(member) for member in members.add(ctx, actor, space_id, new)]}


@router.get("")
def page(
    ctx: Ctx,
    actor: Me,
    space_id: str,
    limit: int | None = None,
    start: str | None = None,
    role: str | None = None,
    state: str | None = None,
) -> dict[str, Any]:
    """List the members by user name."""
    size = page_limit(limit, most=MOST_ON_A_PAGE)
    filters = without_none({"role": role, "state": state})
    found = members.page(ctx, actor, space_id, limit=size, start=start, filters=filters)
    path = f"/v2/spaces/{space_id}/members"
    answer: dict[str, Any] = {
        "limit": size,
        "first": {"href": f"{path}?{urlencode({'limit': size, **filters})}"},
        "resources": [_envelope(member) for member in found.items],
    }
    if found.next:
        # Relative here, unlike anywhere else: the client puts the server's URL before it.
        answer["next"] = {"href": f"{path}?{urlencode({'limit': size, **filters, 'start': found.next})}"}
    return answer


@router.get("/{member_id}")
def get(ctx: Ctx, actor: Me, space_id: str, member_id: str) -> dict[str, Any]:
    """Return one member, by the user's id or name."""
    return _envelope(members.get(ctx, actor, space_id, member_id))


@router.patch("/{member_id}")
def change(
    ctx: Ctx, actor: Me, space_id: str, member_id: str, operations: Annotated[list[dict[str, Any]], Body()]
) -> dict[str, Any]:
    """Change a member's role or state by JSON patch."""
    wanted = json_patch.changes(operations, allowed=PATCHABLE)
    return _envelope(members.change(ctx, actor, space_id, member_id, wanted))


@router.delete("/{member_id}", status_code=204)
def remove(ctx: Ctx, actor: Me, space_id: str, member_id: str) -> None:
    """Take a member out."""
    members.remove(ctx, actor, space_id, member_id)


def _envelope(member: Member) -> dict[str, Any]:
    return {
        "id": member.user_id,
        "name": member.user_name,
        "type": member.type,
        "role": str(member.role),
        "state": member.state,
    }
