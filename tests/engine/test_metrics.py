"""Metrics: what is committed is counted once, and the installation's figures are those of the database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gristmill.domain.run import Cause, Run, RunEvent, RunState
from gristmill.engine.scheduler import Scheduler
from gristmill.service import claims, jobs, metrics
from gristmill.service.context import Context
from gristmill.service.jobs import NewJob
from gristmill.service.metrics import Kept
from gristmill.store import runs
from gristmill.store.database import Database
from gristmill.telemetry.metrics import CLAIMS, METRICS, Figure
from gristmill_runner import protocol
from tests.engine.conftest import LEASE, Works
from tests.engine.test_scheduler import every_hour
from tests.make import eventually
from tests.make_queue import make_lane, make_run, make_space
from tests.make_work import COMPLETED
from tests.people import admin

_HALF = protocol.Rows(read=100, scored=90, rejected=10, not_attempted=0, resumed=40)


class Told:
    """What an answer to Prometheus says."""

    def __init__(self, context: Context) -> None:
        text = metrics.exposed(context, admin(context), None)[0].decode()
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self._samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in self.families.values()
            for sample in family.samples
        }

    def series(self) -> set[tuple[str, frozenset[tuple[str, str]]]]:
        """Return what there is, without the values."""
        return set(self._samples)

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float | None:
        """Return the value of one series, None where it is not there."""
        return self._samples.get((f"gristmill_{name}", frozenset((labels or {}).items())))


def test_every_metric_that_the_list_has_is_told_and_no_other(works: Works) -> None:
    _do_a_run(works)
    told = Told(works.shop.context)
    known = {metric.name: metric for metric in METRICS}
    ours = {name: family for name, family in told.families.items() if name.startswith("gristmill_")}
    # When a counter began, told by the library beside each.
    ours = {name: family for name, family in ours.items() if not name.endswith("_created")}
    assert set(ours) <= set(known)
    # A series with labels comes with the first that happens; what belongs to a beat comes with that.
    late = {metric.name for metric in METRICS if metric.labels} | {"gristmill_scheduler_silence_seconds"}
    assert set(known) - set(ours) <= late
    for name, family in ours.items():
        assert family.type == known[name].kind
        assert family.documentation == known[name].help


def test_a_run_is_counted_from_the_queue_to_its_rows(works: Works) -> None:
    context = works.shop.context
    deployment = works.shop.deploy()
    works.shop.submit(deployment)
    works.clock.advance(seconds=7)
    waiting = Told(context)
    assert waiting.value("queued_runs", {"lane_state": "ready"}) == 1
    assert waiting.value("lanes", {"state": "ready"}) == 1
    assert waiting.value("oldest_queued_seconds", {"lane_state": "ready"}) == 7
    assert waiting.value("run_wait_seconds_count") == 0
    assert waiting.value("runs", {"state": "queued"}) == 1

    works.launcher.script = lambda _directory: {**COMPLETED, "rows": _HALF, "outcome": "completed"}
    worker = works.new_worker()
    assert worker.step() == 1
    working = Told(context)
    assert working.value("claims") == 1
    assert working.value("lanes", {"state": "working"}) == 1
    works.launcher.gate.set()
    works.until_idle(worker)
    ended = Told(context)
    assert ended.value("claims") == 0
    assert ended.value("run_wait_seconds_sum") == 7
    assert ended.value("run_start_seconds_count") == 1
    # Ten of a hundred rows were rejected, and the threshold is 0.
    assert ended.value("runs_ended_total", {"kind": "model", "outcome": "failed"}) == 1
    assert ended.value("run_duration_seconds_count", {"kind": "model", "outcome": "failed"}) == 1
    assert [ended.value("rows_total", {"outcome": each}) for each in ("scored", "rejected", "not_attempted")] == [
        90,
        10,
        0,
    ]
    assert ended.value("rows_resumed_total") == 40
    assert ended.value("runs", {"state": "failed"}) == 1


def test_full_and_paused_lanes_are_told_apart(works: Works) -> None:
    deployment = works.shop.deploy()
    for _ in range(3):
        works.shop.submit(deployment)
    worker = works.new_worker()
    assert worker.step() == 2
    assert Told(works.shop.context).value("queued_runs", {"lane_state": "full"}) == 1
    works.launcher.gate.set()
    works.until_idle(worker)


def test_a_run_whose_worker_died_is_counted_where_it_was_rescued(works: Works) -> None:
    works.shop.submit(works.shop.deploy())
    context = works.shop.context
    assert claims.take(context, context.new_id(), lease=LEASE)
    works.clock.advance(seconds=31)
    assert Told(context).value("expired_claims") == 1
    works.rescuer.step()
    told = Told(context)
    assert told.value("attempts_lost_total", {"event": "returned"}) == 1
    assert told.value("expired_claims") == 0


def test_ticks_are_counted_by_what_became_of_them_and_how_late(works: Works) -> None:
    shop = works.shop
    new = NewJob(space_id=shop.space_id, name="hourly", asset_ref=shop.script(), schedule=every_hour())
    jobs.create(shop.context, shop.actor, new)
    works.clock.now = datetime(2026, 11, 22, 10, 0, 3, tzinfo=UTC)
    due = Told(shop.context)
    assert (due.value("ticks_due"), due.value("tick_overdue_seconds"), due.value("schedules")) == (1, 3, 1)
    Scheduler(shop.context).step()
    told = Told(shop.context)
    assert told.value("ticks_total", {"disposition": "ran"}) == 1
    assert told.value("tick_lateness_seconds_sum") == 3
    assert (told.value("ticks_due"), told.value("scheduler_silence_seconds")) == (0, 0)


def test_what_is_rolled_back_is_not_counted(works: Works) -> None:
    works.shop.submit(works.shop.deploy())
    context = works.shop.context
    taken = claims.take(context, context.new_id(), lease=LEASE)
    assert taken
    with pytest.raises(RuntimeError):
        _end_and_think_better_of_it(context, taken.run)
    outcome = claims.Outcome(event=RunEvent.ERRED, cause=Cause(code="c", message="m"))
    assert claims.finish(context, taken, outcome) is claims.Settlement.COUNTED
    assert claims.finish(context, taken, outcome) is claims.Settlement.COUNTED_BEFORE
    told = Told(context)
    assert told.value("run_failures_total", {"code": "c"}) == 1
    assert told.value("run_failures_total", {"code": "rolled_back"}) is None
    assert told.value("runs", {"state": str(RunState.FAILED)}) == 1


def test_a_database_that_is_away_is_told_and_the_rest_still_is(works: Works, tmp_path: Path) -> None:
    away = Database(f"sqlite:///{tmp_path / 'nowhere' / 'gristmill.db'}")
    context = metrics.metered(replace(works.shop.context, database=away, meters=type(works.shop.context.meters)()))
    text = context.meters.exposed(None)[0].decode()
    values = {sample.name: sample for family in text_string_to_metric_families(text) for sample in family.samples}
    assert values["gristmill_database_up"].value == 0
    assert "gristmill_claims" not in values
    assert "gristmill_data_disk_bytes" in values
    away.close()


def _end_and_think_better_of_it(context: Context, run: Run) -> None:
    with context.database.transaction() as connection:
        cause = {"cause": {"code": "rolled_back", "message": "m"}}
        runs.advance(connection, run.id, RunEvent.ERRED, now=context.now(), actor="test", changes=cause)
        raise RuntimeError


def _do_a_run(works: Works) -> None:
    works.shop.submit(works.shop.deploy())
    works.launcher.gate.set()
    worker = works.new_worker()
    assert worker.step() == 1
    works.until_idle(worker)


def test_there_are_no_more_series_for_more_lanes(works: Works) -> None:
    context = works.shop.context
    _queue_lanes(context, 1)
    before = Told(context).series()
    _queue_lanes(context, 25)
    # What took long to read is told again for a while, as on a machine that is busy.
    eventually(lambda: Told(context).value("lanes", {"state": "ready"}) == 26, within=10)
    assert Told(context).series() == before


def test_what_takes_long_to_read_is_kept_for_twenty_times_as_long() -> None:
    moments = iter((0.0, 1.0, 20.9, 21.0, 21.1, 21.1, 21.1))
    reads = count(1)
    kept = Kept(lambda: [Figure(CLAIMS, next(reads))], clock=lambda: next(moments))
    # Read in a second, kept for twenty; then in a tenth of one, and read again at once.
    assert [kept.figures()[0].value for _ in range(4)] == [1, 1, 2, 3]


def _queue_lanes(context: Context, number: int) -> None:
    with context.database.transaction() as connection:
        space_id = make_space(connection)
        for _ in range(number):
            make_run(connection, space_id, make_lane(connection, space_id))
