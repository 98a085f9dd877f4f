"""procrastinate: tasks of PostgreSQL. Its lock lets one of a key work; two locks a key, in turn, let two."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import procrastinate
import psycopg

from bench.peers.processes import running, said
from bench.peers.small_runs import PER_KEY, Start

_TASK = "nothing"


@contextmanager
def up(start: Start) -> Iterator[Procrastinate]:
    """Start a worker that works on as many as the keys allow."""
    sync = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=_conninfo(start.database)))
    with sync.open():
        sync.schema_manager.apply_schema()
        command = ["-m", "bench.peers.of_procrastinate", _conninfo(start.database), str(start.at_once)]
        log = start.folder / "log"
        with (
            running(command, log, ready=said(log, "Starting worker")),
            psycopg.connect(_conninfo(start.database), autocommit=True) as connection,
        ):
            yield Procrastinate(sync, connection)


class Procrastinate:
    """Defers by the library's own connector; endings are counted in its table."""

    def __init__(self, app: procrastinate.App, connection: psycopg.Connection) -> None:
        self._app, self._connection = app, connection
        self._turns: defaultdict[int, Iterator[int]] = defaultdict(itertools.count)

    def submit(self, key: int) -> str:
        """Defer a task with one of the key's locks."""
        lock = f"{key}-{next(self._turns[key]) % PER_KEY}"
        return str(self._app.configure_task(_TASK, lock=lock).defer())

    def ended(self, number: int) -> bool:
        """Count the jobs that are over."""
        statement = "SELECT count(*) FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing')"
        return int(self._connection.execute(statement).fetchone()[0]) >= number  # type: ignore[index]

    def begun(self, runs: Sequence[str]) -> list[float]:
        """Read when the worker fetched the jobs: results are not kept."""
        statement = (
            "SELECT job_id, extract(epoch FROM max(at)) FROM procrastinate_events JOIN procrastinate_jobs ON "
            "procrastinate_jobs.id = job_id WHERE type = 'started' AND status = 'succeeded' GROUP BY job_id"
        )
        found = {str(run): float(at) for run, at in self._connection.execute(statement)}
        return [found[run] for run in runs]


def _conninfo(url: str) -> str:
    parts = urlsplit(url)
    return f"host={parse_qs(parts.query)['host'][0]} user=postgres dbname={parts.path[1:]}"


async def _work(conninfo: str, at_once: int) -> None:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=conninfo))

    @app.task(name=_TASK)  # type: ignore[untyped-decorator]
    async def nothing() -> float:
        return time.time()

    async with app.open_async():
        await app.run_worker_async(concurrency=at_once)


if __name__ == "__main__":
    import asyncio
    import logging
    import sys

    logging.basicConfig(level=logging.INFO)
    logging.getLogger("procrastinate.jobs").setLevel(logging.WARNING)
    asyncio.run(_work(sys.argv[1], int(sys.argv[2])))
