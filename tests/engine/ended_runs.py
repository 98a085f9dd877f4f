"""Jobs with runs that have ended, and what is left of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.engine.janitor import Janitor
from gristmill.service.context import Context
from gristmill.store import jobs as job_store
from gristmill.store import run_contents, runs
from gristmill.store.database import Connection, Database
from tests.engine.conftest import Works
from tests.make_queue import make_lane, make_spec, new_id

DAY = timedelta(days=1)


def make_job(works: Works, policy: dict[str, Any] | None = None) -> str:
    with works.shop.context.database.transaction() as connection:
        job_id = make_lane(connection, works.shop.space_id)
        job_store.change(connection, job_id, works.clock.now, {"retention": policy})
    return job_id


def set_policy(works: Works, job_id: str, policy: dict[str, Any]) -> None:
    with works.shop.context.database.transaction() as connection:
        job_store.change(connection, job_id, works.clock.now, {"retention": policy})


def end_runs(
    works: Works, job_id: str, ends: Sequence[datetime], *, retention_days: int | None = None, logs: bool = True
) -> list[str]:
    """Make runs that ended at these times, each with a log of its own, and one piece of content that all share."""
    context = works.shop.context
    shared = context.content.put([b"model"]).key
    made = []
    with context.database.transaction() as connection:
        for at in ends:
            run = queue_run(connection, works, job_id, at, retention_days=retention_days)
            own = [context.content.put([b"log"]).key] if logs else []
            run_contents.hold(connection, run.id, [*own, shared])
            runs.advance(connection, run.id, RunEvent.CANCEL_REQUESTED, now=at, actor="test")
            made.append(run.id)
    return made


_COPY = text(
    "INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, requester_id, "
    "created_at, modified_at, finished_at, spec) SELECT :id, :other, space_id, job_id, lane_id, name, kind, state, "
    "requester_id, created_at, modified_at, finished_at, spec FROM runs WHERE id = :template"
)


def end_many(works: Works, job_id: str, number: int) -> list[str]:
    """Make many runs that ended at the same moment, without content; return them in their order."""
    (template,) = end_runs(works, job_id, ago(works, 1), logs=False)
    made = [new_id() for _ in range(number - 1)]
    with works.shop.context.database.transaction() as connection:
        connection.execute(_COPY, [{"id": one, "other": new_id(), "template": template} for one in made])
    return [template, *made]


def queue_run(
    connection: Connection, works: Works, job_id: str, at: datetime, *, retention_days: int | None = None
) -> Run:
    run = Run(
        id=new_id(),
        deployment_job_id=new_id(),
        job_id=job_id,
        space_id=works.shop.space_id,
        lane_id=job_id,
        place=0,
        name="r",
        kind="model",
        state=RunState.QUEUED,
        requester_id="u",
        created_at=at,
        modified_at=at,
        retention_days=retention_days,
    )
    return runs.create(connection, run, make_spec(), contents=())


def ago(works: Works, *days: float) -> list[datetime]:
    return [works.clock.now - timedelta(days=number) for number in days]


def left(context: Context) -> set[str]:
    with context.database.snapshot() as connection:
        return set(connection.exec_driver_sql("SELECT id FROM runs").scalars())


def count(database: Database, table: str) -> int:
    with database.snapshot() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def files(context: Context) -> int:
    return sum(1 for path in (context.data_dir / "content").rglob("*") if path.is_file())


def clean(works: Works, janitor: Janitor | None = None) -> None:
    """Let the janitor work until nothing is left to do, and the bytes go too."""
    janitor = janitor or works.janitor
    while janitor.step():
        pass
    works.clock.advance(minutes=2)
    while janitor.step():
        pass


def pin(works: Works, run_id: str) -> None:
    with works.shop.context.database.transaction() as connection:
        runs.pin(connection, run_id, pinned=True)
