"""Lanes: what is counted and locked when runs wait for each other."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, insert, select, update

from gristmill.store import claims
from gristmill.store.database import Connection
from gristmill.store.schema import lanes, spaces


def create(connection: Connection, lane_id: str, space_id: str, *, max_running: int) -> None:
    """Add an empty lane, paused when its space is."""
    paused = select(spaces.c.paused).where(spaces.c.id == space_id).scalar_subquery()
    connection.execute(insert(lanes).values(id=lane_id, space_id=space_id, max_running=max_running, paused=paused))


def set_paused(connection: Connection, space_id: str, *, paused: bool) -> None:
    """Keep the waiting runs of a space from being claimed, or let them go on."""
    if connection.dialect.name == "postgresql":
        # Whoever locks several lanes does so in the order of their ids.
        of_space = select(lanes.c.id).where(lanes.c.space_id == space_id).order_by(lanes.c.id)
        connection.execute(of_space.with_for_update())
    connection.execute(update(lanes).where(lanes.c.space_id == space_id).values(paused=paused))


def lock(connection: Connection, lane_ids: Collection[str], *, wait: bool) -> set[str]:
    """Lock lanes until the transaction ends; return which: all, or those that were free if it must not ``wait``.

    SQLite: whoever writes has locked everything.
    """
    if connection.dialect.name != "postgresql":
        return set(lane_ids)
    # Whoever locks several lanes does so in the order of their ids.
    query = select(lanes.c.id).where(lanes.c.id.in_(lane_ids)).order_by(lanes.c.id)
    return set(connection.execute(query.with_for_update(skip_locked=not wait)).scalars())


def set_limit(connection: Connection, lane_id: str, max_running: int) -> None:
    """Change how many runs of the lane may work at once; those that work now are left alone."""
    connection.execute(update(lanes).where(lanes.c.id == lane_id).values(max_running=max_running))


def repair_some(connection: Connection, *, after: str, limit: int) -> tuple[str, int]:
    """Check the hints of the next lanes after an id; return the last id looked at ('' at the end) and the repairs."""
    query = select(lanes.c.id).where(lanes.c.id > after).order_by(lanes.c.id).limit(limit)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    ids = list(connection.execute(query).scalars())
    repaired = claims.repair(connection, ids) if ids else 0
    return (ids[-1] if len(ids) == limit else ""), repaired


def remove(connection: Connection, lane_id: str) -> None:
    """Delete a lane."""
    connection.execute(delete(lanes).where(lanes.c.id == lane_id))
