"""`/v2/schedule_previews`: what a schedule would be in words, when it would run, and how the wire says it.

An extension of the wire: nothing is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, Field

from gristmill.api.router import Router
from gristmill.api.session import Ctx, Me
from gristmill.domain.schedule import FoldPolicy, GapPolicy, MissedPolicy, OverlapPolicy
from gristmill.domain.schedule_wire import to_wire
from gristmill.domain.schedule_words import in_words
from gristmill.service import schedules

router = Router(prefix="/v2/schedule_previews", tag="jobs")


class IntervalPlan(BaseModel):
    """So many of these units."""

    number: int
    unit: Literal["minutes", "hours", "days", "weeks", "months"]


class SchedulePlan(BaseModel):
    """A schedule as people write it down; times without an offset are those of ``zone``."""

    cron: str | None = Field(default=None, max_length=1_000)
    every: IntervalPlan | None = None
    repeat: bool = True
    zone: str = Field(default="UTC", max_length=255)
    start: str | None = Field(default=None, max_length=64)
    end: str | None = Field(default=None, max_length=64)
    excluded_weekdays: list[str] = Field(default=[], max_length=7)
    gap: GapPolicy | None = None
    fold: FoldPolicy | None = None
    missed: MissedPolicy | None = None
    overlap: OverlapPolicy | None = None


class PlannedTick(BaseModel):
    """A tick: the moment, the same in the schedule's zone, and what a clock change did to it."""

    at: datetime
    local: str
    note: str | None


class SchedulePreview(BaseModel):
    """The schedule in words, its first ticks, and ``schedule`` and ``schedule_info`` as a job takes them."""

    words: str
    zone: str
    schedule: str
    schedule_info: dict[str, Any]
    results: list[PlannedTick]


@router.post("")
def create(ctx: Ctx, _me: Me, plan: SchedulePlan, count: Annotated[int, Query(ge=1, le=100)] = 5) -> SchedulePreview:
    """Tell what a schedule that is not there yet would do."""
    schedule, found = schedules.planned(ctx, plan.model_dump(), count=count)
    text, info = to_wire(schedule, at=ctx.now())
    ticks = [PlannedTick(at=tick.at, local=tick.local.isoformat(), note=tick.note) for tick in found]
    return SchedulePreview(
        words=in_words(schedule), zone=schedule.zone, schedule=text, schedule_info=info, results=ticks
    )
