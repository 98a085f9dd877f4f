"""Counts of runs: equal to count(*) whatever happens, kept by writers that never wait for each other, set right."""

from __future__ import annotations

import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from alembic import command
from sqlalchemy import text
from tests.make_queue import NOW, claimed, make_lane, make_run, make_space, make_spec, new_id
from tests.postgres import Postgres

from gristmill.domain.job import Job, JobKind
from gristmill.domain.run import IllegalTransition, Run, RunEvent, RunState, next_state
from gristmill.engine.rescuer import Rescuer
from gristmill.service.context import Context
from gristmill.store import jobs, run_counts, runs, spaces
from gristmill.store.database import Connection, Database
from gristmill.store.migrate import _config, migrate

WORKER = new_id()


def truth(connection: Connection) -> Counter[tuple[str, str]]:
    rows = connection.execute(text("SELECT job_id, state FROM runs WHERE deleted_at IS NULL"))
    return Counter((row.job_id, row.state) for row in rows)


def counted(connection: Connection) -> Counter[tuple[str, str]]:
    rows = connection.execute(text("SELECT job_id, state, sum(number) AS number FROM run_counts GROUP BY 1, 2"))
    return Counter({(row.job_id, row.state): int(row.number) for row in rows if row.number})


def add_job(connection: Connection, space: str, lane: str) -> str:
    """Add another job to a lane."""
    job_id = new_id()
    job = Job(
        id=job_id,
        space_id=space,
        name="j",
        kind=JobKind.ASSET,
        lane_id=lane,
        asset_ref=lane,
        owner_id="",
        created_at=NOW,
        modified_at=NOW,
    )
    jobs.create(connection, job)
    return job_id


