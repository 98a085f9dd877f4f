"""Which runs a retention takes, the oldest first, in batches that indexes find; and events that are old."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, delete, exists, func, not_, or_, select, tuple_

from gristmill.domain.asset import HEAD
from gristmill.domain.retention import Retention
from gristmill.domain.run import RunState
from gristmill.store.database import Connection
from gristmill.store.schema import assets, attachments, events, jobs, run_contents, runs, spaces, ticks

_PARAMETERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A job with its policy, and when the oldest of the runs ended that the policy is for; None where it has none.

    The policy is the job's ``own``, or that of its space.
    """

    job_id: str
    job_name: str
    own: bool
    policy: Mapping[str, Any] | None
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired:
    """A run whose own days are over, and its job."""

    run_id: str
    job_id: str
    job_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many runs, and when the oldest and the newest of them ended."""

    runs: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Where a policy parts a job's runs: what ended before it goes; with a ``place``, that run and those before it."""

    ended: datetime
    place: int | None = None


def visit(connection: Connection, *, after: str, limit: int) -> list[Kept]:
    """Return the next jobs in the order of their ids, with the policies of their runs."""
    return _kept(connection, _jobs().where(jobs.c.id > after).order_by(jobs.c.id).limit(limit))


def kept(connection: Connection, job_id: str) -> Kept | None:
    """Return a job with its policy; None where it is gone, or on its way out."""
    return next(iter(_kept(connection, _jobs().where(jobs.c.id == job_id))), None)


def of_space(connection: Connection, space_id: str, *, limit: int) -> list[Kept]:
    """Return jobs of a space, the oldest first, with their policies."""
    query = _jobs().where(jobs.c.space_id == space_id).order_by(jobs.c.created_at, jobs.c.id)
    return _kept(connection, query.limit(limit))


def boundary(connection: Connection, job_id: str, retention: Retention, *, now: datetime) -> Boundary | None:
    """Return where the policy parts the job's runs now; None where it takes none."""
    before = retention.ended_before(now)
    if before is not None:
        return Boundary(ended=before)
    if retention.amount is None:
        return None
    newest_first = (runs.c.finished_at.desc(), runs.c.place.desc())
    query = select(runs.c.finished_at, runs.c.place).where(runs.c.job_id == job_id, *_governed(runs))
    row = connection.execute(query.order_by(*newest_first).offset(retention.amount).limit(1)).first()
    return Boundary(ended=row.finished_at, place=row.place) if row else None


def due(connection: Connection, job_id: str, end: Boundary, *, limit: int) -> list[str]:
    """Return runs before a boundary, the oldest first, locked so that no other janitor takes them too."""
    query = select(runs.c.id).where(*_beyond(runs, job_id, end)).order_by(runs.c.finished_at, runs.c.place)
    return list(connection.execute(query.limit(limit).with_for_update(skip_locked=True)).scalars())


def expired(connection: Connection, *, now: datetime, limit: int) -> list[Expired]:
    """Return runs whose own days are over, the longest over first, locked in the same way."""
    columns = (runs.c.id, runs.c.job_id, jobs.c.name)
    query = select(*columns).join(jobs, jobs.c.id == runs.c.job_id).where(*_expired(runs, now))
    oldest = query.order_by(runs.c.expires_at).limit(limit).with_for_update(of=runs, skip_locked=True)
    return [Expired(run_id=row.id, job_id=row.job_id, job_name=row.name) for row in connection.execute(oldest)]


def any_expired(connection: Connection, *, now: datetime) -> bool:
    """Tell whether any run's own days are over."""
    return connection.execute(select(runs.c.id).where(*_expired(runs, now)).limit(1)).first() is not None


def any_event(connection: Connection, *, before: datetime) -> bool:
    """Tell whether there is any event from before this moment."""
    return connection.execute(select(events.c.id).where(events.c.at < before).limit(1)).first() is not None


def ended_of(connection: Connection, column: str, value: str, *, limit: int) -> list[str]:
    """Return runs of a job, lane or space that have ended, whatever their retention, locked in the same way."""
    query = select(runs.c.id).where(runs.c[column] == value, runs.c.finished_at.is_not(None)).limit(limit)
    return list(connection.execute(query.with_for_update(skip_locked=True)).scalars())


def unended_of(connection: Connection, column: str, value: str, *, limit: int) -> list[str]:
    """Return runs of a job, lane or space that have not ended and that nobody has told to, lane by lane."""
    told = str(RunState.CANCELING)
    query = select(runs.c.id).where(runs.c[column] == value, runs.c.finished_at.is_(None), runs.c.state != told)
    return list(connection.execute(query.order_by(runs.c.lane_id).limit(limit)).scalars())


def any_of(connection: Connection, column: str, value: str) -> bool:
    """Tell whether a job, lane or space has any run."""
    return connection.execute(select(runs.c.id).where(runs.c[column] == value).limit(1)).first() is not None


def results_of(connection: Connection, run_ids: Sequence[str]) -> list[str]:
    """Return the data assets that these runs made and that may go with them: see `_results`."""
    query = _results(runs).where(runs.c.id.in_(run_ids))
    return list(connection.execute(query.distinct()).scalars())


def totals(connection: Connection, job_id: str, end: Boundary | None, *, now: datetime) -> Totals:
    """Count the runs of a job that would go now, by its policy or by their own days."""
    found = [_totals(connection, [runs.c.job_id == job_id, *_expired(runs, now)])]
    if end:
        found.append(_totals(connection, _beyond(runs, job_id, end)))
    ends = [moment for part in found for moment in (part.oldest, part.newest) if moment]
    if not ends:
        return Totals()
    return Totals(runs=sum(part.runs for part in found), oldest=min(ends), newest=max(ends))


