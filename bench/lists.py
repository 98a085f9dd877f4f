"""How fast lists are with a million runs, page after page and by any filter, over HTTP.

    python -m bench.lists [--runs 1000000] [--jobs 1000] [--spaces 50] [--asked 40] [--database sqlite|postgresql]

Half of the runs belong to one job, whose oldest tenth failed; of the others one in a hundred failed, the newest never.
A further space has 10 000 jobs, and a further lane 100 000 runs that wait. Each list is asked for again and again; its
median and 95th percentile stand beside their limits: 50 ms at the median, 200 ms for 95 of 100.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy import text
from tests.make_queue import make_lane
from tests.make_work import Shop
from tests.people import log_in
from tests.postgres import running_postgres

from bench.queue import open_bench_shop
from gristmill.api.app import create_api
from gristmill.service.spaces import NewSpace, create
from gristmill.store.database import Connection

MEDIAN_LIMIT_SECONDS = 0.050
P95_LIMIT_SECONDS = 0.200
_BATCH = 20_000
_CROWD_BATCH = 1_000
_DEEP_PAGES = 100
Step = Callable[[], object]


def main() -> None:
    """Print a table for each database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, default in (("runs", 1_000_000), ("jobs", 1_000), ("spaces", 50), ("asked", 40)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        urls = {"sqlite": f"sqlite:///{folder}/l.db", "postgresql": server.new_empty_database()}
        for name, url in urls.items():
            if options.database in {None, name}:
                with open_bench_shop(url, Path(folder) / name) as shop:
                    _table(name, shop, options)


def _table(database: str, shop: Shop, options: argparse.Namespace) -> None:
    begun = time.perf_counter()
    filled = Filled(shop, options.runs, options.jobs, options.spaces)
    print(f"{database}: {options.runs} runs loaded in {time.perf_counter() - begun:.0f} s")
    print(f"{'list':<52}{'median ms':>10}{'p95 ms':>9}{'limit':>7}{'ratio':>7}")
    with TestClient(create_api(shop.context)) as client:
        log_in(client, "bench")
        for name, step in Lists(client, filled).steps():
            _row(name, [_seconds(step) for _ in range(options.asked)])


def _row(name: str, times: list[float]) -> None:
    median, most = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
    ratio = max(median / MEDIAN_LIMIT_SECONDS, most / P95_LIMIT_SECONDS)
    print(f"{name:<52}{median * 1000:>10.1f}{most * 1000:>9.1f}{MEDIAN_LIMIT_SECONDS * 1000:>7.0f}{ratio:>7.2f}")


def _seconds(step: Step) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


class Lists:
    """The lists that are asked for, as a client asks for them."""

    def __init__(self, client: TestClient, filled: Filled) -> None:
        self._client = client
        self._filled = filled

    def steps(self) -> Iterator[tuple[str, Step]]:
        """Yield each kind of list, and one request for it."""
        filled, big = self._filled, f"/v2/jobs/{self._filled.big}/runs"
        small = f"/v2/jobs/{filled.small}/runs"
        yield from self._pages("runs of a job of half a million", big, {}, ask=self._platform)
        yield from self._pages("... that failed: the oldest tenth", big, {"states": "Failed"}, ask=self._platform)
        yield from self._pages("... that completed", big, {"states": "Completed"}, ask=self._platform)
        states = {"states": "Canceled,Running,Failed,Queued"}
        yield from self._pages("... in four states", big, states, ask=self._platform)
        yield "runs of a small job", lambda: self._platform(small, {})
        yield "... that failed", lambda: self._platform(small, {"states": "Failed"})
        deployment_jobs, crowd = "/ml/v4/deployment_jobs", {"space_id": filled.space}
        yield from self._pages("deployment jobs of a space", deployment_jobs, crowd, ask=self._ml)
        failed = {**crowd, "state": "failed"}
        yield from self._pages("... that failed", deployment_jobs, failed, ask=self._ml)
        rare = {"space_id": filled.small_space, "state": "failed"}
        yield "deployment jobs of a small space that failed", lambda: self._ml(deployment_jobs, rare)
        for name, lane in (("all of the space's", filled.big), ("one of many", filled.small_in_space)):
            of_lane = {**crowd, "deployment_id": lane}
            yield f"deployment jobs of a deployment: {name}", lambda of=of_lane: self._ml(deployment_jobs, of)  # type: ignore[misc]
            of_lane = {**of_lane, "state": "failed"}
            yield "... that failed", lambda of=of_lane: self._ml(deployment_jobs, of)  # type: ignore[misc]
        jobs = {"space_id": filled.space_of_jobs}
        yield from self._pages("jobs of a space of 10000", "/v2/jobs", jobs, ask=self._platform)
        waiting = f"/v2/jobs/{filled.crowded}/runs/{filled.last_waiting}"
        yield "a run that waits behind 100000", lambda: self._get(waiting, {})

    def _pages(
        self, name: str, path: str, query: dict[str, str], *, ask: Callable[..., str | None]
    ) -> Iterator[tuple[str, Step]]:
        yield name, lambda: ask(path, query)
        second = ask(path, query)
        if not second:
            return
        yield "  second page", lambda: ask(path, query, second)
        deep = second
        for _ in range(_DEEP_PAGES - 2):
            deep = ask(path, query, deep) or deep
        yield "  hundredth page", lambda: ask(path, query, deep)

    def _platform(self, path: str, query: dict[str, str], mark: str | None = None) -> str | None:
        found = self._get(path, {**query, "next": mark} if mark else query)
        return json.dumps(found["next"]) if "next" in found else None

    def _ml(self, path: str, query: dict[str, str], mark: str | None = None) -> str | None:
        return str(self._get(mark or path, {} if mark else query).get("next", {}).get("href", "")) or None

    def _get(self, path: str, query: dict[str, str]) -> Any:  # noqa: ANN401 - any JSON
        answer = self._client.get(path, params=query) if query else self._client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Filled:
    """A database full of runs, and the ids of what is asked for."""

    def __init__(
        self, shop: Shop, runs: int, jobs: int, spaces: int, *, waiting: int = 100_000, idle_jobs: int = 10_000
    ) -> None:
        self._shop = shop
        self._template = shop.submit(shop.deploy()).run.id
        with shop.context.database.transaction() as connection:
            connection.execute(text(_CAUSE), {"id": self._template})
        self.space = shop.space_id
        self._spaces = [self.space, *(self._new_space() for _ in range(spaces - 1))]
        self.small_space, self.space_of_jobs = self._spaces[1], self._new_space()
        with shop.context.database.transaction() as connection:
            self.big = make_lane(connection, self.space)
            others = [(space, make_lane(connection, space)) for space in self._spaces * (jobs // spaces)]
            self.crowded = make_lane(connection, self.space, max_running=1)
            for _ in range(idle_jobs):
                make_lane(connection, self.space_of_jobs)
        self.small, self.small_in_space = others[1][1], others[0][1]
        self._load(runs, others)
        self.last_waiting = self._crowd(waiting) if waiting else ""
        self._settle()

    def _new_space(self) -> str:
        return create(self._shop.context, self._shop.actor, NewSpace(name="s")).id

    def _load(self, runs: int, others: list[tuple[str, str]]) -> None:
        for start in range(0, runs, _BATCH):
            rows = [self._run(number, runs, others) for number in range(start, min(start + _BATCH, runs))]
            self._insert(rows)

    def _run(self, number: int, runs: int, others: list[tuple[str, str]]) -> dict[str, str]:
        """Let the big job's runs come first, so that lists of others have to find their way past them, and back."""
        if number < runs // 2:
            return self._row(self.space, self.big, "failed" if number < runs // 20 else "completed")
        space, job = others[number % len(others)]
        seldom = number % (100 * len(others)) < len(others) and number < runs * 0.9
        return self._row(space, job, "failed" if seldom else "completed")

    def _crowd(self, number: int) -> str:
        rows = [self._row(self.space, self.crowded, "queued") for _ in range(number)]
        # Few at a time: PostgreSQL keeps every version of the lane's row until the transaction ends.
        for start in range(0, number, _CROWD_BATCH):
            self._insert(rows[start : start + _CROWD_BATCH])
        return rows[-1]["id"]

    def _row(self, space: str, lane: str, state: str) -> dict[str, str]:
        new_id = self._shop.context.new_id
        return {"id": new_id(), "other": new_id(), "space": space, "lane": lane, "state": state}

    def _insert(self, rows: list[dict[str, str]]) -> None:
        with self._shop.context.database.transaction() as connection:
            # All at once from a table aside: PostgreSQL counts them by the statement.
            connection.execute(text(_FRESH))
            connection.execute(text("INSERT INTO fresh VALUES (:id, :other, :space, :lane, :state)"), rows)
            connection.execute(text(_INSERT), {"template": self._template})
            connection.execute(text("DROP TABLE fresh"))

    def _settle(self) -> None:
        """Let the database have its statistics, as it has after a while."""
        with self._shop.context.database.engine.connect() as connection:
            _analyze(connection.execution_options(isolation_level="AUTOCOMMIT"))


def _analyze(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("VACUUM ANALYZE"))


_CAUSE = """UPDATE runs SET cause = '{"code": "x", "message": "x"}' WHERE id = :id"""
_FRESH = (
    "CREATE TEMPORARY TABLE fresh (id VARCHAR(36), other VARCHAR(36), space VARCHAR(36), lane VARCHAR(36), "
    "state VARCHAR(20))"
)
_ENDED = "CASE WHEN fresh.state = 'queued' THEN NULL ELSE modified_at END"
_INSERT = f"""
INSERT INTO runs (id, deployment_job_id, space_id, job_id, lane_id, deployment_id, name, kind, state, requester_id,
    created_at, modified_at, started_at, finished_at, cause, spec)
SELECT fresh.id, fresh.other, fresh.space, fresh.lane, fresh.lane, fresh.lane, name, kind, fresh.state, requester_id,
    created_at, modified_at, {_ENDED}, {_ENDED}, CASE WHEN fresh.state = 'failed' THEN cause END, spec
FROM fresh CROSS JOIN runs WHERE runs.id = :template
"""


if __name__ == "__main__":
    main()
