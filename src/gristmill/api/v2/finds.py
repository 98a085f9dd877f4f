"""`/v2/finds`: things of all my spaces by name or id. An extension of the wire."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.found import FoundKind
from gristmill.service import finds

router = Router(prefix="/v2/finds", tag="search")


class FoundLine(BaseModel):
    """A thing; ``type`` is an asset's type, ``job_id`` a run's job."""

    model_config = ConfigDict(from_attributes=True)

    kind: FoundKind
    id: str
    name: str
    space_id: str
    space_name: str
    type: str | None
    job_id: str | None


class FoundLines(BaseModel):
    """Some things of each kind, the newest first."""

    results: list[FoundLine]


@router.get("")
def find(ctx: Ctx, me: Me, text: Annotated[str, Query(min_length=2, max_length=255)]) -> FoundLines:
    """Find jobs, deployments and assets by a part of their name or by id, and runs by id."""
    return FoundLines(results=[FoundLine.model_validate(each) for each in finds.find(ctx, me, text)])
