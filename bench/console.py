"""How soon the console's pages are painted, and what they transfer, over a table full of runs, in a real Chromium.

    python -m bench.console [--runs 100000] [--jobs 200] [--looks 9]

Limits: the page of a space's jobs is painted (its rows are there) 1 s after it was asked for by a browser that has seen
nothing yet, 0.6 s by one that has; the first transfers 300 KB at most. Other pages stand beside them without limits.
Needs `make console` and `make chromium`.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from sqlalchemy import insert, select
from tests.acceptance.server import API_KEY, running
from tests.make_past import PastJob, make_past_job
from tests.make_work import Shop, open_shop

from gristmill.app import compose
from gristmill.domain.cron import parse_cron
from gristmill.domain.schedule import Schedule
from gristmill.service import users
from gristmill.settings import Settings
from gristmill.store.schema import runs

COLD_LIMIT_SECONDS, WARM_LIMIT_SECONDS = 1.0, 0.6
TRANSFER_LIMIT_BYTES = 300_000
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_FLAGS += ["--enable-precise-memory-info", "--js-flags=--expose-gc"]
_BATCH = 10_000
_NIGHTLY = Schedule(repetition=parse_cron("0 2 * * *"), zone="Europe/Berlin")
_PAINTED = """selector => new Promise(resolve => {
    const look = () => document.querySelector(selector)
        ? requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))) : requestAnimationFrame(look);
    look();
})"""
_TRANSFERRED = """() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .reduce((sum, entry) => sum + entry.transferSize, 0)"""


def main() -> None:
    """Print a row for each page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, default in (("runs", 100_000), ("jobs", 200), ("looks", 9)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        space, job = _fill(data_dir, jobs=options.jobs, each=options.runs // options.jobs)
        pages = {"jobs": f"spaces/{space}/jobs", "job": f"spaces/{space}/jobs/{job}", "spaces": ""}
        with running(data_dir, http_port="0") as server, chromium() as browser:
            said = server.said.read_text()
            base = said.partition("The console is at ")[2].partition("/console/")[0]
            print(f"{'page':<16}{'painted ms':>12}{'p95 ms':>9}{'limit':>7}{'ratio':>7}{'bytes':>10}{'ratio':>7}")
            for name, path in pages.items():
                _rows(name, Visitor(browser, base, path), options.looks)


def _rows(name: str, visitor: Visitor, looks: int) -> None:
    cold = [visitor.cold() for _ in range(looks)]
    warm = visitor.warm(looks)
    for kind, found, limit in (("cold", cold, COLD_LIMIT_SECONDS), ("warm", warm, WARM_LIMIT_SECONDS)):
        times, sizes = sorted(seconds for seconds, _ in found), [size for _, size in found]
        median, most = statistics.median(times), times[int(len(times) * 0.95)]
        size = statistics.median(sizes)
        print(
            f"{name:<10}{kind:<6}{median * 1000:>12.0f}{most * 1000:>9.0f}{limit * 1000:>7.0f}{median / limit:>7.2f}"
            f"{size:>10.0f}{size / TRANSFER_LIMIT_BYTES:>7.2f}"
        )


class Visitor:
    """Somebody who is signed in and opens one page again and again."""

    def __init__(self, browser: Browser, base: str, path: str) -> None:
        self._browser, self._base, self._path = browser, base, path

    def cold(self) -> tuple[float, float]:
        """Open it with an empty cache; return the seconds until its rows are painted, and the bytes transferred."""
        with self.signed_in() as context:
            return self.open(context.new_page())

    def warm(self, times: int) -> list[tuple[float, float]]:
        """Open it again and again."""
        with self.signed_in() as context:
            page = context.new_page()
            self.open(page)
            return [self.open(page) for _ in range(times)]

    def open(self, page: Page, shows: str = "main table tbody tr td") -> tuple[float, float]:
        """Open it; return the seconds until what it ``shows`` (a selector) is painted, and the bytes transferred."""
        page.goto("about:blank")
        page.goto(f"{self._base}/console/{self._path}", wait_until="commit")
        painted: Any = page.evaluate(_PAINTED, shows)
        size: Any = page.evaluate(_TRANSFERRED)
        return painted / 1000, size

    @contextmanager
    def signed_in(self) -> Iterator[BrowserContext]:
        """Sign in within a context of its own."""
        context = self._browser.new_context(base_url=self._base)
        body = {"username": "admin", "password": API_KEY}
        answer = context.request.post("/v1/session", data=body, headers={"Sec-Fetch-Site": "same-origin"})
        assert answer.status == 201, answer.text()
        yield context
        context.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a Chromium without a window."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "There is no chromium: run `make chromium`."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield browser
        browser.close()


def _fill(data_dir: Path, *, jobs: int, each: int) -> tuple[str, str]:
    """Lay jobs with runs into a data directory; return the ids of their space and of one of them."""
    context = compose(Settings(data_dir=data_dir))
    try:
        users.bootstrap(context, API_KEY)
        shop = open_shop(context)
        made = [make_past_job(shop, f"Job {number}", schedule=_NIGHTLY) for number in range(jobs)]
        for past in made:
            past.ended("failed", seconds=90, at=datetime.now(UTC) - timedelta(days=1))
            _copy(shop, past, each)
        return shop.space_id, made[0].job.id
    finally:
        context.database.close()


def _copy(shop: Shop, past: PastJob, number: int) -> None:
    """Give a job as many runs that completed, an hour apart."""
    run_id = past.ended("completed", seconds=60, at=datetime.now(UTC) - timedelta(hours=number + 1))
    new_id = shop.context.new_id
    with shop.context.database.transaction() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().one()
        values = {name: value for name, value in row.items() if name != "place" and value is not None}
        rows = [{**values, "id": new_id(), "deployment_job_id": new_id()} for _ in range(number)]
        for start in range(0, number, _BATCH):
            connection.execute(insert(runs), rows[start : start + _BATCH])


if __name__ == "__main__":
    main()
