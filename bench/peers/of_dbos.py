"""DBOS: workflows in a partitioned queue, two of a partition at once; the queue is asked twenty times a second."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import sqlalchemy as sa
from dbos import DBOS, DBOSClient

from bench.peers.processes import running, said
from bench.peers.small_runs import PER_KEY, Start

_QUEUE, _WORKFLOW = "keys", "nothing"
_ENDED = "('SUCCESS', 'ERROR', 'CANCELLED', 'MAX_RECOVERY_ATTEMPTS_EXCEEDED')"
# Its default is 1 s, and would be all that is measured.
_POLL_SECONDS = 0.05


@contextmanager
def up(start: Start) -> Iterator[Dbos]:
    """Start an application that works on as many as the keys allow."""
    log = start.folder / "log"
    command = ["-m", "bench.peers.of_dbos", start.database, str(start.at_once)]
    with running(command, log, ready=said(log, "ready for work")):
        client = DBOSClient(system_database_url=start.database)
        yield Dbos(client, sa.create_engine(start.database))
        client.destroy()


class Dbos:
    """Enqueues by its client; endings are counted in its table."""

    def __init__(self, client: DBOSClient, engine: sa.Engine) -> None:
        self._client, self._engine = client, engine
        self._table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"

    def submit(self, key: int) -> str:
        """Enqueue a workflow in the key's partition."""
        options = {"workflow_name": _WORKFLOW, "queue_name": _QUEUE, "queue_partition_key": str(key)}
        return str(self._client.enqueue(options).get_workflow_id())

    def ended(self, number: int) -> bool:
        """Count the workflows that are over."""
        statement = f"SELECT count(*) FROM {self._table} WHERE status IN {_ENDED} AND name = '{_WORKFLOW}'"
        with self._engine.connect() as connection:
            return int(connection.execute(sa.text(statement)).scalar_one()) >= number

    def begun(self, runs: Sequence[str]) -> list[float]:
        """Read the times that the workflows returned."""
        return [float(self._client.retrieve_workflow(run).get_result()) for run in runs]


def _work(database: str, at_once: int) -> None:
    DBOS(config={"name": "bench", "system_database_url": database, "log_level": "WARNING"})

    @DBOS.workflow(name=_WORKFLOW)  # type: ignore[untyped-decorator]
    def nothing() -> float:
        return time.time()

    DBOS.launch()
    DBOS.register_queue(
        _QUEUE, worker_concurrency=at_once, partition_concurrency=PER_KEY, polling_interval_sec=_POLL_SECONDS
    )
    print("ready for work", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    _work(sys.argv[1], int(sys.argv[2]))
