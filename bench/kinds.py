"""How long from starting a script or a notebook to its first line and to its end, beside Papermill run by hand.

    python -m bench.kinds [--runs 10]

A script's first line comes within 300 ms of the request (median), a notebook of four trivial cells ends within 2.5 s.
Papermill runs the same notebook in a process of its own where it is installed (`uv pip install papermill` in the
environment that runs this bench); without it, nbclient by hand is what there is to compare with.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench.server import Server

SCRIPT_LIMIT_SECONDS = 0.3
NOTEBOOK_LIMIT_SECONDS = 2.5
_SCRIPT = b"import time\nprint('first line at', time.time(), flush=True)\n"
_CELLS = ("import math", "x = 5", "print(math.sqrt(x))", "x + 1")
_BY_HAND = "import nbformat, nbclient, sys; nb = nbformat.read(sys.argv[1], 4); nbclient.execute(nb)"
# Seldom enough that the server's answers do not take a processor from the run.
_LOOK_SECONDS = 0.05
# What notebooks need is imported while nobody asks for anything.
_SETTLING_SECONDS = 10.0
_ENDED = frozenset({"Completed", "CompletedWithWarnings", "Failed", "Canceled"})


def main() -> None:
    """Print each figure beside its limit."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=10)
    runs = arguments.parse_args().runs
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        space = server.new_space()
        script = _job(server, space, "script", "s.py", _SCRIPT)
        book = _job(server, space, "notebook", "n.ipynb", _notebook())
        for job in (script, book):
            _ended(server, space, job)
        time.sleep(_SETTLING_SECONDS)
        first_lines = [_first_line_seconds(server, space, script) for _ in range(runs)]
        whole = [_ended(server, space, book)[1] for _ in range(runs)]
        by_hand = [_by_hand_seconds(Path(folder)) for _ in range(min(runs, 5))]
    _row("script, request to first line", first_lines, SCRIPT_LIMIT_SECONDS)
    _row("notebook of four cells, request to end", whole, NOTEBOOK_LIMIT_SECONDS)
    print(f"the same by hand ({_tool()}), whole process: median {statistics.median(by_hand):.2f} s")


def _job(server: Server, space: str, kind: str, name: str, content: bytes) -> str:
    scope = {"space_id": space}
    body: dict[str, Any] = {"metadata": {"name": name, "asset_type": kind}, "entity": {kind: {}}}
    asset = server.call("POST", "/v2/assets", params=scope, json=body)["metadata"]["asset_id"]
    place = f"/v2/assets/{asset}/attachments"
    attachment = server.call("POST", place, params=scope, json={"asset_type": kind, "name": name})
    server.call("PUT", attachment["url1"], files={"file": (name, content, "file")})
    server.call("POST", f"{place}/{attachment['attachment_id']}/complete", params=scope)
    body = {"job": {"name": name, "asset_ref": asset, "configuration": {}}}
    return str(server.call("POST", "/v2/jobs", params=scope, json=body)["asset_id"])


def _ended(server: Server, space: str, job: str) -> tuple[str, float]:
    """Start a run and poll it until it has ended; return its path and how long that took."""
    begun = time.perf_counter()
    run = server.call("POST", f"/v2/jobs/{job}/runs", params={"space_id": space}, json={})["asset_id"]
    path = f"/v2/jobs/{job}/runs/{run}"
    while (state := server.call("GET", path)["entity"]["job_run"]["state"]) not in _ENDED:
        time.sleep(_LOOK_SECONDS)
    if not state.startswith("Completed"):
        raise httpx.HTTPError(f"the run {state}: {server.call('GET', f'{path}/logs')}")
    return path, time.perf_counter() - begun


def _first_line_seconds(server: Server, space: str, job: str) -> float:
    """Return how long from the request to the script's own clock at its first line."""
    asked = time.time()
    path, _ = _ended(server, space, job)
    lines = server.call("GET", f"{path}/logs")["results"]
    return float(next(line for line in lines if "first line" in line).split()[-1]) - asked


def _notebook() -> bytes:
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(_CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    document = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    return json.dumps(document).encode()


def _by_hand_seconds(folder: Path) -> float:
    book = folder / "by-hand.ipynb"
    book.write_bytes(_notebook())
    papermill = [sys.executable, "-m", "papermill", "--no-progress-bar", str(book), str(folder / "out.ipynb")]
    command = papermill if _tool() == "papermill" else [sys.executable, "-c", _BY_HAND, str(book)]
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - begun


def _tool() -> str:
    return "papermill" if importlib.util.find_spec("papermill") else "nbclient"


def _row(name: str, times: list[float], limit: float) -> None:
    median, most = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
    print(f"{name}: median {median:.3f} s, p95 {most:.3f} s, limit {limit} s, ratio {median / limit:.2f}")


if __name__ == "__main__":
    main()
