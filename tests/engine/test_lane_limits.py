"""Q2: a run may have come about in many ways; each waits for room in its lane, and none is ended because of that."""

from __future__ import annotations

from collections.abc import Callable

from gristmill.domain.job import Job
from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.domain.schedule import MissedPolicy
from gristmill.engine.scheduler import Scheduler
from gristmill.service import claims, job_runs, run_repairs, runs
from gristmill.service.claims import Assignment, Outcome, Settlement
from gristmill.service.job_runs import Overrides
from tests.engine.conftest import LEASE, Works
from tests.engine.test_resume import killed_at
from tests.engine.test_rows import job_of_model
from tests.engine.test_scheduler import every_hour

LIMIT = 2
"""What a deployment allows that asks for nothing else."""


def test_q2_runs_of_every_origin_pass_through_the_limit_and_none_is_ended_by_it(works: Works) -> None:
    job = job_of_model(works, schedule=every_hour(missed=MissedPolicy.ALL))
    failed = failed_with_rows_kept(works, job)
    retried = lost_by_its_worker(works, job)
    started = {origin: start(works, job, failed) for origin, start in STARTS.items()}
    works.clock.advance(hours=3)
    Scheduler(works.shop.context).step()
    waiting = {run.id for run in all_runs(works, job) if run.state is RunState.QUEUED}
    assert waiting >= {retried.id, *(run.id for run in started.values())}
    assert len(waiting) == 1 + len(STARTS) + 3
    assert worked_off(works) == waiting
    ended = {run.id: run for run in all_runs(works, job)}
    assert {ended[run_id].state for run_id in waiting} == {RunState.COMPLETED}
    assert (ended[retried.id].attempt, ended[failed.id].state) == (2, RunState.FAILED)


def failed_with_rows_kept(works: Works, job: Job) -> Run:
    works.launcher.script = killed_at(6)
    works.launcher.gate.set()
    run = by_hand(works, job)
    worker = works.new_worker()
    worker.step()
    works.until_idle(worker)
    return run


def lost_by_its_worker(works: Works, job: Job) -> Run:
    run = by_hand(works, job)
    held = taken(works)
    assert held
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert works.rescuer.step() == 1
    return run


def by_hand(works: Works, job: Job, _earlier: Run | None = None) -> Run:
    return job_runs.start(works.shop.context, works.shop.actor, job.id, Overrides())[0]


def again(works: Works, job: Job, earlier: Run) -> Run:
    return job_runs.rerun(works.shop.context, works.shop.actor, job.id, earlier.id)[0]


def repaired(works: Works, job: Job, earlier: Run) -> Run:
    return run_repairs.repair(works.shop.context, works.shop.actor, job.id, earlier.id, Overrides())[0]


STARTS: dict[str, Callable[[Works, Job, Run], Run]] = {"by hand": by_hand, "again": again, "repaired": repaired}


def taken(works: Works) -> Assignment | None:
    context = works.shop.context
    return claims.take(context, context.new_id(), lease=LEASE)


def worked_off(works: Works) -> set[str]:
    """Let workers that take all they can get do one run after the other; return which they did."""
    done: set[str] = set()
    held = [assignment for assignment in (taken(works) for _ in range(LIMIT)) if assignment]
    while held:
        assert len(held) == LIMIT or not waits(works)
        assert taken(works) is None
        assignment = held.pop(0)
        claims.started(works.shop.context, assignment)
        found = claims.finish(works.shop.context, assignment, Outcome(event=RunEvent.SUCCEEDED))
        assert found is Settlement.COUNTED
        done.add(assignment.run.id)
        held += [more for more in [taken(works)] if more]
    return done


def waits(works: Works) -> bool:
    shop = works.shop
    return bool(runs.page(shop.context, shop.actor, shop.space_id, limit=1, states=[RunState.QUEUED]).items)


def all_runs(works: Works, job: Job) -> list[Run]:
    shop = works.shop
    return list(runs.page(shop.context, shop.actor, shop.space_id, limit=50, job_id=job.id).items)
