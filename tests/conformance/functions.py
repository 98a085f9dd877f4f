"""Runs of small functions, for the tests of launchers."""

from __future__ import annotations

import json
from pathlib import Path

from tests.make import eventually

from gristmill.launch.environments import Environment, shipped
from gristmill.launch.launcher import Child, Ending, Launcher, Order
from gristmill_runner.protocol import Result, read_result, write_spec

QUICK = Environment(name="quick", python=shipped().python, preload=("numpy", "joblib"))


def function(directory: Path, body: str, *, code: str = "code.py") -> Path:
    """Make a run of a function with the body, ready to launch."""
    source = directory.parent / code
    if not source.exists():
        source.write_text(f"import os, sys, time, ctypes\ndef score(payload):\n    {body}\n")
    write_spec(
        directory,
        {
            "version": 1,
            "run_id": directory.name,
            "kind": "function",
            "asset_path": str(source),
            "inline": [{"path": "inputs/0.jsonl", "rows": 1, "members": {}}],
            "output": {"kind": "inline"},
        },
    )
    (directory / "inputs/0.jsonl").write_text("[1]\n")
    return directory


def answering(value: str) -> str:
    return f'return {{"predictions": [{{"values": [{value}]}}]}}'


def ended(child: Child, within: float = 30.0) -> Ending:
    ending = child.wait(within)
    child.release()
    assert ending is not None
    return ending


def ran(launcher: Launcher, directory: Path, **order: object) -> Ending:
    return ended(launcher.launch(Order(directory=directory, **order)))  # type: ignore[arg-type]


def result_of(directory: Path) -> Result:
    result = read_result(directory)
    assert result is not None, (directory / "run.log").read_text()
    return result


def answer(directory: Path) -> object:
    assert result_of(directory)["outcome"] == "completed", result_of(directory)
    return json.loads((directory / "outputs/predictions-0.jsonl").read_text())


def begun(launcher: Launcher, directory: Path, **order: object) -> Child:
    child = launcher.launch(Order(directory=directory, **order))  # type: ignore[arg-type]
    eventually(lambda: (directory / "work/begun").exists(), within=60)
    return child


SLEEP = "open('begun', 'w'); print(os.getpid(), os.getppid()); time.sleep(60)"


LEAVES_GRANDCHILDREN = (
    "import subprocess as s; kids = [s.Popen(['sleep', '300']), s.Popen(['sleep', '300'], start_new_session=True), "
    "s.Popen(['sh', '-c', 'setsid sleep 300 & exit 0'])]; time.sleep(0.2); "
)


LIST_SLEEPERS = (
    "[int(p) for p in os.listdir('/proc') if p.isdigit() and "
    "os.path.exists('/proc/' + p + '/cmdline') and b'sleep\\x00300' in open('/proc/' + p + '/cmdline', 'rb').read()]"
)
