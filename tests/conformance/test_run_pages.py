"""Lists of runs: stable while runs come and go, by any filter, with marks that cannot be guessed wrong unnoticed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import product
from random import Random

import pytest
from sqlalchemy import text
from tests.make_queue import NOW, claimed, make_lane, make_run, make_space, new_id

from gristmill.domain.errors import Invalid
from gristmill.domain.run import Run, RunEvent, RunState
from gristmill.store import run_pages, runs
from gristmill.store.database import Connection, Database

WORKER = new_id()


def end(connection: Connection, number: int) -> None:
    """Let the next runs succeed, and every third be canceled."""
    for index in range(number):
        run = claimed(connection, WORKER)
        assert run
        events = [RunEvent.STARTED, RunEvent.SUCCEEDED]
        if index % 3 == 2:
            events = [RunEvent.CANCEL_REQUESTED, RunEvent.STOPPED]
        for event in events:
            runs.advance(connection, run.id, event, now=NOW, actor=WORKER, fence=run.fence)


def walk(page: Callable[[str | None], tuple[list[str], str | None]]) -> list[str]:
    """Return the ids on all pages."""
    found, start = page(None)
    while start:
        more, start = page(start)
        found += more
    return found


def test_every_filter_lists_and_counts_what_a_plain_query_finds(database: Database) -> None:
    random = Random(7)
    with database.transaction() as connection:
        space, other = make_space(connection), make_space(connection)
        lanes = [make_lane(connection, space, max_running=50) for _ in range(3)]
        stranger = make_lane(connection, other)
        made = [make_run(connection, space, random.choice(lanes)) for _ in range(30)]
        make_run(connection, other, stranger)
        end(connection, 20)
        connection.execute(text("UPDATE runs SET deployment_id = lane_id"))
        for run in random.sample(made, 5):
            runs.hide(connection, run.id, NOW)
        left = [run for run in (runs.get(connection, run.id) for run in made) if run and not run.deleted_at]
        wanted: list[tuple[RunState, ...]] = [(), (RunState.COMPLETED,), (RunState.CANCELED, RunState.QUEUED)]
        for job, deployment, states in product([None, lanes[0]], [None, *lanes[:2]], wanted):
            _compare(connection, space, left, job=job, deployment=deployment, states=states)


def _compare(
    connection: Connection,
    space: str,
    left: list[Run],
    *,
    job: str | None,
    deployment: str | None,
    states: tuple[RunState, ...],
) -> None:
    totals = set()

    def page(start: str | None) -> tuple[list[str], str | None]:
        found = run_pages.page(
            connection, space, limit=4, start=start, job_id=job, deployment_id=deployment, states=states, count=True
        )
        totals.add(found.total)
        return [run.id for run in found.items], found.next

    expected = [
        run.id
        for run in sorted(left, key=lambda run: -run.place)
        if (not job or run.job_id == job)
        and (not deployment or run.lane_id == deployment)
        and (not states or run.state in states)
    ]
    assert walk(page) == expected
    assert totals == {len(expected)}


def test_pages_stay_stable_while_runs_come_and_go(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        made = [make_run(connection, space, lane) for _ in range(20)]
    hidden: set[str] = set()

    def page(start: str | None) -> tuple[list[str], str | None]:
        with database.transaction() as connection:
            found = run_pages.page(connection, space, limit=3, start=start, job_id=lane)
            make_run(connection, space, lane)
            last = found.items[-1].place
            # The run that the mark names, and one that is still to come.
            for run in made:
                if run.place in {last, last - 2}:
                    runs.remove(connection, run.id)
                    hidden.add(run.id)
        return [run.id for run in found.items], found.next

    seen = walk(page)
    assert len(seen) == len(set(seen))
    assert set(seen) <= {run.id for run in made}
    assert set(seen) >= {run.id for run in made} - hidden


WRONG_MARKS = ["x", "17", "ä", "=", "%00", "W10", "bnVsbA", "WzBd", "WyIxIl0", "WzFlNV0", "W" * 90_000]
WRONG_MARKS += [base64.urlsafe_b64encode(f"[{2**63}]".encode()).decode(), base64.urlsafe_b64encode(b"[-1]").decode()]


@pytest.mark.parametrize("mark", WRONG_MARKS, ids=range(len(WRONG_MARKS)))
def test_a_mark_that_no_page_gave_is_refused_by_name(mark: str, database: Database) -> None:
    with database.snapshot() as connection, pytest.raises(Invalid) as refused:
        run_pages.page(connection, "s", limit=2, start=mark)
    assert refused.value.field == "start"
    assert "start" in str(refused.value)


def test_the_last_mark_that_can_be_is_understood(database: Database) -> None:
    mark = base64.urlsafe_b64encode(f"[{2**63 - 1}]".encode()).decode().rstrip("=")
    with database.snapshot() as connection:
        assert list(run_pages.page(connection, "s", limit=2, start=mark).items) == []
