"""What a run used: its processor time, and the most memory that one of its processes held."""

from __future__ import annotations

import contextlib
import os
import resource
from pathlib import Path

_RESET_PEAK = b"5"


class Usage:
    """Measures one run after the other in this process. To be made before the process is shut in."""

    def __init__(self) -> None:
        self._reset = -1
        with contextlib.suppress(OSError):
            self._reset = os.open("/proc/self/clear_refs", os.O_WRONLY | os.O_CLOEXEC)
        self._cpu_before = 0.0

    def begin(self) -> None:
        """Count from here."""
        with contextlib.suppress(OSError):
            os.write(self._reset, _RESET_PEAK)
        self._cpu_before = _cpu_seconds()

    def so_far(self) -> dict[str, float]:
        """Return ``peak_bytes`` and ``cpu_seconds`` since the beginning; children count when they have ended."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        return {"peak_bytes": max(_peak_bytes(), children), "cpu_seconds": _cpu_seconds() - self._cpu_before}


def _cpu_seconds() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _peak_bytes() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
