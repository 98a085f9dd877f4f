"""How long the rescue of many runs takes whose workers are all gone at once.

    python -m bench.rescue [--runs 50000] [--lanes 500] [--database sqlite|postgresql]

The runs are models at work, so that each waits again. The limit is 60 s for 50,000.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from tests.make_queue import make_lane
from tests.make_work import Shop
from tests.postgres import running_postgres

from bench.queue import insert_runs, open_bench_shop
from gristmill.domain.run import RunState
from gristmill.engine.rescuer import Rescuer
from gristmill.service import runs

LIMIT_SECONDS = 60.0
_BATCH = 5_000


def main() -> None:
    """Print a row for each database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=50_000)
    arguments.add_argument("--lanes", type=int, default=500)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        urls = {"sqlite": f"sqlite:///{folder}/r.db", "postgresql": server.new_empty_database()}
        for name, url in urls.items():
            if options.database in {None, name}:
                with open_bench_shop(url, Path(folder) / name) as shop:
                    _row(name, shop, options.runs, options.lanes)


def _row(database: str, shop: Shop, number: int, lanes: int) -> None:
    _fill(shop, number, lanes)
    begun = time.perf_counter()
    rescued = Rescuer(shop.context).step()
    seconds = time.perf_counter() - begun
    assert rescued == number, f"{rescued} of {number} were rescued"
    left = runs.page(shop.context, shop.actor, shop.space_id, limit=1, states=[RunState.RUNNING]).items
    assert not left
    limit = LIMIT_SECONDS * number / 50_000
    print(f"{database:<12}{number} runs in {seconds:.1f} s, limit {limit:.0f} s, ratio {seconds / limit:.2f}")


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
