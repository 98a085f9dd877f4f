"""Logs: whoever started a run, by hand or on time, its log is kept and shown alike."""

from __future__ import annotations

from pathlib import Path

from gristmill.engine.scheduler import Scheduler
from gristmill.service import job_runs, runs
from gristmill.service.job_runs import Overrides
from gristmill_runner import protocol
from tests.engine.conftest import Works
from tests.engine.test_scheduler import schedule_job
from tests.make_work import COMPLETED


def test_l3_a_run_on_time_and_one_by_hand_log_alike(works: Works) -> None:
    def script(directory: Path) -> protocol.Result:
        with (directory / protocol.LOG).open("a") as log:
            log.write("first\nsecond\n")
        return COMPLETED

    shop, job = works.shop, schedule_job(works)
    works.clock.advance(hours=1)
    Scheduler(shop.context).step()
    job_runs.start(shop.context, shop.actor, job.id, Overrides())
    works.launcher.script = script
    works.launcher.gate.set()
    worker = works.new_worker()
    assert worker.step() == 2
    works.until_idle(worker)
    found = runs.page(shop.context, shop.actor, shop.space_id, limit=9, job_id=job.id).items
    assert [run.scheduled_for is None for run in found] == [True, False]
    by_hand, on_time = (b"".join(runs.log(shop.context, shop.actor, job.id, run.id)) for run in found)
    assert by_hand == on_time
    assert on_time.endswith(b"first\nsecond\n")
