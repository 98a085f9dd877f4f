"""How long the rescue of many runs takes whose workers are all gone at once.

    python -m bench.rescue [--runs 50000] [--lanes 500] [--rescuers 1] [--database sqlite|postgresql]

The runs are models at work, so that each waits again. The limit is 60 s for 50,000. Each rescuer is a process, as those
of several servers are. What is left is counted: a run that does not wait again is lost, one that was given back or out
twice is doubled.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

from sqlalchemy import text
from tests.make_queue import make_lane
from tests.make_work import Shop
from tests.postgres import running_postgres

from bench.queue import insert_runs, open_bench_shop
from gristmill.content.folder import FolderContent
from gristmill.engine.rescuer import Rescuer
from gristmill.service import claims
from gristmill.service.context import Context
from gristmill.service.secrets import Secrets
from gristmill.store.database import Database

LIMIT_SECONDS = 60.0
_BATCH = 5_000
_TAKEN = 500


def main() -> None:
    """Print a row for each database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=50_000)
    arguments.add_argument("--lanes", type=int, default=500)
    arguments.add_argument("--rescuers", type=int, default=1)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        urls = {"sqlite": f"sqlite:///{folder}/r.db", "postgresql": server.new_empty_database()}
        for name, url in urls.items():
            if options.database in {None, name}:
                with open_bench_shop(url, Path(folder) / name) as shop:
                    _row(name, url, shop, options)


def _row(database: str, url: str, shop: Shop, options: argparse.Namespace) -> None:
    number, rescuers = options.runs, options.rescuers
    _fill(shop, number, options.lanes)
    rescued, seconds = _rescue(url, rescuers)
    limit = LIMIT_SECONDS * number / 50_000
    print(
        f"{database:<12}{number} runs in {seconds:.1f} s, rescuers: {rescuers}, limit {limit:.0f} s, "
        f"ratio {seconds / limit:.2f}; {rescued} rescued, {_lost(shop, number)} lost, {_doubled(shop)} doubled"
    )


def _rescue(url: str, rescuers: int) -> tuple[int, float]:
    """Have processes rescue all that there is; return how many they did, and the seconds from the first one's begin."""
    spawning = multiprocessing.get_context("spawn")
    with spawning.Manager() as manager, ProcessPoolExecutor(rescuers, mp_context=spawning) as pool:
        ready = manager.Barrier(rescuers)
        parts = [part.result() for part in [pool.submit(_rescue_all, url, ready) for _ in range(rescuers)]]
    return sum(part[0] for part in parts), max(part[2] for part in parts) - min(part[1] for part in parts)


def _rescue_all(url: str, ready: Barrier) -> tuple[int, float, float]:
    """Take steps as a server does until the gone worker holds nothing; return how many were rescued, and both times."""
    database = Database(url)
    with tempfile.TemporaryDirectory() as folder:
        content = FolderContent(Path(folder))
        context = Context(database=database, content=content, secrets=Secrets(b"bench"), data_dir=Path(folder))
        rescuer, rescued = Rescuer(context), 0
        _claimed(database)
        ready.wait()
        begun = time.time()
        while _claimed(database):
            rescued += rescuer.step()
        ended = time.time()
    database.close()
    return rescued, begun, ended


def _claimed(database: Database) -> int:
    with database.snapshot() as connection:
        return int(connection.execute(text("SELECT count(*) FROM claims WHERE worker_id = 'gone'")).scalar_one())


def _lost(shop: Shop, number: int) -> int:
    """Count the runs that neither wait again, free to be claimed, nor are known to their lane."""
    with shop.context.database.snapshot() as connection:
        waiting = connection.execute(text(_FREE)).scalar_one()
        known = connection.execute(text("SELECT sum(queued) FROM lanes")).scalar_one()
    # One more waits: that of which all are copies.
    return number + 1 - int(min(waiting, known))


def _doubled(shop: Shop) -> int:
    """Count the runs that were given back more than once, and those of many that two workers were given."""
    with shop.context.database.snapshot() as connection:
        returned = len(connection.execute(text(_RETURNED_TWICE)).all())
    taken = [claims.take(shop.context, f"w{number % 2}", lease=timedelta(hours=1)) for number in range(_TAKEN)]
    found = [assignment.run.id for assignment in taken if assignment]
    return returned + len(found) - len(set(found))


_FREE = (
    "SELECT count(*) FROM runs LEFT JOIN claims ON claims.run_id = runs.id WHERE state = 'queued' AND slot IS NULL "
    "AND runs.worker_id IS NULL"
)
_RETURNED_TWICE = "SELECT run_id FROM run_history WHERE event = 'returned' GROUP BY run_id HAVING count(*) > 1"


def _fill(shop: Shop, number: int, lanes: int) -> None:
    """Have so many runs at work whose lease is over."""
    template = shop.submit(shop.deploy()).run.id
    with shop.context.database.transaction() as connection:
        ids = [make_lane(connection, shop.space_id, max_running=number // lanes + 1) for _ in range(lanes)]
    for start in range(0, number, _BATCH):
        with shop.context.database.transaction() as connection:
            insert_runs(shop, connection, template, [ids[n % lanes] for n in range(start, min(start + _BATCH, number))])
    then = shop.context.now() - timedelta(minutes=5)
    naive = shop.context.database.dialect == "sqlite"
    values = {"template": template, "then": then.replace(tzinfo=None) if naive else then}
    with shop.context.database.transaction() as connection:
        connection.execute(
            text(
                "UPDATE runs SET state = 'running', worker_id = 'gone', fence = 1, attempt = 1, started_at = :then "
                "WHERE id <> :template"
            ),
            values,
        )
        connection.execute(
            text(
                "INSERT INTO claims (lane_id, slot, run_id, worker_id, fence, claimed_at, expires_at) "
                "SELECT lane_id, row_number() OVER (PARTITION BY lane_id ORDER BY place) - 1, id, 'gone', 1, "
                "started_at, started_at FROM runs WHERE id <> :template"
            ),
            {"template": template},
        )


if __name__ == "__main__":
    main()
