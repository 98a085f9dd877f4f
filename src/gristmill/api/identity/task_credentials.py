"""Task credentials: the API key that a user's deployment jobs run with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from gristmill.api.envelope import instant
from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.errors import Invalid
from gristmill.domain.user import TaskCredential
from gristmill.service import task_credentials

router = Router(prefix="/v1/task_credentials", tag="Identity")


class Secret(BaseModel):
    """The secret of type ``iam_api_key``."""

    api_key: str | None = None


class NewTaskCredential(BaseModel):
    """A credential to be kept."""

    name: str = Field("Task credential", max_length=255)
    description: str | None = None
    type: str = task_credentials.TYPE
    secret: Secret | None = None


@router.post("", status_code=201)
def store(ctx: Ctx, actor: Me, new: NewTaskCredential) -> dict[str, Any]:
    """Keep one of my API keys for my jobs."""
    if new.type != task_credentials.TYPE:
        raise Invalid(f"{new.type!r} is no known type; use {task_credentials.TYPE}.", field="type")
    api_key = new.secret.api_key if new.secret else None
    stored = task_credentials.store(ctx, actor, name=new.name, description=new.description or "", api_key=api_key)
    return _envelope(stored)


@router.get("")
def list_all(ctx: Ctx, actor: Me) -> dict[str, Any]:
    """Return my credential in a list of at most one."""
    return {"credentials": [_envelope(one) for one in task_credentials.list_all(ctx, actor)]}


@router.get("/{credential_id}")
def get(ctx: Ctx, actor: Me, credential_id: str) -> dict[str, Any]:
    """Return my credential."""
    return _envelope(task_credentials.get(ctx, actor, credential_id))


@router.delete("/{credential_id}", status_code=204)
def delete(ctx: Ctx, actor: Me, credential_id: str) -> None:
    """Remove my credential."""
    task_credentials.delete(ctx, actor, credential_id)


def _envelope(credential: TaskCredential) -> dict[str, Any]:
    return {
        "id": credential.id,
        "name": credential.name,
        "description": credential.description,
        "type": credential.type,
        "scope": {"type": "user", "id": credential.user_id},
        "created_at": instant(credential.created_at),
        "status": "active",
    }