class RandomQueue:
    """Two spaces with three jobs each in one lane; something happens to some run, again and again."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self.random = Random(seed)
        self.spaces = [make_space(connection) for _ in range(2)]
        lanes = [(space, make_lane(connection, space, max_running=3)) for space in self.spaces]
        self.jobs = [(space, lane, add_job(connection, space, lane)) for space, lane in lanes for _ in range(3)]

    def act(self, connection: Connection) -> None:
        acts = [self.create, self.create, self.create, self.claim, self.claim, self.go_on, self.go_on, self.go_on]
        self.random.choice([*acts, self.hide, self.remove, self.remove_many])(connection)
        if connection.dialect.name == "postgresql" and self.random.random() < 0.1:
            run_counts.fold(connection, limit=self.random.choice([1, 100]))

    def create(self, connection: Connection) -> None:
        space, lane, job = self.random.choice(self.jobs)
        made = make_run(connection, space, lane, job_id=job)
        if self.random.random() < 0.2:
            copies = [(replace(made, id=new_id(), deployment_job_id=new_id()), make_spec()) for _ in range(3)]
            runs.create_all(connection, [(replace(run, place=0), spec) for run, spec in copies])

    def claim(self, connection: Connection) -> None:
        claimed(connection, WORKER)

    def go_on(self, connection: Connection) -> None:
        """Move a run by an event that is possible now."""
        run = self._some(connection, "worker_id IS NOT NULL AND finished_at IS NULL") or self._some(connection)
        likely = [RunEvent.STARTED, RunEvent.SUCCEEDED] * 4
        events = [event for event in [*RunEvent, *likely] if run and _possible(run.state, event)]
        if run and events:
            changes = {"cause": {"code": "x", "message": "x"}}
            runs.advance(connection, run.id, self.random.choice(events), now=NOW, actor=WORKER, changes=changes)

    def hide(self, connection: Connection) -> None:
        if run := self._some(connection):
            runs.hide(connection, run.id, NOW)

    def remove(self, connection: Connection) -> None:
        if run := self._some(connection):
            runs.remove(connection, run.id)

    def remove_many(self, connection: Connection) -> None:
        statement = "DELETE FROM runs WHERE space_id = :space AND finished_at IS NOT NULL"
        connection.execute(text(statement), {"space": self.random.choice(self.spaces)})

    def _some(self, connection: Connection, condition: str = "1 = 1") -> Run | None:
        ids = list(connection.execute(text(f"SELECT id FROM runs WHERE {condition} ORDER BY place")).scalars())
        return runs.get(connection, self.random.choice(ids)) if ids else None


def _possible(state: RunState, event: RunEvent) -> bool:
    try:
        next_state(state, event)
    except IllegalTransition:
        return False
    return event is not RunEvent.CLAIMED


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_exact_whatever_happens(seed: int, database: Database) -> None:
    with database.transaction() as connection:
        queue = RandomQueue(connection, seed)
    seen: Counter[str] = Counter()
    for _ in range(120):
        with suppress(ZeroDivisionError), database.transaction() as connection:
            queue.act(connection)
            assert counted(connection) == truth(connection)
            seen += Counter(state for _, state in truth(connection))
            if queue.random.random() < 0.1:
                1 / 0  # noqa: B018 - what was rolled back is not counted
        with database.snapshot() as connection:
            assert counted(connection) == truth(connection)
    assert {str(RunState.QUEUED), str(RunState.STARTING), str(RunState.COMPLETED)} <= set(seen)
    with database.transaction() as connection:
        for space in queue.spaces:
            spaces.remove(connection, space)
        assert (counted(connection), truth(connection)) == (Counter(), Counter())


def test_a_job_that_goes_takes_its_counts_along(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
        for _ in range(3):
            make_run(connection, space, lane)
        jobs.remove(connection, lane)
        assert run_counts.total(connection, space) == 0
        assert run_counts.wrong_some(connection, after="", limit=5) == ("", [lane])
        assert run_counts.repair(connection, [lane]) == 0
        assert connection.execute(text("SELECT count(*) FROM run_counts WHERE shard = 0")).scalar_one() == 0


def test_a_wrong_count_is_set_right_and_logged(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    with context.database.transaction() as connection:
        space = make_space(connection)
        more, fewer, right, none = (make_lane(connection, space) for _ in range(4))
        for job in (more, fewer, right, right):
            make_run(connection, space, job)
        planted = {"more": more, "fewer": fewer}
        connection.execute(text("UPDATE run_counts SET number = number + 3 WHERE job_id = :more"), planted)
        connection.execute(text("DELETE FROM run_counts WHERE job_id = :fewer"), planted)
    with caplog.at_level(logging.WARNING):
        Rescuer(context).step()
    with context.database.snapshot() as connection:
        assert counted(connection) == truth(connection)
        assert [run_counts.total(connection, space, job_id=job) for job in (more, fewer, right, none)] == [1, 1, 2, 0]
    assert [(record.message, record.__dict__["count"]) for record in caplog.records] == [("run_counts.repaired", 2)]


def test_counts_are_checked_job_after_job(database: Database) -> None:
    with database.transaction() as connection:
        space = make_space(connection)
        ids = sorted(make_lane(connection, space) for _ in range(5))
        for job in ids:
            make_run(connection, space, job)
        connection.execute(text("UPDATE run_counts SET number = 7"))
        assert run_counts.wrong_some(connection, after="", limit=3) == (ids[2], ids[:3])
        assert run_counts.wrong_some(connection, after=ids[2], limit=3) == ("", ids[3:])


def test_shards_are_folded_without_changing_a_sum(context: Context) -> None:
    with context.database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: _submit(context.database, space, lane), range(12)))
    Rescuer(context).step()
    with context.database.snapshot() as connection:
        rows = connection.execute(text("SELECT shard, number FROM run_counts")).all()
    assert [tuple(row) for row in rows] == [(0, 12)]


def _submit(database: Database, space: str, lane: str) -> None:
    with database.transaction() as connection:
        make_run(connection, space, lane)


def test_many_writers_of_the_same_jobs_do_not_deadlock(database: Database) -> None:
    """Each transaction touches several jobs in an order of its own: rows that all of them wrote would deadlock."""
    with database.transaction() as connection:
        space = make_space(connection)
        lane = make_lane(connection, space, max_running=1000)
        job_ids = [add_job(connection, space, lane) for _ in range(6)]
        ended = [_ended(space, lane, job_ids[number % 6]) for number in range(12 * 60)]
        runs.create_all(connection, [(run, make_spec()) for run in ended])
    # Each writer removes runs of its own: the same rows in another order would deadlock by themselves.
    writers = [_Writer(database, space, lane, job_ids, ended[n * 60 : (n + 1) * 60], Random(n)) for n in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(_Writer.write, writers))
    with database.snapshot() as connection:
        assert counted(connection) == truth(connection)
        assert run_counts.total(connection, space) == sum(truth(connection).values())


@dataclass
class _Writer:
    database: Database
    space: str
    lane: str
    job_ids: list[str]
    own: list[Run]
    random: Random

    def write(self) -> None:
        for _ in range(20):
            with self.database.transaction() as connection:
                self.random.choice([self.create, self.finish, self.remove, self.remove, self.fold])(connection)

    def create(self, connection: Connection) -> None:
        for job in self.random.sample(self.job_ids, 4):
            make_run(connection, self.space, self.lane, job_id=job)

    def finish(self, connection: Connection) -> None:
        run = claimed(connection, WORKER)
        if run:
            for event in (RunEvent.STARTED, RunEvent.SUCCEEDED):
                runs.advance(connection, run.id, event, now=NOW, actor=WORKER)

    def remove(self, connection: Connection) -> None:
        self.random.shuffle(self.own)
        for run in self.own[:4]:
            runs.remove(connection, run.id)
        self.own = self.own[4:]

    def fold(self, connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            run_counts.fold(connection, limit=self.random.choice([2, 50]))


def _ended(space: str, lane: str, job: str) -> Run:
    return Run(
        id=new_id(),
        deployment_job_id=new_id(),
        job_id=job,
        space_id=space,
        lane_id=lane,
        place=0,
        name="r",
        kind="model",
        state=RunState.COMPLETED,
        requester_id="u",
        created_at=NOW,
        modified_at=NOW,
        started_at=NOW,
        finished_at=NOW,
    )


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_runs_from_before_are_counted_by_the_migration(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path / 'old.db'}"
    if kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_empty_database()
    database = Database(url)
    with database.transaction() as connection:
        command.upgrade(_config(connection), "0001")
        for statement in _OLD_ROWS:
            connection.execute(text(statement))
    migrate(database)
    with database.snapshot() as connection:
        assert counted(connection) == Counter({("j", "queued"): 2, ("j", "canceled"): 1})
    database.close()


_OLD_RUN = (
    "INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, requester_id, created_at, "
    "modified_at, finished_at, deleted_at, spec) "
)
_AT = "'2026-11-22 09:00:00'"
_OLD_ROWS = (
    "INSERT INTO spaces (id, name, description, type, tags, stage, compute, state, creator_id, created_at, "
    "modified_at) "
    f"VALUES ('s', 's', '', '', '[]', '{{}}', '[]', 'active', 'u', {_AT}, {_AT})",
    "INSERT INTO lanes (id, space_id, max_running) VALUES ('l', 's', 1)",
    "INSERT INTO jobs (id, space_id, name, description, kind, lane_id, asset_ref, asset_ref_type, configuration, "
    "notification, paused, version, owner_id, created_at, modified_at) "
    f"VALUES ('j', 's', 'j', '', 'asset', 'l', 'a', 'script', '{{}}', '{{}}', false, 1, 'u', {_AT}, {_AT})",
    f"{_OLD_RUN} VALUES ('1', '1', 's', 'j', 'l', 'r', 'model', 'queued', 'u', {_AT}, {_AT}, NULL, NULL, '{{}}')",
    f"{_OLD_RUN} VALUES ('2', '2', 's', 'j', 'l', 'r', 'model', 'queued', 'u', {_AT}, {_AT}, NULL, NULL, '{{}}')",
    f"{_OLD_RUN} VALUES ('3', '3', 's', 'j', 'l', 'r', 'model', 'canceled', 'u', {_AT}, {_AT}, {_AT}, NULL, '{{}}')",
    f"{_OLD_RUN} VALUES ('4', '4', 's', 'j', 'l', 'r', 'model', 'queued', 'u', {_AT}, {_AT}, NULL, {_AT}, '{{}}')",
)
