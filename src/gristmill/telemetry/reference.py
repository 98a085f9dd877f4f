"""The reference page of metrics, written from their list: ``python -m gristmill.telemetry.reference FILE``."""

from __future__ import annotations

import sys
from pathlib import Path

from gristmill.telemetry.metrics import METRICS, Kind, Metric, Scope

_HEAD = """# Metrics

What `/metrics` tells, in Prometheus' text format and in OpenMetrics. [Watch it at work](../how-to/observe.md) says
who may read it, and how. This page is written by `make metrics-page`; a test holds it against the code.

Times are in seconds, sizes in bytes.
"""
_OF = {
    Scope.INSTALLATION: """
## Of the installation

Read from the database at each scrape, by queries that an index or a short table answers: every process tells the same.
Take the `max` over processes, never the sum.
""",
    Scope.PROCESS: """
## Of a process

What this process did since it started, counted once it was committed: take the `sum` over processes, and `rate` or
`increase` over time. What a process did that was killed before it was scraped is missing here; `gristmill_runs` misses
nothing. Beside these there are the Prometheus client's own: `process_*` (memory, processor time, open files), and a
`_created` for each counter, when it began.
""",
}


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(_OF[scope] + _table(scope) for scope in Scope)


def _table(scope: Scope) -> str:
    lines = ["", "| metric | kind | labels | what it is |", "|---|---|---|---|"]
    lines += [_line(metric) for metric in METRICS if metric.scope is scope]
    return "\n".join(lines) + "\n"


def _line(metric: Metric) -> str:
    name = metric.name if metric.kind is Kind.HISTOGRAM else metric.series[0]
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{name}` | {metric.kind} | {labels} | {metric.help} |"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
