"""How fast retention drains, how long it holds SQLite's write lock, and what a step costs where nothing is to go.

    python -m bench.retention [--runs 1000000] [--free 100000] [--jobs 10000]

On SQLite and on PostgreSQL, one janitor: a job with a million runs of which a changed policy frees 100,000; a job that
is deleted with 100,000 runs; ten thousand jobs of which nothing goes. While the first drains, runs are submitted one
after the other. Limits: 1,000 runs a second, 100 ms for a transaction, 100 ms for a submit at the 99th percentile.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event, text
from tests.make_queue import make_lane
from tests.make_work import Shop
from tests.postgres import running_postgres

from bench.queue import open_bench_shop
from gristmill.domain.retention import Retention
from gristmill.engine.janitor import Janitor
from gristmill.service import inline_tables, purge, retention
from gristmill.service.deployment_jobs import NewDeploymentJob, submit
from gristmill.store import jobs as job_store
from gristmill.store import retention as store
from gristmill.store.database import Database

LIMIT_RATE = 1_000.0
LIMIT_SECONDS = 0.1
_BATCH = 10_000


def main() -> None:
    """Print the figures of each database beside the limits."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=1_000_000)
    arguments.add_argument("--free", type=int, default=100_000)
    arguments.add_argument("--jobs", type=int, default=10_000)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for name, url in (("sqlite", f"sqlite:///{folder}/r.db"), ("postgresql", server.new_empty_database())):
            if options.database in {None, name}:
                with open_bench_shop(url, Path(folder) / name) as shop:
                    _measure(name, shop, options)


def _measure(database: str, shop: Shop, options: argparse.Namespace) -> None:
    context = shop.context
    deployment_id = shop.deploy(batch={"max_running": 1_000}).id
    template = shop.submit(shop.deploy()).run.id
    big, deleted = fill(shop, template, options.runs), fill(shop, template, options.free)
    _idle_jobs(shop, options.jobs)
    with context.database.transaction() as connection:
        if database == "postgresql":
            connection.execute(text("ANALYZE"))
    print(f"{database}: {options.runs} runs of one job, {options.free} of another, {options.jobs} jobs without any")
    _plan(shop, big, options.runs - options.free)
    steps = _times(lambda: retention.visit(context, after="", at_most=1))
    _say("a step over 200 jobs, nothing to go", statistics.median(steps) * 1_000, "ms", LIMIT_SECONDS * 1_000)

    _set_policy(shop, big, {"amount": options.runs - options.free})
    with _submitting(shop, deployment_id) as submits, _watched(context.database) as held:
        begun, busy = time.perf_counter(), time.process_time()
        gone = sum(one.runs for one in Janitor(context).rounds())
        seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    _rates(f"amount {options.runs - options.free}", gone, seconds, busy, held)
    print(f"    submits meanwhile: {len(submits)}, median {statistics.median(submits) * 1_000:.0f} ms, ", end="")
    print(f"p99 {statistics.quantiles(submits, n=100)[-1] * 1_000:.0f} ms, worst {max(submits) * 1_000:.0f} ms")

    with context.database.transaction() as connection:
        job_store.change(connection, deleted, context.now(), {"deleted_at": context.now()})
    with _watched(context.database) as held:
        begun, busy = time.perf_counter(), time.process_time()
        done = 0
        while number := purge.deleted_jobs(context):
            done += number
        seconds, busy = time.perf_counter() - begun, time.process_time() - busy
    _rates("a deleted job", done - 1, seconds, busy, held)


