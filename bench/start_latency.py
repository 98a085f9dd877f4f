"""How long from submitting a one-row inline job to `completed`, over HTTP, warm and cold, beside their limits.

    python -m bench.start_latency [--jobs 100]

Warm: the deployment's child is at hand (limit: median 50 ms). Cold: the first job of a new deployment (limit: 1.5 s).
The server is a `gristmill up` of its own with an empty data directory; each job is polled until it has ended.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench.server import Server, store_model

WARM_LIMIT_SECONDS = 0.050
COLD_LIMIT_SECONDS = 1.5


def main() -> None:
    """Print both figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--jobs", type=int, default=100)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        space = server.new_space()
        cold = [seconds(server, space, store_model(server, space)) for _ in range(5)]
        deployment = store_model(server, space)
        seconds(server, space, deployment)
        warm = [seconds(server, space, deployment) for _ in range(options.jobs)]
    _row("warm", warm, WARM_LIMIT_SECONDS)
    _row("cold", cold, COLD_LIMIT_SECONDS)


def seconds(server: Server, space: str, deployment: str) -> float:
    """Submit one job and poll it until it has ended; return how long that took."""
    rows = [{"fields": ["a", "b"], "values": [[1, 0]]}]
    document: dict[str, Any] = {"name": "j", "deployment": {"id": deployment}, "scoring": {"input_data": rows}}
    scope = {"space_id": space}
    begun = time.perf_counter()
    made = server.call("POST", "/ml/v4/deployment_jobs", params=scope, json=document)
    path = f"/ml/v4/deployment_jobs/{made['metadata']['id']}"
    while True:
        found = server.call("GET", path, params={**scope, "include": "status"})
        state = found["entity"]["scoring"]["status"]["state"]
        if state == "completed":
            return time.perf_counter() - begun
        if state in {"failed", "canceled"}:
            raise httpx.HTTPError(f"the job {state}: {found}")
        time.sleep(0.001)


def _row(name: str, times: list[float], limit: float) -> None:
    median = statistics.median(times)
    most = sorted(times)[int(len(times) * 0.95)]
    print(
        f"{name}: median {median * 1000:7.1f} ms, p95 {most * 1000:7.1f} ms, limit {limit * 1000:.0f} ms, "
        f"ratio {median / limit:.2f}"
    )


if __name__ == "__main__":
    main()
