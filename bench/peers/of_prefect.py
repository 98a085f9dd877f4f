"""Prefect: background tasks, the lightest that it runs, with a server, a worker and a limit for the tag of each key."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from bench.peers.processes import free_port, running
from bench.peers.small_runs import PER_KEY, Start

if TYPE_CHECKING:
    from prefect import Task

_ENDED = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]
_PAGE = 200


@contextmanager
def up(start: Start) -> Iterator[OfPrefect]:
    """Start a server and a worker; there are more threads than slots, for those that wait for one."""
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    os.environ.update(_settings(start, api))
    log = start.folder / "log"
    server = ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    with httpx.Client(base_url=api, timeout=60) as client, running(server, log, ready=_answers(client)):
        for key in range(start.keys):
            client.post("/concurrency_limits/", json={"tag": f"key-{key}", "concurrency_limit": PER_KEY})
        worker = ["-m", "bench.peers.of_prefect", str(4 * start.at_once)]
        with running(worker, log, ready=lambda: "serving" in log.read_text(errors="replace")):
            yield OfPrefect(client)


class OfPrefect:
    """Delays the task by the library; endings are counted by the server's API."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def submit(self, key: int) -> str:
        """Delay the task with the key's tag."""
        return str(_tagged(key).delay().task_run_id)

    def ended(self, number: int) -> bool:
        """Count the task runs that are over."""
        over = {"task_runs": {"state": {"type": {"any_": _ENDED}}}}
        return int(self._client.post("/task_runs/count", json=over).raise_for_status().json()) >= number

    def begun(self, runs: Sequence[str]) -> list[float]:
        """Read when the task runs became Running."""
        found: dict[str, Any] = {}
        for first in range(0, len(runs), _PAGE):
            body = {"task_runs": {"id": {"any_": list(runs[first : first + _PAGE])}}, "limit": _PAGE}
            page = self._client.post("/task_runs/filter", json=body).raise_for_status().json()
            found |= {run["id"]: run for run in page}
        assert all(found[run]["state_type"] == "COMPLETED" for run in runs)
        return [_seconds(found[run]["start_time"]) for run in runs]


def _settings(start: Start, api: str) -> dict[str, str]:
    return {
        "PREFECT_HOME": str(start.folder),
        "PREFECT_API_URL": api,
        "PREFECT_API_DATABASE_CONNECTION_URL": start.database.replace("+psycopg", "+asyncpg"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # How long a task waits for its tag's slot before it asks again: its default is 10 s.
        "PREFECT_SERVER_TASKS_TAG_CONCURRENCY_SLOT_WAIT_SECONDS": "0.1",
    }


@cache
def _task() -> Task[[], float]:
    # Prefect reads its settings when it is imported.
    from prefect import task

    @task(name="nothing")  # type: ignore[untyped-decorator]
    def nothing() -> float:
        return time.time()

    return nothing


@cache
def _tagged(key: int) -> Task[[], float]:
    return _task().with_options(tags=[f"key-{key}"])


def _answers(client: httpx.Client) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return client.get("/health").is_success
        except httpx.TransportError:
            return False

    return answers


def _seconds(instant: str) -> float:
    return datetime.fromisoformat(instant).timestamp()


if __name__ == "__main__":
    import sys

    from prefect.task_worker import serve

    print("serving", flush=True)
    serve(_task(), limit=int(sys.argv[1]))
