"""Retention at work: which runs and events go, when, and what would go under another policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gristmill.domain.errors import NotFound
from gristmill.domain.retention import FOR_EVER, Results, Retention, read_retention, retention_of
from gristmill.domain.space import Permission
from gristmill.domain.user import Actor
from gristmill.service import jobs
from gristmill.service.access import authorize
from gristmill.service.context import Context
from gristmill.service.purge import RUNS_AT_ONCE, in_batches, remove_runs
from gristmill.store import retention as store
from gristmill.store import runs
from gristmill.store.database import Connection
from gristmill.store.retention import Boundary, Kept, Totals

_JOBS_AT_ONCE = 200
_EVENTS_AT_ONCE = 200
_MOST_PREVIEWED = 500
"""Jobs of a space that a preview looks at."""
_MEASURED_RUNS = 2_000
"""Of how many runs a preview looks at the files; it reckons the rest from them."""


class Source(StrEnum):
    """Where a policy comes from: the request that tries it, the job, its space, or the installation's default."""

    REQUEST = "request"
    JOB = "job"
    SPACE = "space"
    INSTALLATION = "installation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would go now. ``size`` counts the bytes of content, reckoned from a part of the runs unless ``exact``."""

    retention: Retention
    source: Source
    totals: Totals
    results: int
    size: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SpacePreview:
    """What would go now of the runs of a space's ``jobs``, of which ``own`` have policies of their own."""

    retention: Retention
    source: Source
    jobs: int
    own: int
    runs: int
    results: int
    size: int
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Went:
    """How many runs of a job went; ``cut`` where that was as many as were to go at once, so that more may be left."""

    job_id: str
    job_name: str
    runs: int
    cut: bool = False


def visit(context: Context, *, after: str, at_most: int) -> tuple[str, tuple[Went, ...]]:
    """Visit the next jobs and remove what their policies take, until ``at_most`` runs are gone.

    Returns where to go on, empty when all jobs have had their turn, and what went.
    """
    with context.database.snapshot() as connection:
        visited = store.visit(connection, after=after, limit=_JOBS_AT_ONCE)
    went: list[Went] = []
    left = at_most
    for kept in visited:
        done = _apply(context, kept, at_most=left)
        if done.runs:
            went.append(done)
            left -= done.runs
        if left <= 0:
            return kept.job_id, tuple(went)
    return visited[-1].job_id if len(visited) == _JOBS_AT_ONCE else "", tuple(went)


def resume(context: Context, job_id: str, *, at_most: int) -> Went | None:
    """Remove more of what a job's policy takes; None where nothing more went."""
    with context.database.snapshot() as connection:
        kept = store.kept(connection, job_id)
    done = _apply(context, kept, at_most=at_most) if kept else None
    return done if done and done.runs else None


def expire(context: Context) -> tuple[Went, ...]:
    """Remove runs that asked for a number of days themselves and whose days are over."""
    with context.database.snapshot() as connection:
        if not store.any_expired(connection, now=context.now()):
            return ()
    gone: Counter[tuple[str, str]] = Counter()
    in_batches(context, lambda connection: _expire_some(context, connection, gone))
    return tuple(Went(job_id=job_id, job_name=name, runs=number) for (job_id, name), number in gone.items())


def forget_events(context: Context) -> int:
    """Delete events that are old, with their deliveries and what inboxes hold of them; return how many went."""
    if context.keeping.event_days == FOR_EVER:
        return 0
    before = context.now() - timedelta(days=context.keeping.event_days)
    with context.database.snapshot() as connection:
        if not store.any_event(connection, before=before):
            return 0
    return in_batches(context, lambda connection: store.forget_events(connection, before=before, limit=_EVENTS_AT_ONCE))


def preview(context: Context, actor: Actor, job_id: str, *, policy: Mapping[str, Any] | None = None) -> Preview:
    """Tell what would go of a job's runs now: under its policy, or under another one that is being thought of.

    Raises:
        Invalid: the other policy is none.

    """
    wanted = read_retention(policy)
    with context.database.snapshot() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.VIEW)
        kept = store.kept(connection, job.id)
    return _preview(context, job.id, _policy(kept, wanted), sample=_MEASURED_RUNS)


def preview_space(
    context: Context, actor: Actor, space_id: str, *, policy: Mapping[str, Any] | None = None
) -> SpacePreview:
    """Tell what would go of a space's runs now: under its policy, or under another one; jobs with their own keep it.

    Raises:
        Invalid: the other policy is none.
        NotFound: the space is not the actor's to see.

    """
    wanted = read_retention(policy)
    with context.database.snapshot() as connection:
        space = authorize(connection, actor, space_id, Permission.VIEW)
        found = store.of_space(connection, space.id, limit=_MOST_PREVIEWED + 1)
    shown = found[:_MOST_PREVIEWED]
    sample = _MEASURED_RUNS // max(len(shown), 1) + 1
    each = [
        _preview(context, kept.job_id, _policy(kept, None if kept.own else wanted), sample=sample) for kept in shown
    ]
    return SpacePreview(
        retention=_retention(context, wanted or space.retention),
        source=Source.REQUEST if wanted else Source.SPACE if space.retention else Source.INSTALLATION,
        jobs=len(shown),
        own=sum(kept.own for kept in shown),
        runs=sum(one.totals.runs for one in each),
        results=sum(one.results for one in each),
        size=sum(one.size for one in each),
        exact=all(one.exact for one in each) and len(found) == len(shown),
    )


