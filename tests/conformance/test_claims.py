"""The queue: first come, first served; a limit that holds; fences that keep late workers out. On both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.make_queue import LEASE, NOW, claimed, make_lane, make_run, make_space, make_spec, new_id

from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.store import claims, lanes, run_pages, runs
from gristmill.store.database import Connection, ConstraintViolated, Database
from gristmill.store.runs import StaleFence

WORKER = new_id()


def take(connection: Connection, worker: str = WORKER) -> Run | None:
    return claimed(connection, worker)


def end(connection: Connection, run: Run, event: RunEvent = RunEvent.SUCCEEDED) -> None:
    if event is RunEvent.SUCCEEDED:
        runs.advance(connection, run.id, RunEvent.STARTED, now=NOW, actor=WORKER, fence=run.fence)
    runs.advance(connection, run.id, event, now=NOW, actor=WORKER, fence=run.fence)


def hints(connection: Connection, lane_id: str) -> tuple[int, int, int | None]:
    row = connection.execute(text("SELECT queued, running, head FROM lanes WHERE id = :id"), {"id": lane_id}).one()
    return row.queued, row.running, row.head


def test_first_come_first_served_within_a_lane_and_its_limit(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space, max_running=2)
        first, second, third = (make_run(connection, space, lane) for _ in range(3))
        assert hints(connection, lane) == (3, 0, first.place)
        claimed = [take(connection), take(connection)]
        assert [run.id if run else None for run in claimed] == [first.id, second.id]
        assert take(connection) is None
        assert hints(connection, lane) == (1, 2, third.place)
        assert claimed[0]
        end(connection, claimed[0])
        last = take(connection)
        assert last
        assert (last.id, last.state, last.fence, last.attempt) == (third.id, RunState.STARTING, 1, 1)
        assert hints(connection, lane) == (0, 2, None)


def test_across_lanes_the_oldest_waiting_run_whose_lane_is_free(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        full, free = make_lane(connection, space, max_running=1), make_lane(connection, space, max_running=1)
        runs_of_full = [make_run(connection, space, full) for _ in range(2)]
        run_of_free = make_run(connection, space, free)
        assert [run.id for run in (take(connection), take(connection)) if run] == [runs_of_full[0].id, run_of_free.id]
        assert take(connection) is None


def test_q9_many_runs_before_it_keep_a_run_of_another_lane_waiting_for_their_limits_alone(
    database: Database,
) -> None:
    with database.transaction() as connection:
        crowd, other = make_space(connection), make_space(connection)
        crowded = [make_lane(connection, crowd, max_running=2) for _ in range(5)]
        for lane in crowded:
            first = make_run(connection, crowd, lane)
            many = [replace(first, id=new_id(), deployment_job_id=new_id()) for _ in range(200)]
            runs.create_all(connection, [(run, make_spec()) for run in many])
        alone = make_run(connection, other, make_lane(connection, other))
        # The crowd's lanes are filled first, in their order; then it is next, whatever waits before it.
        working = [run for run in (take(connection) for _ in range(10)) if run]
        assert [run.lane_id for run in working] == [lane for lane in crowded for _ in range(2)]
        found = take(connection)
        assert found
        assert found.id == alone.id
        assert take(connection) is None


def test_the_database_refuses_a_slot_at_or_over_the_limit(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space, max_running=2)
        run = make_run(connection, space, lane)
    insert = text(
        "INSERT INTO claims (lane_id, slot, run_id, worker_id, fence, claimed_at, expires_at) "
        "VALUES (:lane, :slot, :run, 'w', 1, :now, :now)"
    )
    values = {"lane": lane, "run": run.id, "now": NOW.replace(tzinfo=None)}
    for slot in (2, -1):
        with pytest.raises(ConstraintViolated), database.transaction() as connection:
            connection.execute(insert, {**values, "slot": slot})


def test_q7_a_limit_lowered_while_runs_wait_counts_the_slots_above_it(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space, max_running=4)
        for _ in range(6):
            make_run(connection, space, lane)
        working = [run for run in (take(connection) for _ in range(4)) if run]
        lanes.set_limit(connection, lane, 2)
        assert take(connection) is None
        end(connection, working[0])
        end(connection, working[1])
        assert take(connection) is None
        end(connection, working[2])
        assert take(connection) is not None
        assert take(connection) is None


def test_a_wrong_hint_does_no_harm_and_is_set_right(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space, max_running=1)
        first = make_run(connection, space, lane)
        make_run(connection, space, lane)
        connection.execute(text("UPDATE lanes SET queued = 9, running = 0, head = 1 WHERE id = :id"), {"id": lane})
        claimed = take(connection)
        assert claimed
        assert claimed.id == first.id
        connection.execute(text("UPDATE lanes SET running = 0 WHERE id = :id"), {"id": lane})
        assert take(connection) is None
        assert hints(connection, lane)[:2] == (1, 1)
        connection.execute(text("UPDATE lanes SET queued = 0, running = 5 WHERE id = :id"), {"id": lane})
        assert lanes.repair_some(connection, after="", limit=10) == ("", 1)
        assert hints(connection, lane)[:2] == (1, 1)


def test_a_late_worker_can_finish_nothing(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        make_run(connection, space, lane)
        late = take(connection)
        assert late
        runs.advance(connection, late.id, RunEvent.RETURNED, now=NOW, actor="rescuer", fence=late.fence)
        assert hints(connection, lane) == (1, 0, late.place)
        current = take(connection, new_id())
        assert current
        assert (current.id, current.fence, current.attempt) == (late.id, 2, 2)
        with pytest.raises(StaleFence):
            runs.advance(connection, late.id, RunEvent.STARTED, now=NOW, actor=WORKER, fence=late.fence)
        end(connection, current)
        with pytest.raises(StaleFence):
            runs.advance(connection, late.id, RunEvent.SUCCEEDED, now=NOW, actor=WORKER, fence=late.fence)
        assert [row.event for row in runs.history(connection, late.id)] == [
            RunEvent.CLAIMED,
            RunEvent.RETURNED,
            RunEvent.CLAIMED,
            RunEvent.STARTED,
            RunEvent.SUCCEEDED,
        ]


def test_leases_expire_and_are_renewed(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        for _ in range(2):
            make_run(connection, space, lane)
        run = take(connection)
        assert run
        later = NOW + LEASE + timedelta(seconds=1)
        assert claims.expired(connection, now=NOW + LEASE, limit=9) == []
        assert [claim.run_id for claim in claims.expired(connection, now=later, limit=9)] == [run.id]
        assert claims.still_expired(connection, [(run.id, run.fence)], now=later) == [(run.id, run.fence)]
        claims.renew(connection, WORKER, only=[(run.id, run.fence - 1)], expires_at=later + LEASE)
        assert claims.still_expired(connection, [(run.id, run.fence)], now=later) == [(run.id, run.fence)]
        claims.renew(connection, WORKER, only=[(run.id, run.fence)], expires_at=later + LEASE)
        assert claims.still_expired(connection, [(run.id, run.fence)], now=later) == []
        assert [(claim.run_id, claim.state) for claim in claims.held(connection, WORKER)] == [
            (run.id, RunState.STARTING)
        ]


def test_canceled_and_deleted_runs_leave_the_queue(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        first, second, third = (make_run(connection, space, lane) for _ in range(3))
        runs.advance(connection, first.id, RunEvent.CANCEL_REQUESTED, now=NOW, actor="u")
        runs.remove(connection, second.id)
        assert hints(connection, lane) == (1, 0, third.place)
        claimed = take(connection)
        assert claimed
        assert claimed.id == third.id
        # A claimed run that is removed with all its lane's rows frees its slot too.
        runs.remove(connection, third.id)
        assert hints(connection, lane) == (0, 0, None)


def test_pages_go_from_the_newest_to_the_oldest_without_hidden_runs(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        made = [make_run(connection, space, lane) for _ in range(5)]
        runs.hide(connection, made[3].id, NOW)
        first = run_pages.page(connection, space, limit=2, count=True)
        assert ([run.id for run in first.items], first.total) == ([made[4].id, made[2].id], 4)
        second = run_pages.page(connection, space, limit=2, start=first.next)
        assert ([run.id for run in second.items], second.next) == ([made[1].id, made[0].id], None)
        queued = run_pages.page(connection, space, limit=9, states=[RunState.COMPLETED])
        assert list(queued.items) == []
