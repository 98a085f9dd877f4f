"""What a million finished runs cost: claims, the scheduler, the janitor and lists, beside a twin with few.

    python -m bench.finished [--runs 1000000] [--asked 200] [--database sqlite|postgresql]

The runs ended, in 1,000 jobs of 50 spaces, one of which has half of them. Its twin has 40,000, a page's worth of each
job. Both databases take each step in turns. Limit: with the runs a step takes 1.2 times as long at the median.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from fastapi.testclient import TestClient
from tests.make_work import Shop
from tests.people import log_in
from tests.postgres import running_postgres

from bench.lists import Filled
from bench.queue import Line, in_turns, open_bench_shop, urls_of_twins
from gristmill.api.app import create_api
from gristmill.engine.janitor import Janitor
from gristmill.engine.rescuer import Rescuer
from gristmill.engine.scheduler import Scheduler

LIMIT_RATIO = 1.2
_FEW = 40_000


def main() -> None:
    """Print a table for each database."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=1_000_000)
    arguments.add_argument("--asked", type=int, default=200)
    arguments.add_argument("--database", choices=["sqlite", "postgresql"])
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_postgres() as server:
        for name in ("sqlite", "postgresql"):
            if options.database in {None, name}:
                with ExitStack() as stack:
                    urls = zip(("empty", "full"), urls_of_twins(name, folder, server), strict=True)
                    twins = [
                        stack.enter_context(open_bench_shop(url, Path(folder) / name / kind)) for kind, url in urls
                    ]
                    _table(name, twins, options, stack)


@dataclass(frozen=True, slots=True)
class Twin:
    """One of the two databases, and who works with it."""

    shop: Shop
    client: TestClient
    filled: Filled
    line: Line

    def steps(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Yield what is measured, by name, the same for both."""
        context, big, space = self.shop.context, self.filled.big, self.filled.space
        scheduler, rescuer, janitor = Scheduler(context), Rescuer(context), Janitor(context)
        yield "submit", self.line.submit
        yield "claim", self.line.take
        yield "finish", self.line.finish
        yield "the scheduler's step", scheduler.step
        yield "the rescuer's step", rescuer.step
        yield "the janitor's step", janitor.step
        yield "a list of a job's runs", lambda: self._ask(f"/v2/jobs/{big}/runs")
        yield "a list of a space's deployment jobs", lambda: self._ask(f"/ml/v4/deployment_jobs?space_id={space}")
        yield "a list of jobs at a glance", lambda: self._ask(f"/v2/job_summaries?space_id={space}")

    def _ask(self, path: str) -> None:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text


def _table(database: str, shops: list[Shop], options: argparse.Namespace, stack: ExitStack) -> None:
    begun = time.perf_counter()
    # The twin has as many of each job as a list shows, so that both have as much to show.
    filled = [
        Filled(shop, runs, jobs=1_000, spaces=50, waiting=0, idle_jobs=0)
        for shop, runs in zip(shops, (_FEW, options.runs), strict=True)
    ]
    print(f"{database}: {options.runs} runs loaded in {time.perf_counter() - begun:.0f} s")
    twins = []
    for shop, there in zip(shops, filled, strict=True):
        client = stack.enter_context(TestClient(create_api(shop.context)))
        log_in(client, "bench")
        twins.append(Twin(shop, client, there, Line(shop)))
    print(f"{'step':<40}{'few ms':>10}{'full ms':>10}{'times':>8}{'limit':>7}{'ratio':>7}")
    for (name, empty), (_, full) in zip(*(twin.steps() for twin in twins), strict=True):
        times = [statistics.median(each) * 1000 for each in in_turns(options.asked, empty, full)]
        ratio = times[1] / times[0]
        print(f"{name:<40}{times[0]:>10.2f}{times[1]:>10.2f}{ratio:>8.2f}{LIMIT_RATIO:>7}{ratio / LIMIT_RATIO:>7.2f}")


if __name__ == "__main__":
    main()
