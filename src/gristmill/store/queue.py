"""Lanes in which something waits or works, the longest wait first, and who holds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, tuple_

from gristmill.domain.errors import Invalid
from gristmill.domain.page import Page
from gristmill.domain.queue import Holder, LaneLoad
from gristmill.store.database import Connection
from gristmill.store.schema import claims, deployments, jobs, lanes, runs, spaces, workers

_NOTHING_WAITS = 2**62
"""Sorts lanes without a head behind all others."""


def page(connection: Connection, *, limit: int, start: str | None) -> Page[LaneLoad]:
    """Return a page of lanes; ``start`` is the mark that the page before gave."""
    place = func.coalesce(lanes.c.head, _NOTHING_WAITS)
    own_job = select(jobs.c.name).where(jobs.c.lane_id == lanes.c.id).order_by(jobs.c.created_at).limit(1)
    shown = ("id", "space_id", "max_running", "paused", "queued", "running")
    columns: list[ColumnElement[Any]] = [lanes.c[name] for name in shown]
    named = func.coalesce(deployments.c.name, own_job.scalar_subquery(), "").label("name")
    columns += [named, spaces.c.name.label("space_name"), runs.c.created_at.label("oldest_at")]
    query = select(*columns, place.label("head")).join(spaces, spaces.c.id == lanes.c.space_id)
    query = query.outerjoin(deployments, deployments.c.id == lanes.c.id).outerjoin(runs, runs.c.place == lanes.c.head)
    query = query.where(or_(lanes.c.queued > 0, lanes.c.running > 0))
    if start:
        query = query.where(tuple_(place, lanes.c.id) > tuple_(*_read(start)))
    rows = [dict(row) for row in connection.execute(query.order_by(place, lanes.c.id).limit(limit + 1)).mappings()]
    heads = [row.pop("head") for row in rows]
    found = [LaneLoad(**row) for row in rows[:limit]]
    held = _holders(connection, [lane.id for lane in found])
    mark = f"{heads[limit - 1]}.{found[-1].id}" if len(rows) > limit else None
    return Page(items=[replace(lane, holders=held[lane.id]) for lane in found], next=mark)


def _holders(connection: Connection, lane_ids: Sequence[str]) -> dict[str, list[Holder]]:
    columns = (claims.c.lane_id, claims.c.worker_id, claims.c.claimed_at.label("since"), workers.c.host)
    query = select(*columns, runs.c.id.label("run_id"), runs.c.name.label("run_name"), runs.c.job_id)
    query = query.select_from(claims).join(runs, runs.c.id == claims.c.run_id)
    query = query.outerjoin(workers, workers.c.id == claims.c.worker_id).where(claims.c.lane_id.in_(lane_ids))
    found: defaultdict[str, list[Holder]] = defaultdict(list)
    for row in connection.execute(query.order_by(claims.c.lane_id, claims.c.slot)).mappings():
        found[row["lane_id"]].append(Holder(**row))
    return found


def _read(mark: str) -> tuple[int, str]:
    place, _, lane_id = mark.partition(".")
    if not place.isdecimal():
        raise Invalid("This start mark is not one that a page before gave. Begin again without it.", field="start")
    return int(place), lane_id
