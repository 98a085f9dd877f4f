"""Tells whether a child's death was the kernel's answer to a lack of memory."""

from __future__ import annotations

import signal
from pathlib import Path

_COUNTER = "oom_kill "
_NEAR_LIMIT = 0.8


def kernel_kills() -> int:
    """Return how often the kernel has ended a process for lack of memory: in our cgroup, or else on this machine."""
    for path in (*_own_cgroup(), Path("/proc/vmstat")):
        try:
            lines = path.read_text(encoding="ascii").splitlines()
        except OSError:
            continue
        counts = [int(line.split()[1]) for line in lines if line.startswith(_COUNTER)]
        if counts:
            return counts[0]
    return 0


def ran_out(
    *, number: int | None, kills_before: int, peak_bytes: int, limit_bytes: int | None, kills: int | None = None
) -> bool:
    """Judge a death by signal: the kernel's kill, or an abort with the memory limit nearly used up.

    ``kills`` are those counted by now; without them it is asked for those in our own group.
    """
    if number == signal.SIGKILL:
        return (kernel_kills() if kills is None else kills) > kills_before
    return number == signal.SIGABRT and limit_bytes is not None and peak_bytes >= _NEAR_LIMIT * limit_bytes


def _own_cgroup() -> list[Path]:
    """Return where our cgroup counts, in the second or the first version of the interface."""
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    places = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            places.append(Path(f"/sys/fs/cgroup{group}/memory.events"))
        elif "memory" in controllers.split(","):
            places.append(Path(f"/sys/fs/cgroup/memory{group}/memory.oom_control"))
    return places