def would_go(context: Context) -> Iterator[Went]:
    """Yield every job of which runs would go now, and how many."""
    mark = ""
    while True:
        with context.database.snapshot() as connection:
            visited = store.visit(connection, after=mark, limit=_JOBS_AT_ONCE)
            going = [_would_go(context, connection, kept) for kept in visited]
        yield from (one for one in going if one.runs)
        if len(visited) < _JOBS_AT_ONCE:
            return
        mark = visited[-1].job_id


def pin(context: Context, actor: Actor, job_id: str, run_id: str, *, pinned: bool) -> None:
    """Keep a run whatever its retention, or leave it to that again.

    Raises:
        NotFound: the job has no such run.

    """
    with context.database.transaction() as connection:
        job = jobs.visible(connection, actor, job_id, Permission.OPERATE_RUNS)
        run = runs.get(connection, run_id)
        if run is None or run.deleted_at or run.job_id != job.id:
            raise NotFound(f"Job {job_id} has no run {run_id}.", code="run_not_found")
        runs.pin(connection, run.id, pinned=pinned)


def _apply(context: Context, kept: Kept, *, at_most: int) -> Went:
    """Remove runs up to where the policy parts them now; what ends meanwhile has its turn the next time."""
    end = _boundary(context, kept)
    number = 0
    if end:
        number = in_batches(context, lambda c: _remove_some(context, c, kept, end), at_most=-(-at_most // RUNS_AT_ONCE))
    return Went(job_id=kept.job_id, job_name=kept.job_name, runs=number, cut=number >= at_most)


def _boundary(context: Context, kept: Kept) -> Boundary | None:
    """Return where the policy parts the job's runs; None where a look at its oldest run tells that it takes none."""
    held = _retention(context, kept.policy)
    before = held.ended_before(context.now())
    if kept.oldest is None or (before is not None and kept.oldest >= before):
        return None
    with context.database.snapshot() as connection:
        return store.boundary(connection, kept.job_id, held, now=context.now())


def _remove_some(context: Context, connection: Connection, kept: Kept, end: Boundary) -> int:
    # Read again, with each batch: somebody may have asked for more to be kept.
    again = store.kept(connection, kept.job_id)
    if again is None or again.policy != kept.policy:
        return 0
    found = store.due(connection, kept.job_id, end, limit=RUNS_AT_ONCE)
    return remove_runs(context, connection, found, results=_retention(context, kept.policy).results is Results.DELETE)


def _retention(context: Context, policy: Mapping[str, Any] | None) -> Retention:
    return retention_of(policy, default_days=context.keeping.run_days)


def _expire_some(context: Context, connection: Connection, gone: Counter[tuple[str, str]]) -> int:
    found = store.expired(connection, now=context.now(), limit=RUNS_AT_ONCE)
    number = remove_runs(context, connection, [one.run_id for one in found])
    gone.update((one.job_id, one.job_name) for one in found)
    return number


def _would_go(context: Context, connection: Connection, kept: Kept) -> Went:
    now = context.now()
    end = store.boundary(connection, kept.job_id, _retention(context, kept.policy), now=now)
    totals = store.totals(connection, kept.job_id, end, now=now)
    return Went(job_id=kept.job_id, job_name=kept.job_name, runs=totals.runs)


_Policy = tuple[Mapping[str, Any] | None, Source]


def _policy(kept: Kept | None, wanted: Mapping[str, Any] | None) -> _Policy:
    if wanted:
        return wanted, Source.REQUEST
    if kept is None or not kept.policy:
        return None, Source.INSTALLATION
    return kept.policy, Source.JOB if kept.own else Source.SPACE


def _preview(context: Context, job_id: str, chosen: _Policy, *, sample: int) -> Preview:
    policy, source = chosen
    held, now = _retention(context, policy), context.now()
    with context.database.snapshot() as connection:
        end = store.boundary(connection, job_id, held, now=now)
        totals = store.totals(connection, job_id, end, now=now)
        results = result_bytes = 0
        if end and held.results is Results.DELETE:
            results, result_bytes = store.results_going(connection, job_id, end)
        measured, keys = store.contents_going(connection, job_id, end, now=now, limit=sample)
    size = sum(context.content.size(key) for key in keys)
    return Preview(
        retention=held,
        source=source,
        totals=totals,
        results=results,
        size=result_bytes + (size * totals.runs // measured if measured else 0),
        exact=measured == totals.runs,
    )
