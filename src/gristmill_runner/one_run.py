"""Runs one run directory from its specification to its result, and leaves the process as it was found."""

from __future__ import annotations

import contextlib
import gc
import platform
import sys
import traceback
from pathlib import Path
from typing import TextIO

from gristmill_runner.failure import OUT_OF_MEMORY, cause_of, tell
from gristmill_runner.interruption import Interruption
from gristmill_runner.kinds.run_kind import run_kind
from gristmill_runner.limits import bound_memory, flush_native_output, open_reserve
from gristmill_runner.protocol import (
    EXIT_CANCELED,
    EXIT_COMPLETED,
    EXIT_FAILED,
    EXIT_PROTOCOL,
    OUTPUTS,
    VERSION,
    Reply,
    Result,
    Spec,
    read_spec,
    write_result,
)
from gristmill_runner.run_context import Run, Shelf
from gristmill_runner.surroundings import surroundings

_REUSABLE_KINDS = ("model", "function")
_SPOILING_CAUSES = (OUT_OF_MEMORY, "model_load_failed")
_EXIT_CODES = {"completed": EXIT_COMPLETED, "failed": EXIT_FAILED, "canceled": EXIT_CANCELED}


def run_directory(directory: Path, shelf: Shelf, interruption: Interruption) -> Reply:
    """Run a directory and write its result; whatever user code does, there is a result unless the process dies."""
    try:
        spec = read_spec(directory)
    except (OSError, ValueError) as error:
        traceback.print_exc()
        _write(directory, {"outcome": "failed", "cause": {"code": "protocol", "message": str(error)}})
        return {"exit_code": EXIT_PROTOCOL, "reusable": False}
    result = _result(Run(directory, spec, shelf), interruption)
    if "cause" in result:
        tell(result["cause"])
    _flush_output()
    _write(directory, result)
    return {"exit_code": _EXIT_CODES[result["outcome"]], "reusable": _is_reusable(spec, result, interruption)}


def _result(run: Run, interruption: Interruption) -> Result:
    limit = run.spec.get("memory_limit_bytes")
    try:
        with surroundings(run.directory, run.spec), interruption:
            bound_memory(limit)
            (run.directory / OUTPUTS).mkdir(exist_ok=True)
            result = run_kind(run)
        if interruption.delivered:  # user code caught it and came to an end of its own
            return {"outcome": "canceled"}
        result.setdefault("outcome", "completed")
        return result
    except BaseException as error:  # noqa: BLE001 - any ending of user code must become a result
        if interruption.requested:
            return _unfinished(run, {"outcome": "canceled"})
        open_reserve()
        cause = cause_of(error, memory_limit_bytes=limit)
        return _unfinished(run, {"outcome": "failed", "cause": cause})
    finally:
        gc.collect(0)


def _unfinished(run: Run, result: Result) -> Result:
    run.so_far.update(result)
    return run.so_far


def _write(directory: Path, result: Result) -> None:
    result["version"], result["python"] = VERSION, platform.python_version()
    result.setdefault("packages", {})
    write_result(directory, result)


def _is_reusable(spec: Spec, result: Result, interruption: Interruption) -> bool:
    spoilt = result.get("cause", {}).get("code") in _SPOILING_CAUSES
    return spec.get("kind") in _REUSABLE_KINDS and not spoilt and not interruption.requested


def live_output() -> None:
    """Let every printed line leave the process at once, whatever its characters."""
    sys.stdout, sys.stderr = _line_by_line(1), _line_by_line(2)


def _line_by_line(descriptor: int) -> TextIO:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _flush_output() -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    flush_native_output()
