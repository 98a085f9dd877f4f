"""Ten thousand schedules due in the same minute: how late is the last one, and how long do other writers wait.

    python -m bench.ticks [--jobs 10000] [--schedulers 3]

Limits: every tick runs once, the last at most 30 s late; a transaction of somebody else waits 0.1 s at the 99th
percentile. On SQLite and on PostgreSQL with one scheduler, then on PostgreSQL with several, each in a process of its
own. Each job has a script and a key of its own. No worker is up.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from tests.make_work import Shop
from tests.postgres import running_postgres

from bench.queue import open_bench_shop
from gristmill.content.folder import FolderContent
from gristmill.domain.schedule_wire import of_wire
from gristmill.engine.scheduler import Scheduler
from gristmill.service import jobs
from gristmill.service.context import Context
from gristmill.service.jobs import NewJob
from gristmill.service.secrets import Secrets
from gristmill.store.database import Database

LIMIT_SECONDS = 30.0
LIMIT_WAIT_SECONDS = 0.1
_PAUSE_SECONDS = 0.01


def main() -> None:
    """Print a row for each database, and one for several schedulers."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=10_000)
    arguments.add_argument("--schedulers", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        sqlite = f"sqlite:///{folder}/t.db"
        for name, url, schedulers in (
            ("sqlite", sqlite, 1),
            ("postgresql", server.new_empty_database(), 1),
            ("postgresql", server.new_empty_database(), options.schedulers),
        ):
            with open_bench_shop(url, Path(folder) / f"{name}{schedulers}") as shop:
                _schedule(shop, options.jobs)
                _row(name, url, shop, schedulers=schedulers)


def _row(database: str, url: str, shop: Shop, *, schedulers: int) -> None:
    waits: list[float] = []
    with _somebody_else(shop.context.database, waits):
        steps = [_step(shop.context)] if schedulers == 1 else _steps(url, shop.context.data_dir, schedulers)
    decided = sum(step[0] for step in steps)
    seconds = max(step[2] for step in steps) - min(step[1] for step in steps)
    with shop.context.database.snapshot() as connection:
        ran = connection.execute(text("SELECT count(*) FROM ticks WHERE disposition = 'ran'")).scalar_one()
        runs = connection.execute(text("SELECT count(*) FROM runs")).scalar_one()
    wait = statistics.quantiles(waits, n=100)[98]
    print(
        f"{database}, {schedulers} at once: {decided} jobs decided, {ran} ran, {runs} runs, the last {seconds:.1f} s "
        f"late, limit {LIMIT_SECONDS:.0f} s, ratio {seconds / LIMIT_SECONDS:.2f}, {decided / seconds:.0f} a second; "
        f"others wait p99 {wait * 1000:.0f} ms, at most {max(waits) * 1000:.0f} ms, "
        f"limit {LIMIT_WAIT_SECONDS * 1000:.0f} ms, ratio {wait / LIMIT_WAIT_SECONDS:.2f}"
    )


def _step(context: Context) -> tuple[int, float, float]:
    """Return how many jobs were decided, and the times of begin and end."""
    begun = time.time()
    decided = Scheduler(replace(context, clock=_an_hour_later)).step()
    return decided, begun, time.time()


def _an_hour_later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def _steps(url: str, folder: Path, number: int) -> list[tuple[int, float, float]]:
    """Let as many processes take a step, all from the same moment on."""
    spawning = multiprocessing.get_context("spawn")
    with spawning.Manager() as manager, ProcessPoolExecutor(number, mp_context=spawning) as pool:
        ready = manager.Barrier(number)
        return list(pool.map(_process, [url] * number, [folder] * number, [ready] * number))


def _process(url: str, folder: Path, ready: threading.Barrier) -> tuple[int, float, float]:
    database = Database(url)
    content, secrets = FolderContent(folder / "content"), Secrets(b"bench")
    ready.wait()
    taken = _step(Context(database=database, content=content, secrets=secrets, data_dir=folder))
    database.close()
    return taken


@contextmanager
def _somebody_else(database: Database, waits: list[float]) -> Iterator[None]:
    """Take a writing transaction again and again, and note how long each took to begin and end."""
    done = threading.Event()

    def write() -> None:
        while not done.wait(_PAUSE_SECONDS):
            begun = time.perf_counter()
            with database.transaction() as connection:
                connection.execute(text("UPDATE spaces SET description = 'touched' WHERE id = 'none'"))
            waits.append(time.perf_counter() - begun)

    thread = threading.Thread(target=write)
    thread.start()
    yield
    done.set()
    thread.join()


def _schedule(shop: Shop, number: int) -> None:
    """Copy one hourly job, with what belongs to it, until there are enough of them."""
    schedule = of_wire("0 * * * *", {})
    new = NewJob(space_id=shop.space_id, name="hourly", asset_ref=shop.script(), schedule=schedule)
    made = jobs.create(shop.context, shop.actor, new)
    copies = [
        {"id": shop.context.new_id(), "job": made.id, "asset": made.asset_ref, "key": made.key_id}
        for _ in range(number - 1)
    ]
    with shop.context.database.transaction() as connection:
        for statement in (_ASSET, _ATTACHMENT, _KEY, _LANE, _JOB):
            connection.execute(text(statement), copies)
        if shop.context.database.dialect == "postgresql":
            connection.execute(text("ANALYZE"))


_ASSET = "INSERT INTO assets (id, {0}) SELECT :id, {0} FROM assets WHERE id = :asset".format(
    "space_id, type, name, description, tags, owner_id, entity, size, latest_revision, created_at, modified_at"
)
_ATTACHMENT = (
    "INSERT INTO attachments (id, asset_id, {0}) SELECT :id, :id, {0} FROM attachments WHERE asset_id = :asset".format(
        "revision, name, mime, complete, content_key, size, sha256, created_at"
    )
)
_KEY = "INSERT INTO api_keys (id, digest, {0}) SELECT :id, :id, {0} FROM api_keys WHERE id = :key".format(
    "user_id, name, hint, created_at"
)
_LANE = "INSERT INTO lanes (id, {0}) SELECT :id, {0} FROM lanes WHERE id = :job".format(
    "space_id, max_running, queued, running"
)
_JOB = (
    "INSERT INTO jobs (id, lane_id, asset_ref, key_id, {0}) SELECT :id, :id, :id, :id, {0} FROM jobs "
    "WHERE id = :job".format(
        "space_id, name, description, kind, asset_ref_type, configuration, notification, schedule, scheduler_id, "
        "paused, decided_until, next_tick_at, version, owner_id, created_at, modified_at"
    )
)


if __name__ == "__main__":
    main()
