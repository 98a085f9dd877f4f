"""`/v1/queue`: every lane in which something waits or works, for administrators. An extension of the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import queue

router = Router(prefix="/v1/queue", tag="Administration")


class HolderLine(BaseModel):
    """A run that holds a slot of the lane."""

    model_config = ConfigDict(from_attributes=True)

    run_id: str
    run_name: str
    job_id: str
    worker_id: str
    host: str | None
    since: datetime


class LaneLine(BaseModel):
    """A lane; ``oldest_at`` is since when its first run waits."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    space_id: str
    space_name: str
    max_running: int
    paused: bool
    queued: int
    running: int
    oldest_at: datetime | None
    holders: list[HolderLine]


class LaneLines(BaseModel):
    """A page of lanes, that which waits longest first; ``next`` is the mark of the page after it."""

    results: list[LaneLine]
    next: str | None


@router.get("")
def page(ctx: Ctx, me: Me, limit: Annotated[int, Query(ge=1, le=200)] = 50, start: str | None = None) -> LaneLines:
    """List the lanes with who holds them."""
    found = queue.page(ctx, me, limit=limit, start=start or None)
    return LaneLines(results=[LaneLine.model_validate(each) for each in found.items], next=found.next)
