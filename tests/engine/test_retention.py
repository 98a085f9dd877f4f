"""Retention: what goes, what stays, and that nothing goes by halves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from gristmill.domain.errors import NotFound
from gristmill.domain.event import Event, EventKind
from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.engine.janitor import Janitor
from gristmill.service import assets as asset_service
from gristmill.service import claims, jobs, retention, spaces
from gristmill.service import runs as run_service
from gristmill.service.context import Context, Keeping
from gristmill.service.jobs import NewJob
from gristmill.store import assets, events, run_contents, runs
from gristmill.store import jobs as job_store
from gristmill.store import retention as store
from gristmill.store.database import Connection, Database
from tests.engine.conftest import LEASE, Works
from tests.make_past import make_past_job
from tests.make_queue import make_lane, make_spec, new_id
from tests.make_work import open_shop

DAY = timedelta(days=1)


def make_job(works: Works, policy: dict[str, Any] | None = None) -> str:
    with works.shop.context.database.transaction() as connection:
        job_id = make_lane(connection, works.shop.space_id)
        job_store.change(connection, job_id, works.clock.now, {"retention": policy})
    return job_id


def set_policy(works: Works, job_id: str, policy: dict[str, Any]) -> None:
    with works.shop.context.database.transaction() as connection:
        job_store.change(connection, job_id, works.clock.now, {"retention": policy})


def end_runs(
    works: Works, job_id: str, ends: Sequence[datetime], *, retention_days: int | None = None, logs: bool = True
) -> list[str]:
    """Make runs that ended at these times, each with a log of its own, and one piece of content that all share."""
    context = works.shop.context
    shared = context.content.put([b"model"]).key
    made = []
    with context.database.transaction() as connection:
        for at in ends:
            run = queue_run(connection, works, job_id, at, retention_days=retention_days)
            own = [context.content.put([b"log"]).key] if logs else []
            run_contents.hold(connection, run.id, [*own, shared])
            runs.advance(connection, run.id, RunEvent.CANCEL_REQUESTED, now=at, actor="test")
            made.append(run.id)
    return made


_COPY = text(
    "INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, requester_id, "
    "created_at, modified_at, finished_at, spec) SELECT :id, :other, space_id, job_id, lane_id, name, kind, state, "
    "requester_id, created_at, modified_at, finished_at, spec FROM runs WHERE id = :template"
)


def end_many(works: Works, job_id: str, number: int) -> list[str]:
    """Make many runs that ended at the same moment, without content; return them in their order."""
    (template,) = end_runs(works, job_id, ago(works, 1), logs=False)
    made = [new_id() for _ in range(number - 1)]
    with works.shop.context.database.transaction() as connection:
        connection.execute(_COPY, [{"id": one, "other": new_id(), "template": template} for one in made])
    return [template, *made]


def queue_run(
    connection: Connection, works: Works, job_id: str, at: datetime, *, retention_days: int | None = None
) -> Run:
    run = Run(
        id=new_id(),
        deployment_job_id=new_id(),
        job_id=job_id,
        space_id=works.shop.space_id,
        lane_id=job_id,
        place=0,
        name="r",
        kind="model",
        state=RunState.QUEUED,
        requester_id="u",
        created_at=at,
        modified_at=at,
        retention_days=retention_days,
    )
    return runs.create(connection, run, make_spec())


def ago(works: Works, *days: float) -> list[datetime]:
    return [works.clock.now - timedelta(days=number) for number in days]


def left(context: Context) -> set[str]:
    with context.database.snapshot() as connection:
        return set(connection.exec_driver_sql("SELECT id FROM runs").scalars())


def count(database: Database, table: str) -> int:
    with database.snapshot() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())


def files(context: Context) -> int:
    return sum(1 for path in (context.data_dir / "content").rglob("*") if path.is_file())


def clean(works: Works, janitor: Janitor | None = None) -> None:
    """Let the janitor work until nothing is left to do, and the bytes go too."""
    janitor = janitor or works.janitor
    while janitor.step():
        pass
    works.clock.advance(minutes=2)
    while janitor.step():
        pass


def pin(works: Works, run_id: str) -> None:
    with works.shop.context.database.transaction() as connection:
        runs.pin(connection, run_id, pinned=True)


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


class Crash(Exception):
    """Stands for the death of the process between two statements."""


@contextmanager
def crash_at(database: Database, number: int) -> Iterator[None]:
    """Fail at the n-th statement that changes something, or at the n-th commit."""
    seen = 0

    def look(statement: str) -> None:
        nonlocal seen
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE", "COMMIT")):
            seen += 1
            if seen == number:
                raise Crash

    def execute(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        look(statement)

    def commit(_c: Any) -> None:
        look("COMMIT")

    event.listen(database.engine, "before_cursor_execute", execute)
    event.listen(database.engine, "commit", commit)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", execute)
        event.remove(database.engine, "commit", commit)


def test_a_crash_at_any_statement_leaves_no_run_by_halves_and_no_file_behind(works: Works) -> None:
    context = works.shop.context
    before = files(context)
    for number in range(1, 40):
        job_id = make_job(works, {"amount": 1})
        end_runs(works, job_id, ago(works, 3, 2, 1))
        end_runs(works, job_id, ago(works, 3), retention_days=1)
        crashed = False
        try:
            with crash_at(context.database, number):
                clean(works, Janitor(context))
        except Crash:
            crashed = True
        runs_left, kept = len(left(context)), count(context.database, "run_contents")
        assert kept == 2 * runs_left
        assert count(context.database, "run_history") == 2 * runs_left
        clean(works, Janitor(context))
        assert len(left(context)) == number
        if not crashed:
            break
    assert number > 6
    # Each job's last run has its log, and the content that its runs shared.
    assert files(context) - before == 2 * number
    assert count(context.database, "discarded_contents") == 0


def test_several_janitors_at_once_remove_each_run_once(works: Works) -> None:
    context = works.shop.context
    made = [end_many(works, make_job(works, {"amount": 5}), 300) for _ in range(3)]
    with ThreadPoolExecutor(4) as pool:
        gone = list(pool.map(lambda _: sum(one.runs for one in Janitor(context).rounds()), range(4)))
    assert sum(gone) == 3 * 295
    assert left(context) == {run_id for of_job in made for run_id in of_job[-5:]}


def test_s3_a_deleted_job_with_thousands_of_runs_goes(works: Works) -> None:
    shop = works.shop
    context = shop.context
    job = jobs.create(context, shop.actor, NewJob(space_id=shop.space_id, name="j", asset_ref=shop.script()))
    before = files(context)
    end_runs(works, job.id, ago(works, *[1] * 50))
    end_many(works, job.id, 2_000)
    with context.database.transaction() as connection:
        for _ in range(60):
            queue_run(connection, works, job.id, works.clock.now)
    jobs.delete(context, shop.actor, [job.id])
    clean(works)
    assert left(context) == set()
    assert count(context.database, "lanes") == 0
    assert files(context) == before


def test_s2_runs_and_files_reach_a_plateau(works: Works) -> None:
    """Days of four jobs with six runs a day each: after the longest policy nothing grows any more."""
    context = works.shop.context
    policies: list[dict[str, Any] | None] = [{"amount": 20}, {"days": 3}, {"days": 7, "results": "delete"}, None]
    job_ids = [make_job(works, policy) for policy in policies]
    context = replace(context, keeping=Keeping(run_days=5, event_days=5))
    janitor = Janitor(context)
    sizes = []
    for day in range(20):
        for job_id in job_ids:
            end_runs(works, job_id, [works.clock.now + timedelta(hours=hour) for hour in range(1, 24, 4)])
        with context.database.transaction() as connection:
            said = Event(subject=f"s/{day}", kind=EventKind.FAILED, space_id=works.shop.space_id, at=works.clock.now)
            events.record(connection, [said])
        works.clock.advance(days=1)
        clean(works, janitor)
        sizes.append((len(left(context)), files(context), count(context.database, "events")))
    assert sizes[0] < sizes[4] < sizes[7]
    assert len(set(sizes[10:])) == 1
    assert sizes[-1][0] == 20 + 6 * 3 + 6 * 7 + 6 * 5


def test_a_planted_orphan_goes_a_day_after_it_was_found_and_what_is_needed_or_young_stays(works: Works) -> None:
    context = works.shop.context
    (run_id,) = end_runs(works, make_job(works, {"amount": 1}), ago(works, 1))
    with context.database.snapshot() as connection:
        held = run_contents.held(connection, run_id)
    old, young = context.content.put([b"old"]).key, context.content.put([b"young"]).key
    for key in (old, *held):
        os.utime(path_of(context, key), (0, 0))
    clean(works)
    assert context.content.size(old) == 3, "there is a day to notice that the database is the wrong one"
    works.clock.advance(days=1)
    clean(works)
    assert context.content.size(old) == 0
    assert [context.content.size(key) for key in (young, *held)] == [5, *[context.content.size(key) for key in held]]
    assert all(context.content.size(key) for key in held)


def finish(works: Works, *, into: str | None = None) -> tuple[str, str]:
    """Let a run make a data asset, or overwrite ``into``; return the run and the asset."""
    shop = works.shop
    location = {"href": f"/v2/assets/{into}"} if into else {"name": f"out-{new_id()}.csv"}
    reference = {"type": "data_asset", "location": location}
    inputs = [{"type": "data_asset", "location": {"id": shop.data_asset("in.csv", b"a,b\n1,2\n")}}]
    shop.submit(shop.deploy(), input_references=inputs, output_reference=reference)
    assignment = claims.take(shop.context, "w", lease=LEASE)
    assert assignment
    claims.started(shop.context, assignment)
    stored = shop.context.content.put([b"a\n1\n"])
    publication = claims.Publication(name="out.csv", description="", mime="text/csv", stored=stored)
    claims.finish(shop.context, assignment, claims.Outcome(event=RunEvent.SUCCEEDED, publication=publication))
    with shop.context.database.snapshot() as connection:
        result = runs.result(connection, assignment.run.id)
    assert result
    assert result.output_asset_id
    return assignment.run.id, result.output_asset_id


def pass_on(works: Works, run_ids: Sequence[str], *, results: str) -> None:
    """Give the jobs of these runs a policy of a day, and let two pass."""
    with works.shop.context.database.transaction() as connection:
        for run in runs.these(connection, run_ids):
            job_store.change(connection, run.job_id, works.clock.now, {"retention": {"days": 1, "results": results}})
    works.clock.advance(days=2)


def has_asset(works: Works, asset_id: str) -> bool:
    with works.shop.context.database.snapshot() as connection:
        return assets.get(connection, asset_id) is not None


@pytest.mark.parametrize("results", ["keep", "delete"])
def test_the_asset_that_a_run_made_goes_with_it_only_where_the_policy_says_so(works: Works, results: str) -> None:
    context = works.shop.context
    run_id, asset_id = finish(works)
    before = files(context)
    pass_on(works, [run_id], results=results)
    clean(works)
    assert left(context) == set()
    assert has_asset(works, asset_id) == (results == "keep")
    assert files(context) == before - (1 if results == "delete" else 0)


def test_a_result_that_is_no_longer_the_runs_alone_stays(works: Works) -> None:
    shop, context = works.shop, works.shop.context
    _, overwritten = finish(works)
    assert finish(works, into=overwritten)[1] == overwritten
    by_hand = shop.data_asset("mine.csv", b"x\n")
    assert finish(works, into=by_hand)[1] == by_hand
    _, frozen = finish(works)
    asset_service.freeze(context, shop.actor, shop.space_id, frozen)
    _, needed = finish(works)
    _, plain = finish(works)
    pass_on(works, sorted(left(context)), results="delete")
    live = shop.submit(
        shop.deploy(),
        input_references=[{"type": "data_asset", "location": {"id": needed}}],
        output_reference={"type": "data_asset", "location": {"name": "x.csv"}},
    ).run
    clean(works)
    assert left(context) == {live.id}
    kept = [has_asset(works, asset_id) for asset_id in (overwritten, by_hand, frozen, needed, plain)]
    assert kept == [True, True, True, True, False]


def test_a_preview_tells_what_then_goes(works: Works) -> None:
    shop, context = works.shop, works.shop.context
    job_id = make_job(works, {"amount": 3})
    made = end_runs(works, job_id, ago(works, 9, 8, 7, 2, 1))
    own = end_runs(works, job_id, ago(works, 20), retention_days=1)
    pin(works, made[0])
    found = retention.preview(context, shop.actor, job_id)
    assert (found.totals.runs, found.source, found.exact) == (2, "job", True)
    assert (found.totals.oldest, found.totals.newest) == (works.clock.now - 20 * DAY, works.clock.now - 8 * DAY)
    # Two logs of three bytes, and what only the run with its own days held.
    assert found.size == 3 + 3 + 5
    tried = retention.preview(context, shop.actor, job_id, policy={"days": 5})
    assert (tried.totals.runs, tried.source) == (3, "request")
    assert [(one.job_id, one.runs) for one in retention.would_go(context)] == [(job_id, 2)]
    assert len(left(context)) == 6, "a preview changes nothing"
    clean(works)
    assert left(context) == {made[0], *made[2:]}
    assert own[0] not in left(context)
    assert retention.preview(context, shop.actor, job_id).totals.runs == 0


def test_a_preview_counts_the_results_that_go_too(works: Works) -> None:
    run_id, _ = finish(works)
    pass_on(works, [run_id], results="delete")
    with works.shop.context.database.snapshot() as connection:
        run = runs.get(connection, run_id)
    assert run
    found = retention.preview(works.shop.context, works.shop.actor, run.job_id)
    assert (found.totals.runs, found.results) == (1, 1)


def test_an_orphan_that_is_taken_into_use_before_it_goes_stays(works: Works) -> None:
    context = works.shop.context
    (run_id,) = end_runs(works, make_job(works), ago(works, 1))
    key = context.content.put([b"late"]).key
    os.utime(path_of(context, key), (0, 0))
    clean(works)
    with context.database.transaction() as connection:
        run_contents.hold(connection, run_id, [key])
    works.clock.advance(days=2)
    clean(works)
    assert context.content.size(key) == 4


def path_of(context: Context, key: str) -> Path:
    return context.data_dir / "content" / key[:2] / key[2:4] / key


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
    old = past.ended("completed", seconds=1, at=context.now() - timedelta(days=9))
    spaces.change(context, past.shop.actor, past.shop.space_id, {"retention": {"days": 7}})
    effect = retention.preview_space(context, past.shop.actor, past.shop.space_id)
    assert (effect.runs, effect.source) == (1, "space")
    _, went = retention.visit(context, after="", at_most=100)
    assert [one.runs for one in went] == [1]
    with context.database.snapshot() as connection:
        assert runs.get(connection, old) is None
