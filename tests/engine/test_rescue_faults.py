"""The rescuer when things go wrong around it; the numbers are those of the defects that others shipped."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from gristmill.domain.asset import AssetType
from gristmill.domain.run import MAX_ATTEMPTS, RunEvent, RunState
from gristmill.engine.rescuer import Rescuer
from gristmill.service import claims, rescues, runs, workers
from gristmill.service.claims import Assignment, Outcome, Settlement
from gristmill.store import claims as claim_store
from gristmill.store import lanes
from gristmill.store.schema import claims as claim_rows
from gristmill.store.schema import jobs as job_rows
from gristmill.store.schema import runs as run_rows
from tests.engine.conftest import LEASE, Works
from tests.make import eventually
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


def test_d2_a_run_that_completed_stays_so_though_its_lease_was_over(works: Works) -> None:
    (held,) = taken(works, silent(works), 1)
    context = works.shop.context
    claims.started(context, held)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    with context.database.snapshot() as connection:
        stale = claim_store.expired(connection, now=context.now(), limit=10)
    assert claims.finish(context, held, Outcome(event=RunEvent.SUCCEEDED)) is Settlement.COUNTED
    assert rescues._rescue_batch(context, stale) == 0
    assert works.rescuer.step() == 0
    assert states(works, [held]) == [RunState.COMPLETED]


def test_d2_rescuer_and_completion_at_the_same_moment_leave_one_outcome(works: Works) -> None:
    context, worker_id = works.shop.context, silent(works)
    for _ in range(8):
        (held,) = taken(works, worker_id, 1)
        claims.started(context, held)
        works.clock.advance(seconds=LEASE.total_seconds() + 1)
        begin = threading.Barrier(2)

        def finish(held: Assignment = held, begin: threading.Barrier = begin) -> Settlement:
            begin.wait()
            return claims.finish(context, held, Outcome(event=RunEvent.SUCCEEDED))

        def rescue(begin: threading.Barrier = begin) -> int:
            begin.wait()
            return rescues.rescue(context)

        with ThreadPoolExecutor(2) as pool:
            finished, rescued = pool.submit(finish), pool.submit(rescue)
            settlement, number = finished.result(), rescued.result()
        won = settlement is Settlement.COUNTED
        assert number == (0 if won else 1)
        assert states(works, [held]) == [RunState.COMPLETED if won else RunState.QUEUED]
        history = runs.history(context, works.shop.actor, held.run.job_id, held.run.id)
        assert [row.event for row in history][2:] == [RunEvent.SUCCEEDED if won else RunEvent.RETURNED]
        _end_all(works, [held])


def test_d4_a_worker_with_the_host_and_pid_of_a_dead_one_does_not_inherit_its_runs(works: Works) -> None:
    context = works.shop.context
    dead = silent(works)
    held = taken(works, dead, 2)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    again = silent(works)
    assert again != dead
    assert claims.renew(context, again, only=[(one.run.id, one.run.fence) for one in held], lease=LEASE) == []
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
            rescues.rescue(works.shop.context)
        struck = faults.struck
        rescues.rescue(works.shop.context)
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
    # PostgreSQL: the lock, and all that is written.
    assert at > 1


def test_d5_a_database_that_fails_at_any_statement_of_a_claim_gives_the_run_to_one_worker(works: Works) -> None:
    context, faults = works.shop.context, Faults(works.shop.context.database.engine)
    deployment = works.shop.deploy()
    for at in range(100):
        submitted = works.shop.submit(deployment)
        with faults.armed(at, lasting=True):
            claims.take(context, silent(works), lease=LEASE)
        if not faults.struck:
            break
        held = claims.take(context, silent(works), lease=LEASE)
        assert held
        assert (held.run.id, held.run.attempt, held.run.fence) == (submitted.run.id, 1, 1)
        assert claims.take(context, silent(works), lease=LEASE) is None
        claims.started(context, held)
        assert claims.finish(context, held, Outcome(event=RunEvent.SUCCEEDED)) is Settlement.COUNTED
    assert not faults.struck
    assert at > 3


def test_d6_a_list_of_expired_claims_that_is_used_twice_rescues_once(works: Works) -> None:
    context = works.shop.context
    held = taken(works, silent(works), 2)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    with context.database.snapshot() as connection:
        stale = claim_store.expired(connection, now=context.now(), limit=10)
    assert rescues._rescue_batch(context, stale) == 2
    others = [claims.take(context, silent(works), lease=LEASE) for _ in held]
    works.clock.advance(seconds=1)
    assert rescues._rescue_batch(context, stale) == 0
    assert {other.run.fence for other in others if other} == {2}
    assert states(works, held) == [RunState.STARTING] * 2


@pytest.mark.parametrize("begun", [False, True])
def test_d7_a_run_whose_workers_die_is_handed_out_so_often_and_then_set_aside(works: Works, begun: bool) -> None:
    context = works.shop.context
    submitted = works.shop.submit(works.shop.deploy())
    for attempt in range(1, MAX_ATTEMPTS + 1):
        held = claims.take(context, silent(works), lease=LEASE)
        assert held
        assert held.run.attempt == attempt
        if begun:
            claims.started(context, held)
        works.clock.advance(seconds=LEASE.total_seconds() + 1)
        assert works.rescuer.step() == 1
    found = works.shop.look(submitted.run.deployment_job_id).run
    assert (found.state, found.cause and found.cause.code) == (RunState.FAILED, "worker_lost")
    assert claims.take(context, silent(works), lease=LEASE) is None
    assert works.rescuer.step() == 0


def test_d9_a_run_at_which_the_rescuer_fails_does_not_keep_it_from_the_others(works: Works) -> None:
    held = taken(works, silent(works), 3)
    with works.shop.context.database.transaction() as connection:
        connection.execute(run_rows.update().where(run_rows.c.id == held[1].run.id).values(kind="quantum"))
        # No such fence was ever given out: this claim can be rescued by nobody.
        connection.execute(claim_rows.update().where(claim_rows.c.run_id == held[2].run.id).values(fence=99))
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert works.rescuer.step() == 2
    assert states(works, held) == [RunState.QUEUED, RunState.QUEUED, RunState.STARTING]


def test_d9_a_run_with_what_only_a_newer_version_knows_is_left_and_the_others_are_rescued(works: Works) -> None:
    worker_id = silent(works)
    held = [taken(works, worker_id, 1)[0] for _ in range(3)]
    unknown = job_rows.update().where(job_rows.c.id == held[1].run.job_id)
    with works.shop.context.database.transaction() as connection:
        # To go by it is an error each time.
        connection.execute(unknown.values(notification={"not_started": True, "sooner": 1}))
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert [works.rescuer.step(), works.rescuer.step()] == [2, 0]
    assert states(works, held) == [RunState.QUEUED, RunState.STARTING, RunState.QUEUED]
    with works.shop.context.database.transaction() as connection:
        connection.execute(unknown.values(notification={}))
    assert works.rescuer.step() == 1


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
    assert works.rescuer.step() == 2
    works.janitor.step()
    assert counted(works) == before


def test_d8_one_step_rescues_all_however_many(works: Works) -> None:
    number = rescues.RESCUED_AT_ONCE + 1
    held = taken(works, silent(works), number)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert works.rescuer.step() == number == len(held)


def test_d9_more_than_a_page_is_rescued_though_some_of_its_runs_cannot_be(works: Works) -> None:
    number = rescues.RESCUED_AT_ONCE + 1
    held = taken(works, silent(works), number)
    with works.shop.context.database.transaction() as connection:
        # No such fence was ever given out: this claim can be rescued by nobody.
        connection.execute(claim_rows.update().where(claim_rows.c.run_id == held[0].run.id).values(fence=99))
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    assert works.rescuer.step() == number - 1
    assert works.rescuer.step() == 0


def test_d8_a_rescuer_passes_by_a_lane_at_which_another_is_and_comes_back_to_it(works: Works) -> None:
    worker_id, database = silent(works), works.shop.context.database
    first, second = sorted((taken(works, worker_id, 2) for _ in range(2)), key=lambda held: held[0].run.lane_id)
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    with ThreadPoolExecutor(1) as pool:
        # SQLite: whoever writes has locked everything, so there the rescuer has it all to itself.
        with database.transaction() if database.dialect == "postgresql" else nullcontext() as another:
            if another:
                lanes.lock(another, {first[0].run.lane_id}, wait=True)
            rescued = pool.submit(works.rescuer.step)
            eventually(lambda: states(works, second) == [RunState.QUEUED] * 2, within=10)
            assert not another or states(works, first) == [RunState.STARTING] * 2
        assert rescued.result() == 4
    assert states(works, first) == [RunState.QUEUED] * 2


def test_d8_rescuers_at_once_share_what_there_is_and_double_nothing(works: Works) -> None:
    worker_id, context = silent(works), works.shop.context
    held = [assignment for _ in range(6) for assignment in taken(works, worker_id, 20)]
    works.clock.advance(seconds=LEASE.total_seconds() + 1)
    with ThreadPoolExecutor(3) as pool:
        assert sum(pool.map(lambda _: Rescuer(context).step(), range(3))) == len(held)
    assert set(states(works, held)) == {RunState.QUEUED}
    histories = [runs.history(context, works.shop.actor, one.run.job_id, one.run.id) for one in held]
    assert [[row.event for row in history] for history in histories] == [[RunEvent.CLAIMED, RunEvent.RETURNED]] * 120


def _end_all(works: Works, held: list[Assignment]) -> None:
    for assignment in held:
        run = works.shop.look(assignment.run.deployment_job_id).run
        runs.delete_of_job(works.shop.context, works.shop.actor, run.job_id, run.id)
