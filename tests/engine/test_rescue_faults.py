"""The rescuer when things go wrong around it; the numbers are those of the defects that others shipped."""

from __future__ import annotations

import pytest

from gristmill.domain.asset import AssetType
from gristmill.domain.run import RunEvent, RunState
from gristmill.service import claims, runs, workers
from gristmill.service.claims import Assignment, Outcome, Settlement
from gristmill.store import claims as claim_store
from gristmill.store.schema import claims as claim_rows
from gristmill.store.schema import runs as run_rows
from tests.engine.conftest import LEASE, Works
from tests.make_faults import Faults


def silent(works: Works) -> str:
    """Register a worker of which nothing more is heard; each has the same host and pid."""
    return workers.register(works.shop.context, host="laptop", pid=4711, slots=4)


def taken(works: Works, worker_id: str, number: int, *, kind: AssetType = AssetType.MODEL) -> list[Assignment]:
    """Submit so many runs and claim them all for a worker that then says nothing more."""
    deployment = works.shop.deploy(kind=kind, batch={"max_running": number})
    for _ in range(number):
        works.shop.submit(deployment)
    found = [claims.take(works.shop.context, worker_id, lease=LEASE) for _ in range(number)]
    return [assignment for assignment in found if assignment]


def states(works: Works, held: list[Assignment]) -> list[RunState]:
    return [works.shop.look(assignment.run.deployment_job_id).run.state for assignment in held]


def counted(works: Works) -> int:
    page = runs.page(works.shop.context, works.shop.actor, works.shop.space_id, limit=1, count=True)
    assert page.total is not None
    return page.total


def test_d4_a_worker_with_the_host_and_pid_of_a_dead_one_does_not_inherit_its_runs(works: Works) -> None:
    context = works.shop.context
    dead = silent(works)
    held = taken(works, dead, 2)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    again = silent(works)
    assert again != dead
    assert claims.renew(context, again, lease=LEASE) == []
    assert works.rescuer.step() == 2
    assert states(works, held) == [RunState.QUEUED] * 2


@pytest.mark.parametrize("died", [False, True])
def test_d5_a_database_that_fails_at_any_statement_of_a_rescue_loses_and_doubles_nothing(
    works: Works, died: bool
) -> None:
    faults = Faults(works.shop.context.database.engine)
    for at in range(200):
        held = taken(works, silent(works), 2)
        works.clock.advance(seconds=LEASE.total_seconds() + 1)
        with faults.armed(at, lasting=True, died=died):
            claims.rescue(works.shop.context)
        struck = faults.struck
        claims.rescue(works.shop.context)
        assert states(works, held) == [RunState.QUEUED] * 2
        _end_all(works, held)
        if not struck:
            break
    assert not struck
    assert at > 5


def test_d5_a_database_that_fails_at_any_statement_of_a_finish_counts_it_once(works: Works) -> None:
    faults = Faults(works.shop.context.database.engine)
    for at in range(100):
        (held,) = taken(works, silent(works), 1)
        claims.started(works.shop.context, held)
        outcome = Outcome(event=RunEvent.SUCCEEDED)
        with faults.armed(at):
            claims.finish(works.shop.context, held, outcome)
        struck = faults.struck
        last = claims.finish(works.shop.context, held, outcome)
        assert last is (Settlement.COUNTED if struck else Settlement.COUNTED_BEFORE)
        assert states(works, [held]) == [RunState.COMPLETED]
        if not struck:
            break
    assert not struck
    assert at > 3


def test_d6_a_list_of_expired_claims_that_is_used_twice_rescues_once(works: Works) -> None:
    context = works.shop.context
    held = taken(works, silent(works), 2)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    with context.database.snapshot() as connection:
        stale = claim_store.expired(connection, now=context.now(), limit=10)
    assert claims._rescue_batch(context, stale) == 2
    others = [claims.take(context, silent(works), lease=LEASE) for _ in held]
    works.clock.advance(seconds=1)
    assert claims._rescue_batch(context, stale) == 0
    assert {other.run.fence for other in others if other} == {2}
    assert states(works, held) == [RunState.STARTING] * 2


def test_d9_a_run_at_which_the_rescuer_fails_does_not_keep_it_from_the_others(works: Works) -> None:
    held = taken(works, silent(works), 3)
    with works.shop.context.database.transaction() as connection:
        connection.execute(run_rows.update().where(run_rows.c.id == held[1].run.id).values(kind="quantum"))
        # No such fence was ever given out: this claim can be rescued by nobody.
        connection.execute(claim_rows.update().where(claim_rows.c.run_id == held[2].run.id).values(fence=99))
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert works.rescuer.step() == 2
    assert states(works, held) == [RunState.QUEUED, RunState.QUEUED, RunState.STARTING]


def test_d9_user_code_of_an_unknown_kind_that_had_started_is_not_repeated(works: Works) -> None:
    (held,) = taken(works, silent(works), 1)
    claims.started(works.shop.context, held)
    with works.shop.context.database.transaction() as connection:
        connection.execute(run_rows.update().where(run_rows.c.id == held.run.id).values(kind="quantum"))
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert works.rescuer.step() == 1
    found = works.shop.look(held.run.deployment_job_id).run
    assert (found.state, found.cause and found.cause.code) == (RunState.FAILED, "worker_lost")


def test_d10_the_engines_own_work_is_no_run_that_would_need_a_rescue(works: Works) -> None:
    taken(works, silent(works), 2)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    before = counted(works)
    works.rescuer.step()
    works.janitor.step()
    assert counted(works) == before


def test_d8_one_step_rescues_all_however_many(works: Works) -> None:
    number = claims.RESCUED_AT_ONCE + 1
    held = taken(works, silent(works), number)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert works.rescuer.step() == number == len(held)


def _end_all(works: Works, held: list[Assignment]) -> None:
    for assignment in held:
        run = works.shop.look(assignment.run.deployment_job_id).run
        runs.delete_of_job(works.shop.context, works.shop.actor, run.job_id, run.id)
