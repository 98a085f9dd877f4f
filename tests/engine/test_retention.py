"""Retention: what goes, what stays, and that nothing goes by halves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gristmill.domain.errors import NotFound
from gristmill.domain.event import Event, EventKind
from gristmill.domain.run import RunEvent
from gristmill.engine.janitor import Janitor
from gristmill.service import claims, retention, spaces
from gristmill.service import runs as run_service
from gristmill.service.context import Context, Keeping
from gristmill.store import events, runs
from gristmill.store import retention as store
from tests.engine.conftest import LEASE, Works
from tests.engine.ended_runs import (
    DAY,
    ago,
    clean,
    count,
    end_many,
    end_runs,
    files,
    left,
    make_job,
    pin,
    queue_run,
    set_policy,
)
from tests.make_past import make_past_job
from tests.make_work import open_shop


def test_the_newest_runs_stay_and_of_the_others_nothing_is_left(works: Works) -> None:
    job_id = make_job(works, {"amount": 2})
    made = end_runs(works, job_id, ago(works, 5, 1, 4, 2, 3))
    before = files(works.shop.context)
    clean(works)
    assert left(works.shop.context) == {made[1], made[3]}
    database = works.shop.context.database
    assert (count(database, "run_history"), count(database, "run_contents")) == (4, 4)
    assert count(database, "discarded_contents") == 0
    # The three logs; what all runs share is still needed.
    assert files(works.shop.context) == before - 3


def test_runs_that_ended_at_the_same_moment_go_in_the_order_in_which_they_were_queued(works: Works) -> None:
    job_id = make_job(works, {"amount": 2})
    made = end_runs(works, job_id, ago(works, 1, 1, 1, 1))
    clean(works)
    assert left(works.shop.context) == set(made[2:])


def test_runs_go_when_their_end_is_older_than_the_days(works: Works) -> None:
    job_id = make_job(works, {"days": 3})
    made = end_runs(works, job_id, ago(works, 3.1, 2.9, 10))
    clean(works)
    assert left(works.shop.context) == {made[1]}


@pytest.mark.parametrize(("days", "kept"), [(30, {1}), (-1, {0, 1})])
def test_a_job_without_a_policy_has_the_installations(works: Works, days: int, kept: set[int]) -> None:
    made = end_runs(works, make_job(works), ago(works, 31, 29))
    context = replace(works.shop.context, keeping=Keeping(run_days=days))
    clean(works, Janitor(context))
    assert left(context) == {made[number] for number in kept}


def test_a_runs_own_days_win_over_the_jobs_policy_and_over_the_installations(works: Works) -> None:
    job_id = make_job(works, {"amount": 1})
    short = end_runs(works, job_id, ago(works, 2), retention_days=1)
    long = end_runs(works, job_id, ago(works, 50, 40), retention_days=45)
    ever = end_runs(works, job_id, ago(works, 400), retention_days=-1)
    own = end_runs(works, job_id, ago(works, 1, 2))
    clean(works)
    # Those with days of their own take no one's place among the newest.
    assert left(works.shop.context) == {long[1], *ever, own[0]}
    assert short[0] not in left(works.shop.context)
    works.clock.advance(days=10)
    clean(works)
    assert left(works.shop.context) == {*ever, own[0]}


def test_a_run_that_ends_by_its_worker_knows_when_it_goes(works: Works) -> None:
    shop = works.shop
    submitted = shop.submit(shop.deploy(), retention_days=2).run
    assignment = claims.take(shop.context, "w", lease=LEASE)
    assert assignment
    claims.started(shop.context, assignment)
    works.clock.advance(hours=1)
    claims.finish(shop.context, assignment, claims.Outcome(event=RunEvent.SUCCEEDED))
    with shop.context.database.snapshot() as connection:
        run = runs.get(connection, submitted.id)
    assert run
    assert run.expires_at == works.clock.now + 2 * DAY
    works.clock.advance(days=2)
    clean(works)
    assert left(shop.context) == set()


@pytest.mark.parametrize("policy", [{"amount": 1}, {"days": 1}, None])
def test_pinned_and_live_runs_never_go(works: Works, policy: dict[str, Any] | None) -> None:
    job_id = make_job(works, policy)
    made = end_runs(works, job_id, ago(works, 90, 80, 70))
    own = end_runs(works, job_id, ago(works, 90), retention_days=1)
    pin(works, made[0])
    pin(works, own[0])
    with works.shop.context.database.transaction() as connection:
        live = queue_run(connection, works, job_id, works.clock.now - 99 * DAY, retention_days=1).id
        older = queue_run(connection, works, job_id, works.clock.now - 99 * DAY).id
    clean(works)
    newest = {made[2]} if policy == {"amount": 1} else set()
    assert left(works.shop.context) == {made[0], own[0], live, older} | newest


def test_a_pinned_run_that_a_person_deletes_goes(works: Works) -> None:
    shop = works.shop
    (run_id,) = end_runs(works, job_id := make_job(works), ago(works, 1))
    retention.pin(shop.context, shop.actor, job_id, run_id, pinned=True)
    with pytest.raises(NotFound):
        retention.pin(shop.context, shop.actor, make_job(works), run_id, pinned=False)
    run_service.delete_of_job(shop.context, shop.actor, job_id, run_id)
    assert left(shop.context) == set()


def test_every_job_has_its_turn_whatever_the_others_have_left(works: Works) -> None:
    small = [make_job(works, {"amount": 1}) for _ in range(210)]
    made = [end_runs(works, job_id, ago(works, 2, 1), logs=False) for job_id in small]
    context = works.shop.context
    mark, went = retention.visit(context, after="", at_most=3)
    assert [one.runs for one in went] == [1, 1, 1]
    mark, went = retention.visit(context, after=mark, at_most=10_000)
    assert len(went) == 200
    assert mark
    mark, went = retention.visit(context, after=mark, at_most=10_000)
    assert (mark, len(went)) == ("", 7)
    assert left(context) == {runs_of_job[1] for runs_of_job in made}


def test_a_changed_policy_counts_at_once(works: Works) -> None:
    job_id = make_job(works, {"amount": 1})
    made = end_many(works, job_id, 600)
    context = works.shop.context
    with context.database.snapshot() as connection:
        (seen,) = store.visit(connection, after="", limit=9)
    set_policy(works, job_id, {"amount": 500})
    assert retention._apply(context, seen, at_most=10_000).runs == 0, "what was seen before the change does not count"
    clean(works)
    assert left(context) == set(made[100:])


def test_a_job_of_which_much_is_to_go_does_not_keep_the_others_waiting(works: Works) -> None:
    big, *small = sorted(make_job(works, {"amount": 1}) for _ in range(3))
    end_many(works, big, 2_600)
    made = [end_runs(works, job_id, ago(works, 2, 1), logs=False) for job_id in small]
    assert works.janitor.step() == 2_000
    assert works.janitor.step() == 599 + 2
    assert left(works.shop.context).issuperset(of_job[1] for of_job in made)
    assert works.janitor.step() == 0


@pytest.mark.parametrize(("days", "kept"), [(90, ["young"]), (-1, ["old", "young"])])
def test_events_go_after_their_days(works: Works, days: int, kept: list[str]) -> None:
    context = replace(works.shop.context, keeping=Keeping(event_days=days))
    with context.database.transaction() as connection:
        for subject, age in (("old", 91), ("young", 89)):
            said = Event(
                subject=subject, kind=EventKind.FAILED, space_id=works.shop.space_id, at=works.clock.now - age * DAY
            )
            events.record(connection, [said])
    clean(works, Janitor(context))
    with context.database.snapshot() as connection:
        assert list(connection.exec_driver_sql("SELECT subject FROM events ORDER BY at").scalars()) == kept


def test_a_job_without_a_policy_goes_by_that_of_its_space(context: Context) -> None:
    past = make_past_job(open_shop(context), "nightly")
    old = past.ended("completed", seconds=1, at=context.now() - 9 * DAY)
    spaces.change(context, past.shop.actor, past.shop.space_id, {"retention": {"days": 7}})
    effect = retention.preview_space(context, past.shop.actor, past.shop.space_id)
    assert (effect.runs, effect.source) == (1, "space")
    _, went = retention.visit(context, after="", at_most=100)
    assert [one.runs for one in went] == [1]
    with context.database.snapshot() as connection:
        assert runs.get(connection, old) is None
