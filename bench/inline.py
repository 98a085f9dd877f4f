"""Huge inline payloads: are they taken and scored in bounded memory, and do lists stay fast beside them.

    python -m bench.inline [--mib 1024]

Limits: the server's resident memory grows by at most 100 MiB (its children are not counted: they are bounded by the
hardware specification, and printed too), and the list of jobs takes as long as before.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bench.server import Server, store_model

GROWTH_LIMIT_MIB = 100
_ROW = b"[0.739, 0.056],"
_MIB = 2**20


def main() -> None:
    """Print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mib", type=int, default=1024)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        space = server.new_space()
        deployment = store_model(server, space)
        _run(server, space, deployment, [b"[1, 0]"])
        before = _list_seconds(server, space)
        rows = options.mib * _MIB // len(_ROW)
        with _Memory(server.process.pid) as memory:
            accepted, completed, found = _run(server, space, deployment, _rows(rows))
        after = _list_seconds(server, space)
    status = found["entity"]["scoring"]["status"]
    print(f"{options.mib} MiB, {rows} rows: accepted after {accepted:.1f} s, completed after {completed:.1f} s")
    print(f"status: {status}")
    growth = memory.growth_mib
    print(f"server grew by {growth:.0f} MiB, limit {GROWTH_LIMIT_MIB} MiB, ratio {growth / GROWTH_LIMIT_MIB:.2f}")
    print(f"children together: at most {memory.children_mib:.0f} MiB")
    print(f"list of jobs: {before * 1000:.1f} ms before, {after * 1000:.1f} ms after, ratio {after / before:.2f}")


def _rows(number: int) -> Iterator[bytes]:
    block = 50_000
    for start in range(0, number, block):
        rows = _ROW * min(block, number - start)
        yield rows[:-1] if start + block >= number else rows


def _run(
    server: Server, space: str, deployment: str, rows: Iterator[bytes] | list[bytes]
) -> tuple[float, float, dict[str, Any]]:
    def body() -> Iterator[bytes]:
        yield b'{"name": "large", "deployment": {"id": "%s"}, "scoring": {"input_data": [' % deployment.encode()
        yield b'{"fields": ["a", "b"], "values": ['
        yield from rows
        yield b"]}]}}"

    begun = time.perf_counter()
    scope = {"space_id": space}
    made = server.call("POST", "/ml/v4/deployment_jobs", params=scope, content=body())
    accepted = time.perf_counter() - begun
    path = f"/ml/v4/deployment_jobs/{made['metadata']['id']}"
    while True:
        found = server.call("GET", path, params={**scope, "include": "status"})
        if found["entity"]["scoring"]["status"]["state"] in {"completed", "failed", "canceled"}:
            return accepted, time.perf_counter() - begun, found
        time.sleep(0.05)


def _list_seconds(server: Server, space: str) -> float:
    times = []
    for _ in range(30):
        begun = time.perf_counter()
        server.call("GET", "/ml/v4/deployment_jobs", params={"space_id": space})
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


class _Memory:
    """Watches the resident memory of the server and of its children."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._before = self._process.memory_info().rss
        self._most = self._before
        self._children = 0

    def __enter__(self) -> _Memory:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def growth_mib(self) -> float:
        return float(self._most - self._before) / _MIB

    @property
    def children_mib(self) -> float:
        return self._children / _MIB

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self._most = max(self._most, self._process.memory_info().rss)
            self._children = max(self._children, sum(_resident(child) for child in self._process.children(True)))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


if __name__ == "__main__":
    main()
