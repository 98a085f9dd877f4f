"""A time limit holds: the child is asked to stop, then ended, and the run has failed with that as its cause."""

from __future__ import annotations

from gristmill.domain.run import RunState
from tests.engine.conftest import Works


def test_n3_a_run_over_its_time_limit_is_ended_and_has_failed_of_that(works: Works) -> None:
    submitted = works.shop.submit(works.shop.deploy(), timeout_seconds=1)
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    found = works.shop.look(submitted.run.deployment_job_id)
    assert found.run.state is RunState.FAILED
    assert found.run.cause
    assert found.run.cause.code == "timed_out"
    assert "1 s" in found.run.cause.message
    assert works.launcher.children[0].signals[0] == "TERM"


def test_a_run_within_its_time_limit_completes(works: Works) -> None:
    works.launcher.gate.set()
    submitted = works.shop.submit(works.shop.deploy(), timeout_seconds=60)
    worker = works.new_worker()
    worker.step()
    works.until_idle(worker)
    assert works.shop.look(submitted.run.deployment_job_id).run.state is RunState.COMPLETED