def results_going(connection: Connection, job_id: str, end: Boundary) -> tuple[int, int]:
    """Count the data assets that would go with their runs, and the bytes of their content."""
    going = _results(runs).where(*_beyond(runs, job_id, end)).distinct().subquery()
    with_size = going.join(assets, assets.c.id == going.c.id)
    query = select(func.count(), func.coalesce(func.sum(assets.c.size), 0)).select_from(with_size)
    number, size = connection.execute(query).one()
    return int(number), int(size)


def contents_going(
    connection: Connection, job_id: str, end: Boundary | None, *, now: datetime, limit: int
) -> tuple[int, list[str]]:
    """Return up to ``limit`` of the runs that would go, by number, and the content that nothing but such runs hold."""
    staying = runs.alias("staying")
    going, still = _going(runs, job_id, end, now), _going(staying, job_id, end, now)
    sample = list(connection.execute(select(runs.c.id).where(going).limit(limit)).scalars())
    other = run_contents.alias("other")
    held = exists().where(other.c.key == run_contents.c.key, staying.c.id == other.c.run_id, not_(still))
    attached = exists().where(attachments.c.content_key == run_contents.c.key)
    keys: set[str] = set()
    for start in range(0, len(sample), _PARAMETERS):
        chosen = run_contents.c.run_id.in_(sample[start : start + _PARAMETERS])
        keys.update(connection.execute(select(run_contents.c.key).where(chosen, ~held, ~attached)).scalars())
    return len(sample), sorted(keys)


def forget_ticks(connection: Connection, job_id: str, *, limit: int) -> int:
    """Delete ticks of a job that is on its way out; return how many went."""
    some = select(ticks.c.scheduled_for).where(ticks.c.job_id == job_id).limit(limit)
    gone = delete(ticks).where(ticks.c.job_id == job_id, ticks.c.scheduled_for.in_(some.scalar_subquery()))
    return connection.execute(gone).rowcount


def forget_events(connection: Connection, *, before: datetime, limit: int) -> int:
    """Delete events from before this moment, with their deliveries and what is in inboxes; return how many went."""
    old = select(events.c.id).where(events.c.at < before).order_by(events.c.at).limit(limit)
    ids = list(connection.execute(old.with_for_update(skip_locked=True)).scalars())
    if ids:
        connection.execute(delete(events).where(events.c.id.in_(ids)))
    return len(ids)


def _jobs() -> Select[Any]:
    oldest = select(func.min(runs.c.finished_at)).where(*_governed(runs), runs.c.job_id == jobs.c.id)
    columns = (jobs.c.id, jobs.c.name, jobs.c.retention, oldest.correlate(jobs).scalar_subquery().label("oldest"))
    query = select(*columns, spaces.c.retention.label("of_space")).join(spaces, spaces.c.id == jobs.c.space_id)
    return query.where(jobs.c.deleted_at.is_(None))


def _kept(connection: Connection, query: Select[Any]) -> list[Kept]:
    return [
        Kept(
            job_id=row.id,
            job_name=row.name,
            own=bool(row.retention),
            policy=row.retention or row.of_space,
            oldest=row.oldest,
        )
        for row in connection.execute(query)
    ]


def _governed(table: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of ix_runs_ended: runs that a policy is for."""
    return table.c.finished_at.is_not(None), table.c.retention_days.is_(None), ~table.c.pinned


def _expired(table: FromClause, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return table.c.expires_at.is_not(None), ~table.c.pinned, table.c.expires_at <= now


def _beyond(table: FromClause, job_id: str, end: Boundary) -> list[ColumnElement[bool]]:
    """Return the conditions of the runs of a job before a boundary."""
    over = table.c.finished_at < end.ended
    if end.place is not None:
        over = tuple_(table.c.finished_at, table.c.place) <= tuple_(end.ended, end.place)
    return [table.c.job_id == job_id, *_governed(table), over]


def _going(table: FromClause, job_id: str, end: Boundary | None, now: datetime) -> ColumnElement[bool]:
    own = and_(table.c.job_id == job_id, *_expired(table, now))
    return or_(own, and_(*_beyond(table, job_id, end))) if end else own


def _totals(connection: Connection, where: Sequence[ColumnElement[bool]]) -> Totals:
    row = connection.execute(
        select(func.count(), func.min(runs.c.finished_at), func.max(runs.c.finished_at)).where(*where)
    ).one()
    return Totals(runs=row[0], oldest=row[1], newest=row[2])


def _results(table: FromClause) -> Select[Any]:
    """Return the query of the data assets that runs made: each only where it still is what the run left.

    It stays where the run only overwrote what was there before, where somebody has frozen it, given it other or more
    content since, or where a run that has not ended reads it.
    """
    made = table.c.result["output_key"].as_string()
    more = attachments.alias("more")
    reader, reads = runs.alias("reader"), run_contents.alias("reads")
    changed = exists().where(more.c.asset_id == assets.c.id, more.c.id != attachments.c.id)
    read = exists().where(
        reads.c.key == attachments.c.content_key, reader.c.id == reads.c.run_id, reader.c.finished_at.is_(None)
    )
    return (
        select(assets.c.id)
        .select_from(table)
        .join(attachments, and_(attachments.c.content_key == made, attachments.c.revision == HEAD))
        .join(assets, assets.c.id == attachments.c.asset_id)
        .where(
            assets.c.id == table.c.result["output_asset_id"].as_string(),
            table.c.spec["output_asset_id"].as_string().is_(None),
            assets.c.latest_revision == 0,
            ~changed,
            ~read,
        )
    )