def _rates(what: str, gone: int, seconds: float, busy: float, held: list[float]) -> None:
    _say(f"{what}: {gone} runs in {seconds:.1f} s, {busy:.1f} s of processor", gone / seconds, "runs/s", LIMIT_RATE)
    longest = sorted(held)[-max(1, len(held) // 100)]
    _say(f"{what}: a transaction at the 99th percentile", longest * 1_000, "ms", LIMIT_SECONDS * 1_000)


def _say(what: str, value: float, unit: str, limit: float) -> None:
    print(f"  {what}: {value:.1f} {unit}, limit {limit:.0f}, ratio {value / limit:.2f}")


def _plan(shop: Shop, job_id: str, amount: int) -> None:
    """Print how the databases find what goes, and how long that takes."""
    context = shop.context
    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:  # noqa: ANN401
        statements.append((statement, parameters))

    with context.database.snapshot() as connection:
        event.listen(context.database.engine, "before_cursor_execute", note)
        begun = time.perf_counter()
        end = store.boundary(connection, job_id, Retention(amount=amount), now=context.now())
        assert end
        store.due(connection, job_id, end, limit=purge.RUNS_AT_ONCE)
        seconds = time.perf_counter() - begun
        event.remove(context.database.engine, "before_cursor_execute", note)
        _say(f"to find a batch beyond the newest {amount}", seconds * 1_000, "ms", LIMIT_SECONDS * 1_000)
        verb = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        for statement, parameters in statements:
            for row in connection.exec_driver_sql(f"{verb} {statement}", parameters):
                print(f"    {row[-1]}")


@contextmanager
def _watched(database: Database) -> Iterator[list[float]]:
    """Measure how long each writing transaction of this thread takes, its commit included."""
    held: list[float] = []
    mine = threading.get_ident()
    whole = database.transaction

    @contextmanager
    def timed() -> Iterator[Any]:
        with whole() as connection:
            begun = time.perf_counter()
            yield connection
        if threading.get_ident() == mine:
            held.append(time.perf_counter() - begun)

    database.transaction = timed  # type: ignore[method-assign]
    try:
        yield held
    finally:
        database.transaction = whole  # type: ignore[method-assign]


@dataclass
class _Submits:
    times: list[float] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)


@contextmanager
def _submitting(shop: Shop, deployment_id: str) -> Iterator[list[float]]:
    """Submit runs, some a second, until the block ends; yield how long each took."""
    state = _Submits()

    def repeat() -> None:
        while not state.stop.wait(0.02):
            table = inline_tables.keep(shop.context, ["[1, 2]"], fields=["a", "b"], members={})
            new = NewDeploymentJob(space_id=shop.space_id, deployment_id=deployment_id, name="j", inline=(table,))
            begun = time.perf_counter()
            submit(shop.context, shop.actor, new)
            state.times.append(time.perf_counter() - begun)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield state.times
    finally:
        state.stop.set()
        thread.join()


def _times(step: Any) -> list[float]:  # noqa: ANN401 - any callable
    times = []
    for _ in range(20):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
    return times


def _set_policy(shop: Shop, job_id: str, policy: dict[str, Any]) -> None:
    with shop.context.database.transaction() as connection:
        job_store.change(connection, job_id, shop.context.now(), {"retention": policy})


def _idle_jobs(shop: Shop, number: int) -> None:
    with shop.context.database.transaction() as connection:
        for _ in range(number):
            make_lane(connection, shop.space_id)


_RUN = (
    "INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, requester_id, "
    "created_at, modified_at, started_at, finished_at, spec, result) SELECT :id, :other, space_id, :job, :job, name, "
    "kind, 'completed', requester_id, created_at, modified_at, created_at, created_at, spec, spec FROM runs "
    "WHERE id = :template"
)
_HISTORY = (
    "INSERT INTO run_history (run_id, number, event, state, at, fence, actor) SELECT :id, :number, 'created', "
    "'queued', created_at, 0, 'x' FROM runs WHERE id = :template"
)
_CONTENT = "INSERT INTO run_contents (run_id, key) VALUES (:id, :key)"


def fill(shop: Shop, template: str, number: int) -> str:
    """Add a job with runs that ended."""
    with shop.context.database.transaction() as connection:
        job_id = make_lane(connection, shop.space_id)
        # Nothing goes before the policy is set.
        job_store.change(connection, job_id, shop.context.now(), {"retention": {"amount": 1_000_000}})
    for start in range(0, number, _BATCH):
        add_ended(shop, template, job_id, ["" for _ in range(start, min(start + _BATCH, number))])
    return job_id


def add_ended(shop: Shop, template: str, job_id: str, logs: Sequence[str]) -> None:
    """Add a run for each key of a log: with four rows of history, the log, and the model's content.

    Logs without a key have one that no content has.
    """
    new_id = shop.context.new_id
    ids = [new_id() for _ in logs]
    rows = [{"id": one, "other": new_id(), "job": job_id, "template": template} for one in ids]
    history = [{"id": one, "number": n, "template": template} for one in ids for n in range(4)]
    keys = [{"id": one, "key": "model"} for one in ids]
    keys += [{"id": one, "key": log or one.replace("-", "")} for one, log in zip(ids, logs, strict=True)]
    with shop.context.database.transaction() as connection:
        for statement, values in ((_RUN, rows), (_HISTORY, history), (_CONTENT, keys)):
            connection.execute(text(statement), values)


if __name__ == "__main__":
    main()
