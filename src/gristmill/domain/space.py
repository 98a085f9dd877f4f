"""A deployment space, its members, and what each role may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """A member's role, the weakest first."""

    VIEWER = "viewer"
    JOB_OPERATOR = "job_operator"
    EDITOR = "editor"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a use case asks for."""

    VIEW = "view"
    OPERATE_RUNS = "operate runs"
    EDIT = "edit"
    ADMINISTER = "administer"


_NEEDS: Mapping[Permission, Role] = {
    Permission.VIEW: Role.VIEWER,
    Permission.OPERATE_RUNS: Role.JOB_OPERATOR,
    Permission.EDIT: Role.EDITOR,
    Permission.ADMINISTER: Role.ADMIN,
}
_RANK = {role: rank for rank, role in enumerate(Role)}


def allows(role: Role, permission: Permission) -> bool:
    """Whether a member with this role may do this."""
    return _RANK[role] >= _RANK[_NEEDS[permission]]


class SpaceState(StrEnum):
    """``deleting``: hidden from everyone, its runs are being stopped, then it is purged."""

    ACTIVE = "active"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A deployment space. ``stage``, ``storage`` and ``compute`` are kept as the client gave them.

    While it is ``paused``, no run of it starts and none is queued. ``retention`` is for jobs without their own policy.
    """

    id: str
    name: str
    description: str
    creator_id: str
    created_at: datetime
    modified_at: datetime
    type: str = "cpd"
    tags: Sequence[str] = ()
    stage: Mapping[str, Any] = field(default_factory=dict)
    storage: Mapping[str, Any] | None = None
    compute: Sequence[Mapping[str, Any]] = ()
    state: SpaceState = SpaceState.ACTIVE
    paused: bool = False
    retention: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A user's place in a space."""

    space_id: str
    user_id: str
    user_name: str
    role: Role
    created_at: datetime
    state: str = "active"
    type: str = "user"
