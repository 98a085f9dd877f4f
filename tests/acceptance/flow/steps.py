"""Named steps: run one after the other, timed and told; one that fails names itself, and the flow goes on.

Standard library only: the older client's environment runs this too.
"""

from __future__ import annotations

import contextlib
import io
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.acceptance.flow.recorder import Recorder

_OURS = str(Path(__file__).parent)
_SHOWN = 2000


@dataclass
class Steps:
    """The steps of one part of a flow, in the order in which they are written."""

    steps: list[tuple[str, str | None, Callable[[Any], None]]] = field(default_factory=list)

    def __call__(
        self, name: str, *, mode: str | None = None
    ) -> Callable[[Callable[[Any], None]], Callable[[Any], None]]:
        """Take a function as the next step; with ``mode``, for clients of that mode only."""

        def take(step: Callable[[Any], None]) -> Callable[[Any], None]:
            self.steps.append((name, mode, step))
            return step

        return take


def run(parts: Iterable[Steps], flow: Any, recorder: Recorder) -> int:
    """Run every step with ``flow``; print a line for each, and tracebacks; return how many failed."""
    failed = 0
    recorder.listen()
    for name, only, step in (each for part in parts for each in part.steps):
        if only in (None, recorder.mode):
            passed = _run(name, step, flow)
            recorder.end_step(name, passed=passed)
            failed += not passed
    recorder.write(Path.cwd())
    _tell(f"{failed} failed")
    return failed


@contextlib.contextmanager
def refused(expected: str) -> Iterator[None]:
    """Expect that the block is refused with a message that holds this text."""
    try:
        yield
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        if expected not in told:
            raise
        return
    raise AssertionError(f"nothing was refused where {expected!r} was expected")


def _run(name: str, step: Callable[[Any], None], flow: Any) -> bool:
    begun, story = time.monotonic(), ""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # the clients are talkative
            step(flow)
    except Exception:  # noqa: BLE001 - whatever goes wrong, the steps after it are tried
        story = _story()
    _tell(f"{'FAIL' if story else 'ok  '} {time.monotonic() - begun:6.2f} s  {name}")
    if story:
        _tell(story)
    return not story


def _story() -> str:
    """Return the traceback with the values at hand where the step failed: an assertion tells nothing of them."""
    told, where = traceback.format_exc(), sys.exc_info()[2]
    while where is not None and where.tb_next is not None and _OURS in where.tb_next.tb_frame.f_code.co_filename:
        where = where.tb_next
    values = where.tb_frame.f_locals if where else {}
    lines = [f"    {name} = {str(value)[:_SHOWN]}\n" for name, value in values.items() if name not in {"flow", "self"}]
    return told + "".join(lines)


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
