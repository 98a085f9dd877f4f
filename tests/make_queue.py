"""Spaces, lanes, jobs and runs straight in the store, for tests of the queue."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from gristmill.domain.job import Job, JobKind
from gristmill.domain.run import Run, RunState
from gristmill.domain.run_spec import RunSpec
from gristmill.domain.space import Space
from gristmill.domain.user import User
from gristmill.store import claims, jobs, lanes, runs, spaces, users
from gristmill.store.claims import Room
from gristmill.store.database import Connection

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LEASE = timedelta(seconds=30)


def new_id() -> str:
    """Return an id."""
    return str(uuid.uuid4())


def make_space(connection: Connection) -> str:
    """Add a user and a space of theirs; return the space's id."""
    user = User(id=new_id(), name=f"user-{new_id()}", display_name="", administrator=False, created_at=NOW)
    users.insert(connection, user)
    space = Space(id=new_id(), name="s", description="", creator_id=user.id, created_at=NOW, modified_at=NOW)
    spaces.insert(connection, space)
    return space.id


def make_lane(connection: Connection, space_id: str, *, max_running: int = 2) -> str:
    """Add a lane with one job; both have the id that is returned."""
    lane_id = new_id()
    lanes.create(connection, lane_id, space_id, max_running=max_running)
    job = Job(
        id=lane_id,
        space_id=space_id,
        name="j",
        kind=JobKind.DEFAULT,
        lane_id=lane_id,
        asset_ref=lane_id,
        owner_id="",
        created_at=NOW,
        modified_at=NOW,
    )
    jobs.create(connection, job)
    return lane_id


def make_run(
    connection: Connection, space_id: str, lane_id: str, *, kind: str = "model", job_id: str | None = None
) -> Run:
    """Queue a run at the end of a lane."""
    run = Run(
        id=new_id(),
        deployment_job_id=new_id(),
        job_id=job_id or lane_id,
        space_id=space_id,
        lane_id=lane_id,
        place=0,
        name="r",
        kind=kind,
        state=RunState.QUEUED,
        requester_id="u",
        created_at=NOW,
        modified_at=NOW,
    )
    return runs.create(connection, run, make_spec(kind), contents=())


def claimed(
    connection: Connection, worker_id: str, *, room: Room | None = None, now: datetime = NOW, lease: timedelta = LEASE
) -> Run | None:
    """Let a worker take the next run, and return it."""
    found = claims.claim(connection, worker_id, now=now, expires_at=now + lease, room=room)
    return found.run if found else None


def make_spec(kind: str = "model") -> RunSpec:
    """Return a specification that names nothing real."""
    return RunSpec(
        kind=kind,
        asset_id="a",
        asset_revision=0,
        asset_type="scikit-learn_1.9",
        asset_content_key="k",
        asset_sha256="0",
        asset_content_name="m.tar.gz",
        specification_id="s",
        specification_name="s",
    )
