"""A database that does not answer while a run is laid out: nothing of the run has begun, so it waits again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from gristmill.domain.asset import AssetType
from gristmill.domain.run import MAX_ATTEMPTS, Run, RunState
from gristmill.engine.execution import Execution
from gristmill.launch.launcher import Ending
from gristmill.service import claims
from gristmill.store.database import Database
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works
from tests.engine.test_rows import profile, rejecting
from tests.make_faults import Faults
from tests.make_work import COMPLETED


def submitted(works: Works) -> str:
    """Submit a run whose code is told of the server: for that, the database is asked while it is laid out."""
    deployment = works.shop.deploy(kind=AssetType.FUNCTION)
    return works.shop.submit(deployment, input_references=()).run.deployment_job_id


def attempted(works: Works, job: str) -> Run:
    """Let an execution work at it whose first question to the database is not answered."""
    context = works.shop.context
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    url = context.database.engine.url.render_as_string(hide_password=False)
    with closing(Database(url)) as database:
        faults = Faults(database.engine)
        with faults.armed(0):
            Execution(replace(context, database=database), works.launcher, assignment).run()
        assert faults.struck
    return works.shop.look(job).run


def test_d5_a_database_that_is_away_while_a_run_is_laid_out_costs_it_an_attempt(works: Works) -> None:
    job = submitted(works)
    waiting = attempted(works, job)
    assert (waiting.state, waiting.attempt, waiting.cause) == (RunState.QUEUED, 1, None)

    works.launcher.script = lambda _directory: COMPLETED
    works.launcher.gate.set()
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)
    assert works.shop.look(job).run.state is RunState.COMPLETED


def test_d5_a_run_whose_database_is_always_away_ends_with_that_as_its_cause(works: Works) -> None:
    job = submitted(works)
    for _ in range(MAX_ATTEMPTS):
        found = attempted(works, job)
    assert found.state is RunState.FAILED
    assert found.cause
    assert found.cause.code == "worker_lost"
    assert "could not ask the database" in found.cause.message


def test_d5_a_database_that_is_away_when_a_run_has_ended_costs_it_nothing(works: Works) -> None:
    job = works.shop.submit(works.shop.deploy()).run.deployment_job_id
    context = works.shop.context
    assignment = claims.take(context, context.new_id(), lease=LEASE)
    assert assignment
    url = context.database.engine.url.render_as_string(hide_password=False)
    with closing(Database(url)) as database:
        faults = Faults(database.engine)
        ended = rejecting(0, profile=profile(0.0))

        def script(directory: Path) -> protocol.Result | Ending:
            faults.at, faults.count = 0, 0
            return ended(directory)

        works.launcher.script = script
        works.launcher.gate.set()
        Execution(replace(context, database=database), works.launcher, assignment).run()
        assert faults.struck
    found = works.shop.look(job).run
    assert (found.state, found.cause, found.attempt) == (RunState.COMPLETED, None, 1)
