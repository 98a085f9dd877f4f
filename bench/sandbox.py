"""What the box around user code costs: from the order to the first line of user code, with it and without.

    python -m bench.sandbox [--runs 40]

Cold: a fresh child a run. Warm: a child that is there. Once with a zygote that has imported nothing, once with the
libraries that Gristmill preloads. The cost that is aimed at is 27 ms at most for a cold start.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from gristmill.launch.confinement import Sandbox
from gristmill.launch.environments import Environment, shipped
from gristmill.launch.launcher import Order
from gristmill.launch.process import ProcessLauncher
from gristmill_runner.protocol import write_spec

_CODE = """
import time
def score(payload):
    return {"predictions": [{"values": [[time.time()]]}]}
"""


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=40)
    options = arguments.parse_args()
    bare = Environment(name="bare", python=shipped().python, preload=())
    print(f"{'zygote':<12}{'sandbox':<10}{'cold, ms':>10}{'p95':>8}{'warm, ms':>10}{'p95':>8}")
    for name, environment in (("bare", bare), ("preloaded", shipped())):
        for sandbox in ("off", "auto"):
            cold, warm = (_times(environment, sandbox, options.runs, warm=warm) for warm in (False, True))
            print(f"{name:<12}{sandbox:<10}{_median(cold)}{_p95(cold)}{_median(warm)}{_p95(warm)}")


def _times(environment: Environment, sandbox: Sandbox, runs: int, *, warm: bool) -> list[float]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "code.py").write_text(_CODE)
        launcher = ProcessLauncher(directory=home, environment=environment, sandbox=sandbox)
        try:
            times = [_one(launcher, home, f"run-{number}", warm=warm) for number in range(runs + 2)]
        finally:
            launcher.close()
    return times[2:]


def _one(launcher: ProcessLauncher, home: Path, name: str, *, warm: bool) -> float:
    """Return the seconds until user code ran."""
    directory = home / name
    table = {"path": "inputs/0.jsonl", "rows": 1, "members": {}}
    write_spec(
        directory,
        {
            "version": 1,
            "run_id": name,
            "kind": "function",
            "asset_path": str(home / "code.py"),
            "inline": [table],  # type: ignore[list-item]
            "output": {"kind": "inline"},
        },
    )
    (directory / "inputs/0.jsonl").write_text("[1]\n")
    warm_key = "bench" if warm else None
    order = Order(directory=directory, warm_key=warm_key, readable=[home / "code.py"], memory_limit_bytes=2**30)
    begun = time.time()
    child = launcher.launch(order)
    assert child.wait(60) is not None
    child.release()
    return float((directory / "outputs/predictions-0.jsonl").read_text().strip("[]\n")) - begun


def _median(times: list[float]) -> str:
    return f"{statistics.median(times) * 1000:>10.1f}"


def _p95(times: list[float]) -> str:
    return f"{sorted(times)[int(len(times) * 0.95)] * 1000:>8.1f}"


if __name__ == "__main__":
    main()
