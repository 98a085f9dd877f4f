"""What schedules stand on, read for many jobs at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select

from gristmill.domain.deployment import DeploymentState
from gristmill.domain.disposition import Disposition
from gristmill.domain.event import EventKind
from gristmill.domain.job import JobKind
from gristmill.domain.schedule_key import Standing
from gristmill.domain.space import Role
from gristmill.store.database import Connection
from gristmill.store.schema import (
    api_keys,
    assets,
    deployment_job_definitions,
    deployments,
    events,
    jobs,
    members,
    spaces,
    task_credentials,
    ticks,
    users,
)

_HEAD = 0


def of_jobs(connection: Connection, job_ids: Sequence[str]) -> list[Standing]:
    """Return the standings of these jobs."""
    return _read(connection, _query().where(jobs.c.id.in_(job_ids)))


def of_user(connection: Connection, user_id: str, *, space_id: str | None, limit: int) -> list[Standing]:
    """Return the standings of jobs whose ticks run for this user, everywhere or in one space, the next due first."""
    # By the keys' indexes: there is none on who set a schedule.
    keys = select(api_keys.c.id).where(api_keys.c.user_id == user_id)
    query = _query().where(jobs.c.key_id.in_(keys), *_SCHEDULED)
    if space_id:
        query = query.where(jobs.c.space_id == space_id)
    return _read(connection, query.order_by(jobs.c.next_tick_at).limit(limit))


def lock(connection: Connection, job_id: str) -> str | None:
    """Return the id of the key of a job's schedule, and keep others from changing the job meanwhile."""
    query = select(jobs.c.key_id).where(jobs.c.id == job_id)
    return connection.execute(query.with_for_update(key_share=True)).scalar()


def of_deployment(connection: Connection, deployment_id: str) -> list[str]:
    """Return the ids of the keys of the schedules that run a deployment."""
    query = select(jobs.c.key_id).where(jobs.c.deployment_id == deployment_id, jobs.c.key_id.is_not(None))
    return list(connection.execute(query).scalars())


def broken_soon(connection: Connection, *, after: datetime, until: datetime, limit: int) -> list[Standing]:
    """Return the standings of jobs whose next tick comes after a moment, up to another, and would be refused untold.

    The conditions are those of `domain.schedule_key.breakage`. Told is what has an event, or whose last tick was
    refused, since the schedule was set and its last tick was decided.
    """
    coming = and_(jobs.c.next_tick_at > after, jobs.c.next_tick_at <= until)
    last = select(ticks).where(ticks.c.job_id == jobs.c.id).order_by(ticks.c.scheduled_for.desc()).limit(1)
    refused = and_(
        last.with_only_columns(ticks.c.disposition).scalar_subquery() == str(Disposition.REFUSED),
        last.with_only_columns(ticks.c.decided_at).scalar_subquery() >= jobs.c.decided_until,
    )
    # A subquery and no NOT EXISTS: PostgreSQL would join with all events where it does not know how many there are.
    # Only events since then, and the newest of them: it would read all of a job's where they are most of what there is.
    since = (events.c.job_id == jobs.c.id, events.c.at >= jobs.c.decided_until)
    newest = select(events.c.at).where(*since, events.c.kind == str(EventKind.SCHEDULE_BROKEN))
    told = newest.order_by(events.c.at.desc()).limit(1).scalar_subquery().is_not(None)
    query = _query().where(coming, *_SCHEDULED, _BROKEN, ~func.coalesce(refused, False), ~told)
    return _read(connection, query.order_by(jobs.c.next_tick_at).limit(limit))


_SCHEDULED = (jobs.c.next_tick_at.is_not(None), jobs.c.deleted_at.is_(None), ~jobs.c.paused)
_TARGET = or_(
    and_(jobs.c.kind == str(JobKind.ASSET), assets.c.id.is_not(None), assets.c.deleted_at.is_(None)),
    and_(
        jobs.c.kind == str(JobKind.DEPLOYMENT),
        func.coalesce(deployments.c.state, "") == str(DeploymentState.READY),
        or_(jobs.c.definition_id.is_(None), deployment_job_definitions.c.id.is_not(None)),
    ),
)
_BROKEN: ColumnElement[bool] = or_(
    users.c.id.is_(None),
    users.c.disabled,
    api_keys.c.id.is_(None),
    api_keys.c.revoked_at.is_not(None),
    members.c.role.is_(None),
    members.c.role == str(Role.VIEWER),
    task_credentials.c.id.is_(None),
    ~_TARGET,
)


def _query() -> Select[Any]:
    member = and_(members.c.space_id == jobs.c.space_id, members.c.user_id == users.c.id, members.c.state == "active")
    key = and_(api_keys.c.id == jobs.c.key_id, api_keys.c.user_id == jobs.c.scheduler_id)
    definition = and_(
        deployment_job_definitions.c.id == jobs.c.definition_id, deployment_job_definitions.c.revision == _HEAD
    )
    asset = and_(assets.c.id == jobs.c.asset_ref, jobs.c.kind == str(JobKind.ASSET))
    source = (
        jobs.join(spaces, spaces.c.id == jobs.c.space_id)
        .outerjoin(users, users.c.id == jobs.c.scheduler_id)
        .outerjoin(api_keys, key)
        .outerjoin(task_credentials, task_credentials.c.user_id == jobs.c.scheduler_id)
        .outerjoin(members, member)
        .outerjoin(assets, asset)
        .outerjoin(deployments, deployments.c.id == jobs.c.deployment_id)
        .outerjoin(deployment_job_definitions, definition)
    )
    return select(
        jobs.c.id.label("job_id"),
        jobs.c.name.label("job_name"),
        jobs.c.space_id,
        jobs.c.version,
        jobs.c.next_tick_at,
        jobs.c.scheduler_id.label("user_id"),
        users.c.name.label("user_name"),
        func.coalesce(users.c.disabled, False).label("disabled"),
        api_keys.c.id.is_not(None).label("key_found"),
        api_keys.c.revoked_at.is_not(None).label("key_revoked"),
        task_credentials.c.id.is_not(None).label("credential_found"),
        members.c.role,
        spaces.c.paused.label("space_paused"),
        _TARGET.label("target_found"),
    ).select_from(source)


def _read(connection: Connection, query: Select[Any]) -> list[Standing]:
    return [_standing(row) for row in connection.execute(query)]


def _standing(row: Row[Any]) -> Standing:
    values = dict(row._mapping)  # noqa: SLF001 - public API of Row
    role = Role(values["role"]) if values["role"] else None
    return Standing(**{**values, "role": role, "target_found": bool(values["target_found"])})
