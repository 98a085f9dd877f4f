"""Serves run directories named on a pipe, one after the other; when the pipe's other end is gone, so is everything."""

from __future__ import annotations

import json
import os
import queue
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

from gristmill_runner.interruption import Interruption
from gristmill_runner.limits import settle_child
from gristmill_runner.one_run import live_output, run_directory
from gristmill_runner.run_context import Shelf
from gristmill_runner.usage import Usage


def serve(orders: int, replies: int, *, usage: Usage | None = None, isolation: list[str] | None = None) -> None:
    """Run the directories named on the descriptor ``orders``, a line each; answer each on ``replies``; never return.

    ``isolation``, what holds of the box around this process, is told before anything else.

    End of file on ``orders`` is the lifeline's end: it kills the process group, whatever user code is doing.
    """
    settle_child()
    live_output()
    interruption, shelf, usage = Interruption(), Shelf(), usage or Usage()
    if isolation is not None:
        _answer(replies, {"isolation": isolation})
    directories: queue.SimpleQueue[Path] = queue.SimpleQueue()
    threading.Thread(target=_read_orders, args=(orders, directories), daemon=True).start()
    while True:
        directory = directories.get()
        usage.begin()
        reply = run_directory(directory, shelf, interruption)
        reply["reusable"] = reply["reusable"] and not shelf.has_strays()
        _answer(replies, {**reply, **_used(usage, shelf)})


def take_standard_input() -> int:
    """Return standard input under another number, so that user code and its children read nothing from it."""
    orders = os.dup(0)  # not inheritable, as Python's dup is
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return orders


def _used(usage: Usage, shelf: Shelf) -> dict[str, float]:
    used, kept = usage.so_far(), shelf.processes
    if kept is not None:
        used["peak_bytes"] = max(used["peak_bytes"], kept.peak_bytes)
        used["cpu_seconds"] += kept.cpu_seconds
    return used


def _answer(replies: int, answer: Mapping[str, object]) -> None:
    os.write(replies, json.dumps(answer).encode("ascii") + b"\n")


def _read_orders(orders: int, directories: queue.SimpleQueue[Path]) -> None:
    with os.fdopen(orders, encoding="utf-8") as lines:
        for line in lines:
            directories.put(Path(line.rstrip("\n")))
    os.killpg(0, signal.SIGKILL)
