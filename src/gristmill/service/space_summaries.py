"""Spaces at a glance: what goes on in each that the actor belongs to, and what needs somebody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gristmill.domain.page import Page
from gristmill.domain.space import Space
from gristmill.domain.space_summary import RECENTLY, JobName, SpaceSummary
from gristmill.domain.user import Actor
from gristmill.domain.worker import GONE
from gristmill.service.context import Context
from gristmill.store import space_summaries as store
from gristmill.store import spaces, task_credentials
from gristmill.store.database import Connection

MOST_SPACES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What all spaces have in common: workers that live, and whether the actor's runs have a credential."""

    workers: int
    has_credential: bool


def page(
    context: Context, actor: Actor, *, limit: int, start: str | None = None
) -> tuple[Page[SpaceSummary], Standing]:
    """List the actor's spaces, the oldest first, each with what goes on in it."""
    with context.database.snapshot() as connection:
        found = spaces.page(connection, actor.user_id, limit=min(limit, MOST_SPACES), start=start)
        standing = Standing(
            workers=store.workers_alive(connection, seen_since=context.now() - GONE),
            has_credential=task_credentials.of_user(connection, actor.user_id) is not None,
        )
        return Page(items=_summaries(context, connection, actor, found.items), next=found.next), standing


def _summaries(context: Context, connection: Connection, actor: Actor, found: Sequence[Space]) -> list[SpaceSummary]:
    now, ids = context.now(), [space.id for space in found]
    roles = store.roles(connection, actor.user_id, ids)
    by_state = store.by_state(connection, ids)
    failed = store.failed_since(connection, ids, now - RECENTLY)
    failing = _failing(connection, failed)
    coming = store.next_ticks(connection, ids, after=now)
    late = store.late(connection, ids, now=now)
    return [
        SpaceSummary(
            space=space,
            role=roles[space.id],
            by_state=by_state.get(space.id, {}),
            failed_recently=len(failed[space.id]),
            next_tick=coming.get(space.id),
            failing=failing.get(space.id, []),
            late=late.get(space.id, 0),
        )
        for space in found
    ]


def _failing(connection: Connection, failed: dict[str, list[JobName]]) -> dict[str, list[JobName]]:
    """Return by space those jobs of its failed runs that are still failing, each once, the newest failure first."""
    newest = {
        space_id: list({each.job_id: each for each in reversed(rows)}.values())[::-1]
        for space_id, rows in failed.items()
    }
    still = store.still_failing(connection, [each.job_id for rows in newest.values() for each in rows])
    return {space_id: [each for each in rows if each.job_id in still] for space_id, rows in newest.items()}
