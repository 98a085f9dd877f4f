"""Jobs with a past: runs that ended, as rows straight in the store, for tests of what lists tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select

from gristmill.domain.job import Job
from gristmill.domain.run import Run
from gristmill.domain.schedule import Schedule
from gristmill.service import job_runs, jobs
from gristmill.service.job_runs import Overrides
from gristmill.service.jobs import NewJob
from gristmill.service.runs import cancel_of_job
from gristmill.store.schema import runs
from tests.make_work import Shop

_CAUSE = {"code": "input_not_found", "message": "The table patients is gone."}


@dataclass(frozen=True)
class PastJob:
    """A job, and its one real run, which was canceled before it began: what ended before and after is made like it."""

    shop: Shop
    job: Job
    template: Run

    def ended(self, state: str, *, seconds: float, at: datetime, rejected: int = 0) -> str:
        """Add a run that ended in this state; return its id."""
        run_id, end = self.shop.context.new_id(), at + timedelta(seconds=seconds)
        changed = {
            "id": run_id,
            "deployment_job_id": self.shop.context.new_id(),
            "state": state,
            "created_at": at,
            "modified_at": end,
            "started_at": at,
            "finished_at": end,
            "cause": _CAUSE if state == "failed" else None,
            "warning": "rows were rejected" if rejected else None,
            "rows_read": 100,
            "rows_scored": 100 - rejected,
            "rows_rejected": rejected,
            "rows_not_attempted": 0,
        }
        with self.shop.context.database.transaction() as connection:
            row = connection.execute(select(runs).where(runs.c.id == self.template.id)).mappings().one()
            values = {name: value for name, value in row.items() if name != "place" and value is not None}
            connection.execute(insert(runs).values({**values, **changed}))
        return run_id


def make_past_job(shop: Shop, name: str, *, schedule: Schedule | None = None) -> PastJob:
    """Define a job of a script, with a run that was canceled."""
    new = NewJob(space_id=shop.space_id, name=name, asset_ref=shop.script(), asset_ref_type="script", schedule=schedule)
    job = jobs.create(shop.context, shop.actor, new)
    run, _job = job_runs.start(shop.context, shop.actor, job.id, Overrides())
    cancel_of_job(shop.context, shop.actor, job.id, run.id)
    return PastJob(shop, job, run)
