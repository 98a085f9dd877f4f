"""Room on a worker: nothing is claimed that does not fit, lanes keep their order, and large runs do not starve."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text
from tests.make_queue import NOW, claimed, make_lane, make_run, make_space, make_spec, new_id

from gristmill.domain.capacity import Capacity
from gristmill.domain.run import Run, RunEvent
from gristmill.domain.waiting import waiting
from gristmill.store import claims, runs, workers
from gristmill.store import waiting as waiting_store
from gristmill.store.claims import Room
from gristmill.store.database import Connection, Database

GIB = 1024**3
WORKER = new_id()
OFFERED = Capacity.of(cpus=4, memory_bytes=16 * GIB)


def queued(connection: Connection, space: str, lane: str, *, cpus: float, gib: int, minutes_ago: int = 0) -> Run:
    template = make_run(connection, space, lane)
    runs.advance(connection, template.id, RunEvent.CANCEL_REQUESTED, now=NOW, actor="u")
    created = NOW - timedelta(minutes=minutes_ago)
    run = replace(template, id=new_id(), deployment_job_id=new_id(), created_at=created)
    spec = replace(make_spec(), cpus=cpus, memory_limit_bytes=gib * GIB)
    return runs.create(connection, run, spec, contents=())


def taken(connection: Connection, *reserved: Capacity) -> str | None:
    room = Room(offered=OFFERED, left=OFFERED.without(reserved))
    run = claimed(connection, WORKER, room=room)
    return run.id if run else None


def small(number: int = 1) -> list[Capacity]:
    return [Capacity.of(cpus=2, memory_bytes=8 * GIB)] * number


def test_what_does_not_fit_waits_and_what_is_younger_and_fits_goes_on(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        one, other = make_lane(connection, space, max_running=5), make_lane(connection, space, max_running=5)
        large = queued(connection, space, one, cpus=4, gib=8)
        behind = queued(connection, space, one, cpus=1, gib=1)
        tiny = queued(connection, space, other, cpus=2, gib=8)
        assert taken(connection, *small()) == tiny.id
        # Its lane keeps its order: the small one behind the large one is not next.
        assert taken(connection, *small()) is None
        assert taken(connection, *small(2)) is None
        assert taken(connection) == large.id
        assert taken(connection) == behind.id


def test_q7_memory_and_processors_are_both_held(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space, max_running=5)
        queued(connection, space, lane, cpus=0.5, gib=12)
        assert taken(connection, *small()) is None
        assert taken(connection, Capacity.of(cpus=4, memory_bytes=0)) is None
        assert taken(connection, Capacity.of(cpus=3.5, memory_bytes=4 * GIB)) is not None


def test_a_large_run_that_waited_long_is_given_room(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        large = queued(connection, space, make_lane(connection, space), cpus=4, gib=16, minutes_ago=1)
        never = queued(connection, space, make_lane(connection, space), cpus=64, gib=1, minutes_ago=9)
        last = queued(connection, space, make_lane(connection, space), cpus=1, gib=1)
        # The worker takes nothing younger while the large one could be next, however often it asks.
        assert taken(connection, *small()) is None
        assert taken(connection) == large.id
        # What fits no worker gets all of this one, when that is idle.
        assert taken(connection, *small()) is None
        assert taken(connection) == never.id
        assert taken(connection, *small()) == last.id


def test_what_fits_a_larger_worker_waits_for_that_one(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        run = queued(connection, space, make_lane(connection, space), cpus=8, gib=16, minutes_ago=5)
        large = Capacity.of(cpus=8, memory_bytes=32 * GIB)
        workers.create(connection, WORKER, host="h", pid=1, slots=4, offers=OFFERED, now=NOW)
        workers.create(connection, "large", host="h", pid=1, slots=4, offers=large, now=NOW)
        assert taken(connection) is None
        workers.remove(connection, "large")
        assert taken(connection, *small()) is None
        assert taken(connection) == run.id


def test_what_a_worker_offers_may_change(database: Database) -> None:
    with database.transaction() as connection:
        workers.create(connection, WORKER, host="h", pid=1, slots=4, offers=OFFERED, now=NOW)
        larger = Capacity.of(cpus=64, memory_bytes=512 * GIB)
        workers.seen(connection, WORKER, NOW, offers=larger)
        workers.seen(connection, WORKER, NOW)
        (load,) = workers.loads(connection, now=NOW, limit=9)
        assert (load.millicores, load.memory_bytes) == (larger.millicores, larger.memory_bytes)


def test_the_heads_needs_are_kept_and_set_right(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        first, second = (queued(connection, space, lane, cpus=cpus, gib=cpus) for cpus in (1, 2))
        assert _head(connection, lane) == (first.place, 1000, GIB)
        assert taken(connection) == first.id
        assert _head(connection, lane) == (second.place, 2000, 2 * GIB)
        claimed = runs.get(connection, first.id)
        assert claimed
        runs.advance(connection, first.id, RunEvent.RETURNED, now=NOW, actor=WORKER, fence=claimed.fence)
        assert _head(connection, lane) == (first.place, 1000, GIB)
        connection.execute(text("UPDATE lanes SET head_millicores = 9, head_memory_bytes = NULL"))
        assert claims.repair(connection, [lane]) == 1
        assert _head(connection, lane) == (first.place, 1000, GIB)
        runs.remove(connection, first.id)
        runs.remove(connection, second.id)
        assert _head(connection, lane) == (None, None, None)


def test_a_hint_that_promises_too_much_does_not_over_commit(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        queued(connection, space, lane, cpus=4, gib=16)
        connection.execute(text("UPDATE lanes SET head_millicores = 1, head_memory_bytes = 1"))
        assert taken(connection, *small()) is None
        assert _head(connection, lane)[1:] == (4000, 16 * GIB)


def test_a_run_that_fits_no_worker_says_so(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        run = queued(connection, space, make_lane(connection, space), cpus=16, gib=64)
        for cpus, gib in ((2, 23), (8, 4)):
            offers = Capacity.of(cpus=cpus, memory_bytes=gib * GIB)
            workers.create(connection, new_id(), host="h", pid=1, slots=4, offers=offers, now=NOW)
        lane = waiting_store.lane_of(connection, run, workers_seen_since=NOW - timedelta(seconds=60))
        found = waiting(lane, ahead=0, now=NOW)
        offered = "It needs 16 CPU and 64 GiB; the largest worker offers 2 CPU and 23 GiB."
        assert found.reason == f"{offered} It gets all that a worker has as soon as one is idle."
        assert found.estimated_start is None
        large = Capacity.of(cpus=16, memory_bytes=64 * GIB)
        workers.create(connection, new_id(), host="h", pid=1, slots=4, offers=large, now=NOW)
        lane = waiting_store.lane_of(connection, run, workers_seen_since=NOW - timedelta(seconds=60))
        assert waiting(lane, ahead=0, now=NOW).reason.endswith("free slot and room for 16 CPU and 64 GiB.")


def _head(connection: Connection, lane: str) -> tuple[object, ...]:
    query = text("SELECT head, head_millicores, head_memory_bytes FROM lanes WHERE id = :id")
    return tuple(connection.execute(query, {"id": lane}).one())


def labelled(connection: Connection, space: str, lane: str, *labels: str) -> Run:
    template = make_run(connection, space, lane)
    runs.advance(connection, template.id, RunEvent.CANCEL_REQUESTED, now=NOW, actor="u")
    run = replace(template, id=new_id(), deployment_job_id=new_id())
    return runs.create(connection, run, replace(make_spec(), hardware={"labels": list(labels)}), contents=())


def taken_by(connection: Connection, *labels: str) -> str | None:
    room = Room(offered=OFFERED, left=OFFERED, labels=frozenset(labels))
    run = claimed(connection, WORKER, room=room)
    return run.id if run else None


def test_a_run_is_taken_only_by_a_worker_that_has_every_label_it_asks_for(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane, other = make_lane(connection, space, max_running=5), make_lane(connection, space, max_running=5)
        both = labelled(connection, space, lane, "gpu", "eu")
        behind = labelled(connection, space, lane, "gpu")
        free = labelled(connection, space, other)
        assert taken_by(connection) == free.id
        for labels in ((), ("gpu",), ("eu",), ("gp", "eu"), ("gpu2", "eu"), ("eu-gpu",), ("eugpu", "gpu")):
            assert taken_by(connection, *labels) is None
        assert taken_by(connection, "large", "gpu", "eu", "fast") == both.id
        assert taken_by(connection, "gpu") == behind.id


def test_the_rescuer_repairs_a_wrong_hint_of_labels(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        run = labelled(connection, space, lane, "gpu")
        connection.execute(text("UPDATE lanes SET head_labels = ''"))
        # The hint finds it, the run itself says no; that sets the hint right.
        assert taken_by(connection) is None
        assert claims.repair(connection, [lane]) == 0
        connection.execute(text("UPDATE lanes SET head_labels = 'other'"))
        assert claims.repair(connection, [lane]) == 1
        assert taken_by(connection, "gpu") == run.id


def worker(connection: Connection, *labels: str) -> None:
    workers.create(connection, new_id(), host="h", pid=1, slots=1, offers=OFFERED, now=NOW, labels=labels)


def test_a_run_says_that_no_worker_has_its_labels(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        run = labelled(connection, space, make_lane(connection, space), "gpu", "eu")
        for labels in ((), ("gpu",)):
            worker(connection, *labels)
        lane = waiting_store.lane_of(connection, run, workers_seen_since=NOW)
        said = waiting(lane, ahead=0, now=NOW)
        assert "the labels eu,gpu; none is up" in said.reason
        assert said.estimated_start is None
        worker(connection, "eu", "gpu", "more")
        lane = waiting_store.lane_of(connection, run, workers_seen_since=NOW)
        assert waiting(lane, ahead=0, now=NOW).reason.startswith("It is next")


def test_a_large_run_gets_all_of_a_worker_with_its_labels_though_others_are_larger(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        template = make_run(connection, space, make_lane(connection, space))
        runs.advance(connection, template.id, RunEvent.CANCEL_REQUESTED, now=NOW, actor="u")
        spec = replace(make_spec(), cpus=8, memory_limit_bytes=GIB, hardware={"labels": ["gpu"]})
        run = runs.create(connection, replace(template, id=new_id(), deployment_job_id=new_id()), spec, contents=())
        huge = Capacity.of(cpus=64, memory_bytes=256 * GIB)
        workers.create(connection, new_id(), host="h", pid=1, slots=1, offers=huge, now=NOW)
        workers.create(connection, new_id(), host="h", pid=2, slots=1, offers=OFFERED, now=NOW, labels=["gpu"])
        assert taken_by(connection, "gpu") == run.id
