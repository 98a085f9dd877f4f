"""What a log of a million lines costs whoever looks at it in the console, beside one of ten lines, in a real Chromium.

    python -m bench.console_log [--lines 1000000] [--looks 5]

Its page is painted, a line in the middle is gone to, a text is found that only the last line has, and the page's memory
and elements are counted. The ratio is to the short log. Needs `make console` and `make chromium`.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Page
from sqlalchemy import update
from tests.acceptance.server import API_KEY, running
from tests.make_past import make_past_job
from tests.make_work import Shop, open_shop

from bench.console import Visitor, chromium
from gristmill.app import compose
from gristmill.domain.run_spec import RunResult
from gristmill.service import users
from gristmill.settings import Settings
from gristmill.store.schema import runs

_SHORT = 10
_LAST = "the last line of all"
_FORGET = "() => window.gc && window.gc()"
_HEAP = "() => performance.memory.usedJSHeapSize"


def main() -> None:
    """Print a row for each thing that a reader does."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--lines", type=int, default=1_000_000)
    arguments.add_argument("--looks", type=int, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        places = _fill(data_dir, (_SHORT, options.lines))
        with running(data_dir, http_port="0") as server, chromium() as browser:
            said = server.said.read_text()
            base = said.partition("The console is at ")[2].partition("/console/")[0]
            found = [
                _median([_read(Visitor(browser, base, place), lines) for _ in range(options.looks)])
                for lines, place in zip((_SHORT, options.lines), places, strict=True)
            ]
    print(f"{'':<28}{_SHORT:>10,} lines{options.lines:>12,} lines{'ratio':>8}")
    for name, short in found[0].items():
        print(f"{name:<28}{short:>16.0f}{found[1][name]:>18.0f}{found[1][name] / short:>8.2f}")


def _read(visitor: Visitor, lines: int) -> dict[str, float]:
    """Look at one log as a person does, and return what each step took."""
    with visitor.signed_in() as context:
        page = context.new_page()
        painted, _bytes = visitor.open(page, ".log-line")
        middle = lines // 2
        jumped = _timed(lambda: _go(page, middle))
        found = _timed(lambda: _find(page, lines))
        page.evaluate(_FORGET)
        return {
            "painted ms": painted * 1000,
            "line in the middle ms": jumped * 1000,
            "text in the last line ms": found * 1000,
            "JavaScript heap MB": page.evaluate(_HEAP) / 1e6,
            "elements": page.evaluate("() => document.querySelectorAll('*').length"),
        }


def _go(page: Page, line: int) -> None:
    page.evaluate("line => { location.hash = `L${line}`; }", line)
    page.locator(f"#L{line}.marked").wait_for()


def _find(page: Page, line: int) -> None:
    page.get_by_role("searchbox", name="Find in the log").fill(_LAST)
    page.keyboard.press("Enter")
    page.locator(f"#L{line}.marked").wait_for()


def _timed(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _median(looks: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(look[name] for look in looks) for name in looks[0]}


def _fill(data_dir: Path, sizes: tuple[int, ...]) -> list[str]:
    """Lay a run with a log of each size into a data directory; return the paths of their pages."""
    context = compose(Settings(data_dir=data_dir))
    try:
        users.bootstrap(context, API_KEY)
        shop = open_shop(context)
        return [_logged(shop, lines) for lines in sizes]
    finally:
        context.database.close()


def _logged(shop: Shop, lines: int) -> str:
    past = make_past_job(shop, f"Job with {lines} lines")
    run_id = past.ended("completed", seconds=60, at=datetime.now(UTC) - timedelta(hours=1))
    key = shop.context.content.put(_log(lines)).key
    with shop.context.database.transaction() as connection:
        statement = update(runs).where(runs.c.id == run_id)
        connection.execute(statement.values(result=RunResult(log_key=key).document()))
    return f"spaces/{shop.space_id}/jobs/{past.job.id}/runs/{run_id}"


def _log(lines: int) -> Iterator[bytes]:
    for number in range(1, lines):
        yield f"2026-11-29T02:00:00.000Z row {number} of {lines} was scored without anything of note\n".encode()
    yield f"2026-11-29T02:00:00.000Z {_LAST}\n".encode()


if __name__ == "__main__":
    main()
