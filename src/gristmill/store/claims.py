"""Claims: which worker holds which run, until when. A limit is the claims' key: (lane, slot), slot < limit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Row,
    Text,
    bindparam,
    cast,
    false,
    func,
    literal,
    literal_column,
    select,
    tuple_,
    update,
)

from gristmill.domain.capacity import Capacity
from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.domain.run_spec import RunSpec
from gristmill.domain.worker import GONE
from gristmill.domain.worker_labels import labels_of, offered_text
from gristmill.store import runs as run_store
from gristmill.store.database import Connection
from gristmill.store.prepared import Prepared
from gristmill.store.schema import claims, jobs, lanes, runs, spaces, workers

_WRONG_HINTS_AT_ONCE = 20
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_PATIENCE = timedelta(seconds=30)
"""How long a run waits for a worker to have room for it, before that worker takes no younger runs."""

HeldKey: TypeAlias = tuple[str, int]
"""A run's id and the fence under which it is held."""
_Number = int | BindParameter[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a worker offers in all, what of that no run has reserved, and the labels that it has."""

    offered: Capacity
    left: Capacity
    labels: frozenset[str] = frozenset()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is reserved: then it is also for a run that fits no worker, which gets all of this one."""
        return self.left == self.offered

    def has(self, needs: Capacity, labels: Iterable[str] = ()) -> bool:
        """Tell whether there is room for a run that needs so much, and whether it asks for these labels only."""
        if not self.labels.issuperset(labels):
            return False
        return needs.fits(self.left) or (self.is_whole and not needs.fits(self.offered))

    def without(self, needs: Capacity) -> Room:
        """Return what is left behind a run that needs so much; one that fits no worker has all."""
        return replace(self, left=self.left.without([needs.within(self.left)]))


# Constants, not parameters: then PostgreSQL plans a statement once, because what it is given makes no difference.
_ONE: ColumnElement[int] = literal_column("1")
# Made once: to build them anew for each claim takes longer than SQLite needs to execute them.
_LANE: BindParameter[str] = bindparam("of_lane")
# What a claim needs to know of the lane that it has locked, read at one go.
_BETWEEN: Any = literal_column("' '")
_TAKEN = select(func.aggregate_strings(cast(claims.c.slot, Text), _BETWEEN)).where(claims.c.lane_id == _LANE)
_FIRST_WAITING = Prepared(
    select(
        *run_store.COLUMNS,
        runs.c.spec,
        runs.c.millicores,
        runs.c.memory_bytes,
        runs.c.labels,
        jobs.c.notification,
        _TAKEN.scalar_subquery().label("taken"),
    )
    .join(jobs, jobs.c.id == runs.c.job_id)
    .where(runs.c.lane_id == _LANE, runs.c.state == literal_column(f"'{RunState.QUEUED}'"))
    .order_by(runs.c.place)
    .limit(_ONE)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A run that is claimed now, what `store/runs.py` would go by, and what it is to do."""

    run: Run
    held: run_store.Held
    spec: RunSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A live claim as its worker sees it: what it holds, and what others have asked of the run since."""

    run_id: str
    fence: int
    state: RunState


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredClaim:
    """A claim whose worker has not been heard of."""

    lane_id: str
    slot: int
    run_id: str
    fence: int


def claim(
    connection: Connection, worker_id: str, *, now: datetime, expires_at: datetime, room: Room | None = None
) -> Taken | None:
    """Take the oldest waiting run whose lane has a free slot and for which there is room, or return None.

    None too where an older run waits in vain for this worker to have enough room. The lane's hint finds the run; the
    count and the key under the lane's lock prove it. A wrong hint is set right here.
    """
    for _ in range(_WRONG_HINTS_AT_ONCE):
        lane = _ready_lane(connection, room, now=now)
        if lane is None or lane.starves:
            return None
        # PostgreSQL: the hint was read in a snapshot from before the lock, so count again now that it is held.
        first = _FIRST_WAITING.first(connection, {"of_lane": lane.id})
        slot = _free_slot(first.taken, lane.max_running) if first else None
        if first is None or slot is None or (room and not room.has(_reserved(first), labels_of(first.labels))):
            repair(connection, [lane.id])
            continue
        return _take(connection, first, slot, worker_id=worker_id, now=now, expires_at=expires_at)
    return None


def renew(connection: Connection, worker_id: str, *, only: Collection[HeldKey], expires_at: datetime) -> None:
    """Extend a worker's leases on these runs, under these fences."""
    chosen = tuple_(claims.c.run_id, claims.c.fence).in_(list(only))
    statement = update(claims).where(claims.c.worker_id == worker_id, chosen)
    connection.execute(statement.values(expires_at=expires_at))


def held(connection: Connection, worker_id: str) -> list[Claim]:
    """Return what a worker holds; runs that it no longer holds are absent."""
    return _claims(connection, claims.c.worker_id == worker_id)


def all_claims(connection: Connection) -> list[Claim]:
    """Return every claim."""
    return _claims(connection)


def expired(
    connection: Connection, *, now: datetime, limit: int, after: ExpiredClaim | None = None
) -> list[ExpiredClaim]:
    """Return claims whose lease is over, lane by lane, those that come ``after`` one of them."""
    query = select(claims.c.lane_id, claims.c.slot, claims.c.run_id, claims.c.fence).where(claims.c.expires_at < now)
    if after:
        query = query.where(tuple_(claims.c.lane_id, claims.c.slot) > tuple_(after.lane_id, after.slot))
    rows = connection.execute(query.order_by(claims.c.lane_id, claims.c.slot).limit(limit)).mappings()
    return [ExpiredClaim(**row) for row in rows]


def expire_all(connection: Connection) -> None:
    """End all leases: none of the workers is there any more."""
    connection.execute(update(claims).values(expires_at=_LONG_AGO))


def still_expired(connection: Connection, keys: Collection[HeldKey], *, now: datetime) -> list[HeldKey]:
    """Ask again, inside the transaction that is about to take the runs away: their workers may have come back."""
    query = select(claims.c.run_id, claims.c.fence).where(
        tuple_(claims.c.run_id, claims.c.fence).in_(list(keys)), claims.c.expires_at < now
    )
    return [(row.run_id, row.fence) for row in connection.execute(query)]


def repair(connection: Connection, lane_ids: Sequence[str]) -> int:
    """Set the hints of these lanes to what is true; returns how many were wrong."""
    waiting = [runs.c.lane_id == lanes.c.id, runs.c.state == str(RunState.QUEUED)]
    true = {
        "queued": select(func.count()).select_from(runs).where(*waiting).scalar_subquery(),
        "running": select(func.count()).select_from(claims).where(claims.c.lane_id == lanes.c.id).scalar_subquery(),
        "head": select(func.min(runs.c.place)).where(*waiting).scalar_subquery(),
        # A lane that was made while its space was being paused may have missed it.
        "paused": select(spaces.c.paused).where(spaces.c.id == lanes.c.space_id).scalar_subquery(),
    }
    wrong = (lanes.c.queued != true["queued"]) | (lanes.c.running != true["running"])
    wrong |= (lanes.c.paused != true["paused"]) | (func.coalesce(lanes.c.head, -1) != func.coalesce(true["head"], -1))
    for name in ("millicores", "memory_bytes", "labels"):
        first = select(runs.c[name]).where(*waiting).order_by(runs.c.place).limit(1)
        true[f"head_{name}"] = first.scalar_subquery()
        # A head that is not the first is wrong already; so this looks at that run, and not again for the first.
        of_head = select(runs.c[name]).where(runs.c.place == lanes.c.head).scalar_subquery()
        none = "" if name == "labels" else -1
        wrong |= func.coalesce(lanes.c[f"head_{name}"], none) != func.coalesce(of_head, none)
    return connection.execute(update(lanes).where(lanes.c.id.in_(lane_ids), wrong).values(**true)).rowcount


def _claims(connection: Connection, *where: ColumnElement[bool]) -> list[Claim]:
    query = select(claims.c.run_id, claims.c.fence, runs.c.state).join(runs, runs.c.id == claims.c.run_id)
    rows = connection.execute(query.where(*where))
    return [Claim(run_id=row.run_id, fence=row.fence, state=RunState(row.state)) for row in rows]


def _ready_lane(connection: Connection, room: Room | None, *, now: datetime) -> Row[Any] | None:
    """Return the lane to take from, and whether an older run ``starves``, for which this worker is to wait."""
    locks, whole = connection.dialect.name == "postgresql", room is not None and room.is_whole
    query = _oldest_ready(locks=locks, bounded=room is not None, whole=whole)
    if room is None:
        return query.first(connection, {})
    values: dict[str, Any] = {"since": now - GONE, "labels": offered_text(room.labels)}
    values |= {"millicores": room.left.millicores, "memory_bytes": room.left.memory_bytes}
    if not whole:
        values |= {"offered_millicores": room.offered.millicores, "offered_bytes": room.offered.memory_bytes}
        values["patient_until"] = now - _PATIENCE
    return query.first(connection, values)


@cache
def _oldest_ready(*, locks: bool, bounded: bool, whole: bool) -> Prepared:
    starves = _starves() if bounded and not whole else false()
    query = select(lanes.c.id, lanes.c.max_running, lanes.c.head, starves.label("starves")).where(*_ready(lanes))
    if bounded:
        fits = _head_fits(lanes, bindparam("millicores"), bindparam("memory_bytes"))
        query = query.where(fits | _fits_no_worker(lanes) if whole else fits)
        query = query.where(_asks_only_for(lanes, bindparam("labels", type_=Text)))
    query = query.order_by(lanes.c.head).limit(_ONE)
    return Prepared(query.with_for_update(skip_locked=True) if locks else query)


def _starves() -> ColumnElement[bool]:
    """Of a lane: a run older than its head has waited for long, and fits as soon as enough others have ended."""
    older = lanes.alias("older")
    query = select(older.c.id).join(runs, runs.c.place == older.c.head)
    query = query.where(*_ready(older), older.c.head < lanes.c.head)
    offered = _head_fits(older, bindparam("offered_millicores"), bindparam("offered_bytes"))
    left = _head_fits(older, bindparam("millicores"), bindparam("memory_bytes"))
    query = query.where(offered | _fits_no_worker(older), ~left)
    query = query.where(runs.c.created_at < bindparam("patient_until"))
    return query.where(_asks_only_for(older, bindparam("labels", type_=Text))).correlate(lanes).exists()


def _ready(lane: FromClause) -> tuple[ColumnElement[bool], ...]:
    # A constant, not a parameter: only so does PostgreSQL see that its partial index will do, whatever is given.
    return (lane.c.queued > literal_column("0"), lane.c.running < lane.c.max_running, ~lane.c.paused)


def _head_fits(lane: FromClause, millicores: _Number, memory_bytes: _Number) -> ColumnElement[bool]:
    return (lane.c.head_millicores <= millicores) & (lane.c.head_memory_bytes <= memory_bytes)


def _asks_only_for(lane: FromClause, offered: ColumnElement[str]) -> ColumnElement[bool]:
    """Of a lane's head: every label that it asks for is among those, in the order in which both are sorted."""
    asked = func.coalesce(lane.c.head_labels, "")
    return (asked == "") | offered.like(literal("% ") + func.replace(asked, " ", " % ") + literal(" %"))


def _fits_no_worker(lane: FromClause) -> ColumnElement[bool]:
    """Of a lane's head: no worker that was seen ``since`` offers enough for it, so that it would wait for ever."""
    offers = (workers.c.millicores >= lane.c.head_millicores) & (workers.c.memory_bytes >= lane.c.head_memory_bytes)
    alive = workers.c.seen_at >= bindparam("since")
    enough = select(workers.c.id).where(alive, workers.c.millicores.is_(None) | offers)
    enough = enough.where(_asks_only_for(lane, workers.c.labels))
    return ~enough.correlate(lane).exists()


def _reserved(run: Row[Any]) -> Capacity:
    return Capacity(millicores=run.millicores, memory_bytes=run.memory_bytes)


def _free_slot(text: str | None, limit: int) -> int | None:
    taken = {int(slot) for slot in (text or "").split()}
    # After a limit was lowered, higher slots may still be held: they count.
    return next(slot for slot in range(limit) if slot not in taken) if len(taken) < limit else None


def _take(
    connection: Connection,
    first: Row[Any],
    slot: int,
    *,
    worker_id: str,
    now: datetime,
    expires_at: datetime,
) -> Taken:
    run = run_store.run_in(first._mapping)  # noqa: SLF001 - public API of Row
    raised = {"fence": run.fence + 1, "attempt": run.attempt + 1, "worker_id": worker_id}
    held = run_store.held_in(first._mapping)  # noqa: SLF001 - public API of Row
    claim = {"lane_id": run.lane_id, "slot": slot, "worker_id": worker_id, "fence": run.fence + 1}
    claim |= {"claimed_at": now, "expires_at": expires_at}
    state = run_store.advance(
        connection, run.id, RunEvent.CLAIMED, now=now, actor=worker_id, changes=raised, held=held, claim=claim
    )
    run = replace(run, state=state, modified_at=now, fence=run.fence + 1, attempt=run.attempt + 1, worker_id=worker_id)
    held = replace(held, state=state, modified_at=now, fence=run.fence)
    return Taken(run=run, held=held, spec=RunSpec.of(first.spec))
