"""What the kernel holds a child to: memory, core files, and who is ended first when the machine's memory runs out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Collection
from pathlib import Path

_RESERVE_BYTES = 64 * 2**20
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None, use_errno=True)


def settle_child() -> None:
    """Leave no core file, and be the kernel's first choice when the whole machine is out of memory."""
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def bound_memory(limit_bytes: int | None) -> None:
    """Bound what the process may allocate beyond what it holds now; a bound that is set already stays.

    The preloaded libraries are shared by all children, so they are not counted against the run.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if limit_bytes is None or soft != resource.RLIM_INFINITY:
        return
    soft = _allocated_bytes() + limit_bytes
    ceiling = soft + _RESERVE_BYTES
    resource.setrlimit(resource.RLIMIT_DATA, (soft, ceiling if hard == resource.RLIM_INFINITY else min(hard, ceiling)))


def open_reserve() -> None:
    """Allow the last megabytes, so that a run out of memory can still say so."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def end_with(parent: int) -> None:
    """Let the kernel end this process when its parent ends; where that has ended already, end now."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Make processes whose parent dies below us our own children, so that none can slip away."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def own_children() -> set[int]:
    """Return the numbers of this process's children, as far as the kernel tells."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    try:
        return {int(pid) for pid in listed.read_text(encoding="ascii").split()}
    except OSError:  # many kernels are built without it
        return {int(path.name) for path in Path("/proc").glob("[0-9]*") if _parent(path) == os.getpid()}


def has_children(*, but: Collection[int] = ()) -> bool:
    """Tell whether a child of this process lives, but for some; those of the others that have ended are reaped."""
    if not but:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
            return True
        return False
    return any(_lives(pid) for pid in own_children() - set(but))


def _lives(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    return False


def _parent(process: Path) -> int:
    with contextlib.suppress(OSError):
        return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])
    return 0


def flush_native_output() -> None:
    """Flush what native libraries printed through C's own buffers."""
    _LIBC.fflush(None)


def _allocated_bytes() -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    return 0
