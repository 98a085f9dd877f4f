"""How many runs a second can be submitted, claimed and finished, with an empty queue and behind a full one.

    python -m bench.queue [--runs 300] [--backlog 1000000] [--lanes 10000] [--database sqlite|postgresql]

On SQLite and on PostgreSQL, each step a use case in a transaction of its own, one process. The backlog's lanes are
full but for one in a hundred, and its runs are older than the ones that are measured: the claim has to find its way
past them. Its twin is an empty queue in a database of its own; both take each step in turns, so that they are measured
on the same machine at the same time. Limit: a claim costs 1.5 times that of the empty queue at the median.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text
from tests.make_queue import make_lane
from tests.make_work import Shop, open_shop
from tests.postgres import Postgres, running_postgres

from gristmill.content.folder import FolderContent
from gristmill.domain.run import RunEvent
from gristmill.service import claims, inline_tables, users
from gristmill.service.context import Context
from gristmill.service.deployment_jobs import NewDeploymentJob, submit
from gristmill.service.secrets import Secrets
from gristmill.store.database import Connection, Database
from gristmill.store.migrate import migrate

LIMIT_RATIO = 1.5
_LEASE = timedelta(hours=1)
_BATCH = 10_000


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=300)
    arguments.add_argument("--backlog", type=int, default=1_000_000)
    arguments.add_argument("--lanes", type=int, default=10_000)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    options = arguments.parse_args()
    print(f"{'database':<12}{'queue':<36}{'submit/s':>10}{'claim/s':>10}{'finish/s':>10}{'claim p50 ms':>14}")
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for name in ("sqlite", "postgresql"):
            if options.database in {None, name}:
                _compare(name, urls_of_twins(name, folder, server), Path(folder) / name, options)


def urls_of_twins(database: str, folder: str, server: Postgres) -> tuple[str, str]:
    """Return the URLs of two databases with nothing in them."""
    if database == "sqlite":
        return f"sqlite:///{folder}/empty.db", f"sqlite:///{folder}/full.db"
    return server.new_empty_database(), server.new_empty_database()


@contextmanager
def open_bench_shop(url: str, folder: Path) -> Iterator[Shop]:
    """Yield a shop over a fresh database."""
    database = Database(url)
    migrate(database)
    content = FolderContent(folder / "content")
    context = Context(database=database, content=content, secrets=Secrets(b"bench"), data_dir=folder)
    users.bootstrap(context, "bench")
    yield open_shop(context)
    database.close()


def _compare(database: str, urls: tuple[str, str], folder: Path, options: argparse.Namespace) -> None:
    with open_bench_shop(urls[0], folder / "empty") as empty, open_bench_shop(urls[1], folder / "full") as full:
        begun = time.perf_counter()
        _fill(full, options.backlog, options.lanes)
        _settle(full)
        print(f"{database:<12}filled in {time.perf_counter() - begun:.0f} s", flush=True)
        lines = [Line(empty), Line(full)]
        steps = [
            in_turns(options.runs, *(getattr(line, step) for line in lines)) for step in ("submit", "take", "finish")
        ]
    names = ("empty", f"{options.backlog} in {options.lanes} lanes, 99 % full")
    for name, times in zip(names, zip(*steps, strict=True), strict=True):
        rates = "".join(f"{1 / statistics.median(each):>10.0f}" for each in times)
        print(f"{database:<12}{name:<36}{rates}{statistics.median(times[1]) * 1000:>14.2f}")
    ratio = statistics.median(steps[1][1]) / statistics.median(steps[1][0])
    print(f"{database}: a claim costs {ratio:.2f} times as much, limit {LIMIT_RATIO}, ratio {ratio / LIMIT_RATIO:.2f}")


class Line:
    """A deployment of a shop, whose runs are submitted, taken and finished one after another."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._deployment = shop.deploy(batch={"max_running": 1_000})
        self._worker = shop.context.new_id()
        self._taken: list[claims.Assignment] = []

    def submit(self) -> None:
        """Submit a one-row job."""
        _submit(self._shop, self._deployment.id)

    def take(self) -> None:
        """Claim the run that is next."""
        assignment = claims.take(self._shop.context, self._worker, lease=_LEASE)
        assert assignment is not None
        self._taken.append(assignment)

    def finish(self) -> None:
        """Finish the run that was taken last."""
        assignment = self._taken.pop()
        claims.started(self._shop.context, assignment)
        claims.finish(self._shop.context, assignment, claims.Outcome(event=RunEvent.SUCCEEDED))


def _submit(shop: Shop, deployment_id: str) -> None:
    table = inline_tables.keep(shop.context, ["[1, 2]"], fields=["a", "b"], members={})
    new = NewDeploymentJob(space_id=shop.space_id, deployment_id=deployment_id, name="job", inline=(table,))
    submit(shop.context, shop.actor, new)


def in_turns(number: int, *steps: Callable[[], object]) -> list[list[float]]:
    """Take each step so often, one after the other, the first one in turns; return the seconds of each."""
    times: list[list[float]] = [[] for _ in steps]
    for turn in range(number):
        for position in range(len(steps)):
            which = (turn + position) % len(steps)
            begun = time.perf_counter()
            steps[which]()
            times[which].append(time.perf_counter() - begun)
    return times


def _fill(shop: Shop, runs: int, lanes: int) -> None:
    """Queue the backlog in front of everything, and claim one run in all but one lane of a hundred, which fills it."""
    template = shop.submit(shop.deploy()).run.id
    with shop.context.database.transaction() as connection:
        ids = [make_lane(connection, shop.space_id, max_running=1) for _ in range(lanes)]
    for start in range(0, runs, _BATCH):
        with shop.context.database.transaction() as connection:
            insert_runs(shop, connection, template, [ids[n % lanes] for n in range(start, min(start + _BATCH, runs))])
    worker = shop.context.new_id()
    for _ in range(lanes * 99 // 100):
        claims.take(shop.context, worker, lease=_LEASE)


def _settle(shop: Shop) -> None:
    """Let the database tidy up, as it does by itself within minutes: the backlog has stood there for a while."""
    if shop.context.database.dialect == "postgresql":
        engine = shop.context.database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))
            # Else each page that a claim reads has to wait until one of the backlog's is written.
            connection.execute(text("CHECKPOINT"))


def insert_runs(shop: Shop, connection: Connection, template: str, lane_ids: list[str]) -> None:
    """Queue a copy of the template in each of these lanes, without their use case."""
    new_id = shop.context.new_id
    # All at once from a table aside: triggers and statements cost less than one by one.
    connection.execute(text("CREATE TEMPORARY TABLE fresh (id VARCHAR(36), other VARCHAR(36), lane VARCHAR(36))"))
    rows = [{"id": new_id(), "other": new_id(), "lane": lane} for lane in lane_ids]
    connection.execute(text("INSERT INTO fresh VALUES (:id, :other, :lane)"), rows)
    connection.execute(
        text(
            "INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, requester_id, "
            "created_at, modified_at, spec) SELECT fresh.id, fresh.other, space_id, fresh.lane, fresh.lane, name, "
            "kind, 'queued', requester_id, created_at, modified_at, spec FROM fresh CROSS JOIN runs "
            "WHERE runs.id = :template"
        ),
        {"template": template},
    )
    connection.execute(text("DROP TABLE fresh"))


if __name__ == "__main__":
    main()
