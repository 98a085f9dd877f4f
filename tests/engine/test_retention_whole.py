"""Nothing goes by halves, however many janitors there are, and no file stays behind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event

from gristmill.domain.event import Event, EventKind
from gristmill.engine.janitor import Janitor
from gristmill.service import jobs
from gristmill.service.context import Context, Keeping
from gristmill.service.jobs import NewJob
from gristmill.store import events, run_contents
from gristmill.store.database import Database
from tests.engine.conftest import Works
from tests.engine.ended_runs import (
    ago,
    clean,
    count,
    end_many,
    end_runs,
    files,
    left,
    make_job,
    queue_run,
)


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
