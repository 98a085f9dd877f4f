"""Ten thousand schedules due in the same minute: how late is the last one.

    python -m bench.ticks [--jobs 10000]

Limit: every tick runs once, the last at most 30 s late. On SQLite and on PostgreSQL, one scheduler, no worker.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from tests.make_work import Shop
from tests.postgres import running_postgres

from bench.queue import open_bench_shop
from gristmill.domain.schedule_wire import of_wire
from gristmill.engine.scheduler import Scheduler
from gristmill.service import jobs
from gristmill.service.jobs import NewJob

LIMIT_SECONDS = 30.0


def main() -> None:
    """Print a row for each database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=10_000)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for name, url in (("sqlite", f"sqlite:///{folder}/t.db"), ("postgresql", server.new_empty_database())):
            with open_bench_shop(url, Path(folder) / name) as shop:
                _row(name, shop, options.jobs)


def _row(database: str, shop: Shop, number: int) -> None:
    _schedule(shop, number)
    begun = time.perf_counter()
    context = replace(shop.context, clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    decided = Scheduler(context).step()
    seconds = time.perf_counter() - begun
    with shop.context.database.snapshot() as connection:
        ran = connection.execute(text("SELECT count(*) FROM ticks WHERE disposition = 'ran'")).scalar_one()
    rate = decided / seconds
    print(
        f"{database}: {decided} jobs decided, {ran} ran, the last {seconds:.1f} s late, limit {LIMIT_SECONDS:.0f} s, "
        f"ratio {seconds / LIMIT_SECONDS:.2f}, {rate:.0f} a second"
    )


def _schedule(shop: Shop, number: int) -> None:
    """Copy one hourly job until there are enough of them."""
    schedule = of_wire("0 * * * *", {})
    new = NewJob(space_id=shop.space_id, name="hourly", asset_ref=shop.script(), schedule=schedule)
    template = jobs.create(shop.context, shop.actor, new).id
    ids = [{"id": shop.context.new_id(), "template": template} for _ in range(number - 1)]
    with shop.context.database.transaction() as connection:
        for table, columns in (("lanes", _LANE), ("jobs", _JOB)):
            own = "id, lane_id" if table == "jobs" else "id"
            given = ":id, :id" if table == "jobs" else ":id"
            statement = (
                f"INSERT INTO {table} ({own}, {columns}) SELECT {given}, {columns} FROM {table} WHERE id = :template"
            )
            connection.execute(text(statement), ids)


_LANE = "space_id, max_running, queued, running"
_JOB = (
    "space_id, name, description, kind, asset_ref, asset_ref_type, configuration, notification, schedule, "
    "scheduler_id, paused, decided_until, next_tick_at, version, owner_id, created_at, modified_at"
)


if __name__ == "__main__":
    main()
