"""Does the disk stop growing once retention keeps a number of runs: database and content, round after round.

    python -m bench.plateau [--rounds 12] [--runs 1000] [--keep 3000] [--database sqlite|postgresql]

Each round adds runs that ended, with history and a log of 2 KB, and lets a janitor do what there is to do, two days
later: only then it is sure that nobody needs the bytes. PostgreSQL is vacuumed after each round, as its own autovacuum
would after some time. Limit: the last third of the rounds ends with at most 1.05 times the disk that the second third
ended with.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from tests.make_queue import make_lane
from tests.make_work import Shop
from tests.postgres import running_postgres

from bench.queue import open_bench_shop
from bench.retention import add_ended
from gristmill.engine.janitor import Janitor
from gristmill.store import jobs

LIMIT_RATIO = 1.05
_LOG_BYTES = 2_000
_MIB = 2**20


def main() -> None:
    """Print a line for each round, and the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rounds", 12), ("runs", 1_000), ("keep", 3_000)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for name, url in (("sqlite", f"sqlite:///{folder}/sqlite/p.db"), ("postgresql", server.new_empty_database())):
            if options.database in {None, name}:
                place = Path(folder) / name
                place.mkdir()
                with open_bench_shop(url, place) as shop:
                    _measure(name, shop, place, options)


def _measure(database: str, shop: Shop, place: Path, options: argparse.Namespace) -> None:
    template = shop.submit(shop.deploy()).run.id
    with shop.context.database.transaction() as connection:
        job_id = make_lane(connection, shop.space_id)
        jobs.change(connection, job_id, shop.context.now(), {"retention": {"amount": options.keep}})
    sizes = []
    print(f"{database}: {options.runs} runs a round, {options.keep} kept")
    print(f"{'round':>6}{'database MiB':>14}{'content MiB':>13}")
    for number in range(options.rounds):
        logs = [shop.context.content.put([os.urandom(_LOG_BYTES)]).key for _ in range(options.runs)]
        add_ended(shop, template, job_id, logs)
        _tidy(shop)
        kept, content = _database_bytes(shop, place), _bytes(place / "content")
        sizes.append(kept + content)
        print(f"{number + 1:>6}{kept / _MIB:>14.2f}{content / _MIB:>13.2f}", flush=True)
    ratio = sizes[-1] / sizes[len(sizes) * 2 // 3 - 1]
    print(f"{database}: the last third grew to {ratio:.3f}, limit {LIMIT_RATIO}, ratio {ratio / LIMIT_RATIO:.2f}")


def _tidy(shop: Shop) -> None:
    """Let a janitor retire runs now, and remove their bytes two days later."""
    for _ in Janitor(shop.context).rounds():
        pass
    later = replace(shop.context, clock=lambda: datetime.now(UTC) + timedelta(days=2))
    for _ in Janitor(later).rounds():
        pass


def _database_bytes(shop: Shop, place: Path) -> int:
    if shop.context.database.dialect == "sqlite":
        return sum(file.stat().st_size for file in place.glob("p.db*"))
    with shop.context.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM"))
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
