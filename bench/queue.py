"""How many runs a second can be submitted, claimed and finished, with an empty queue and behind a full one.

    python -m bench.queue [--runs 300] [--backlog 100000] [--lanes 1000]

On SQLite and on PostgreSQL, each step a use case in a transaction of its own, one process. The backlog's lanes are
full but for one in a hundred, and its runs are older than the ones that are measured: the claim has to find its way
past them. Each row is printed beside its twin with an empty queue.
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
from tests.postgres import running_postgres

from gristmill.content.folder import FolderContent
from gristmill.domain.run import RunEvent
from gristmill.service import claims, inline_tables, users
from gristmill.service.context import Context
from gristmill.service.deployment_jobs import NewDeploymentJob, submit
from gristmill.service.secrets import Secrets
from gristmill.store.database import Connection, Database
from gristmill.store.migrate import migrate

_LEASE = timedelta(hours=1)
_BATCH = 5_000


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=300)
    arguments.add_argument("--backlog", type=int, default=100_000)
    arguments.add_argument("--lanes", type=int, default=1_000)
    options = arguments.parse_args()
    print(f"{'database':<12}{'queue':<34}{'submit/s':>10}{'claim/s':>10}{'finish/s':>10}{'claim p50 ms':>14}")
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for name, url in (("sqlite", f"sqlite:///{folder}/q.db"), ("postgresql", server.new_empty_database())):
            with open_bench_shop(url, Path(folder) / name) as shop:
                _row(name, "empty", shop, options.runs)
                _fill(shop, options.backlog, options.lanes)
                _row(name, f"{options.backlog} in {options.lanes} lanes, 99 % full", shop, options.runs)


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


def _row(database: str, queue: str, shop: Shop, number: int) -> None:
    deployment = shop.deploy(batch={"max_running": 1_000})
    submits = _times(number, lambda: _submit(shop, deployment.id))
    taken: list[claims.Assignment] = []
    worker = shop.context.new_id()

    def take() -> None:
        assignment = claims.take(shop.context, worker, lease=_LEASE)
        assert assignment is not None
        taken.append(assignment)

    takes = _times(number, take)

    def finish() -> None:
        assignment = taken.pop()
        claims.started(shop.context, assignment)
        claims.finish(shop.context, assignment, claims.Outcome(event=RunEvent.SUCCEEDED))

    finishes = _times(number, finish)
    rates = "".join(f"{1 / statistics.median(times):>10.0f}" for times in (submits, takes, finishes))
    print(f"{database:<12}{queue:<34}{rates}{statistics.median(takes) * 1000:>14.2f}")


def _submit(shop: Shop, deployment_id: str) -> None:
    table = inline_tables.keep(shop.context, ["[1, 2]"], fields=["a", "b"], members={})
    new = NewDeploymentJob(space_id=shop.space_id, deployment_id=deployment_id, name="job", inline=(table,))
    submit(shop.context, shop.actor, new)


def _times(number: int, step: Callable[[], object]) -> list[float]:
    times = []
    for _ in range(number):
        begun = time.perf_counter()
        step()
        times.append(time.perf_counter() - begun)
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


def insert_runs(shop: Shop, connection: Connection, template: str, lane_ids: list[str]) -> None:
    """Queue a copy of the template in each of these lanes, without their use case."""
    statement = text(
        "INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, name, kind, state, requester_id, "
        "created_at, modified_at, spec) SELECT :id, :other, space_id, :lane, :lane, name, kind, 'queued', "
        "requester_id, created_at, modified_at, spec FROM runs WHERE id = :template"
    )
    new_id = shop.context.new_id
    rows = [{"id": new_id(), "other": new_id(), "lane": lane, "template": template} for lane in lane_ids]
    connection.execute(statement, rows)


if __name__ == "__main__":
    main()
