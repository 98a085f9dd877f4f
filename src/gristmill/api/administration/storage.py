"""`/v1/storage`: what takes how much room, for administrators. An extension of the wire."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.service import storage

router = Router(prefix="/v1/storage", tag="Administration")


class ContentLine(BaseModel):
    """Content of one kind, in bytes; what was measured in a part only is reckoned, and not ``exact``."""

    model_config = ConfigDict(from_attributes=True)

    kind: str
    number: int
    size: int
    exact: bool


class Storage(BaseModel):
    """Sizes in bytes. ``days_left`` is null where nothing grew in ``growth_days``.

    ``place`` is where content lies: a folder, or s3://bucket/prefix. Of a bucket nobody tells how much room it has, and
    what is about the disk is null.
    """

    model_config = ConfigDict(from_attributes=True)

    contents: list[ContentLine]
    place: str
    disk_total: int | None
    disk_free: int | None
    growth_days: int
    growth_a_day: int
    days_left: float | None


@router.get("")
def get(ctx: Ctx, me: Me) -> Storage:
    """Tell what takes how much room, and how long the disk lasts if it goes on like in the last days."""
    return Storage.model_validate(storage.look(ctx, me))
