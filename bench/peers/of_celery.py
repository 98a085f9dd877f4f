"""Celery over SQLAlchemy, which has no limit a key: its worker has as many threads as the others have slots."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from celery import Celery
from kombu.transport.sqlalchemy import Transport

from bench.peers.processes import running, said
from bench.peers.small_runs import Start

_DATABASE = "BENCH_CELERY_DATABASE"
_ENDED = "('SUCCESS', 'FAILURE', 'REVOKED')"
# How often an empty queue is looked at; its default is 1 s, and the transport takes no option for it.
Transport.polling_interval = 0.05


def _app() -> Celery:
    database = os.environ.get(_DATABASE, "sqlite://")
    app = Celery("bench", broker=f"sqla+{database}", backend=f"db+{database}")
    app.conf.update(broker_connection_retry_on_startup=True)
    return app


app = _app()


@app.task(name="nothing")  # type: ignore[untyped-decorator]
def nothing() -> float:
    """Tell the time."""
    return time.time()


@contextmanager
def up(start: Start) -> Iterator[OfCelery]:
    """Start a worker with as many threads as the keys would allow."""
    os.environ[_DATABASE] = start.database
    log = start.folder / "log"
    command = ["-m", "celery", "-A", "bench.peers.of_celery", "worker", "--pool", "threads", "--loglevel", "INFO"]
    command += ["--concurrency", str(start.at_once), "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with running(command, log, ready=said(log, " ready.")):
        yield OfCelery(_app(), sa.create_engine(start.database))


class OfCelery:
    """Sends by its own client; endings are counted in the table of results."""

    def __init__(self, client: Celery, engine: sa.Engine) -> None:
        self._client, self._engine = client, engine

    def submit(self, key: int) -> str:  # noqa: ARG002 - it knows no keys
        """Send a task."""
        return str(self._client.send_task("nothing").id)

    def ended(self, number: int) -> bool:
        """Count the tasks that have a result."""
        with self._engine.connect() as connection:
            if not sa.inspect(connection).has_table("celery_taskmeta"):
                return False
            statement = f"SELECT count(*) FROM celery_taskmeta WHERE status IN {_ENDED}"
            return int(connection.execute(sa.text(statement)).scalar_one()) >= number

    def begun(self, runs: Sequence[str]) -> list[float]:
        """Read the times that the tasks returned."""
        return [float(self._client.AsyncResult(run).get(timeout=10)) for run in runs]
