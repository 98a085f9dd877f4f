"""Kind ``python_script``: a file run as ``__main__``; what it leaves in BATCH_OUTPUT_DIR is zipped in any case."""

from __future__ import annotations

import atexit
import contextlib
import runpy
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from gristmill_runner.batch_folder import file_of, run_in_batch
from gristmill_runner.failure import cause_of
from gristmill_runner.limits import open_reserve
from gristmill_runner.protocol import Cause, Result
from gristmill_runner.run_context import Run


def run_python_script(run: Run) -> Result:
    """Run the script; its exit code decides, its output files are kept either way."""
    script = file_of(run.asset, (".py",))
    return run_in_batch(run, lambda: execute_python(script, run.spec.get("memory_limit_bytes")))


def execute_python(script: Path, memory_limit_bytes: int | None) -> Cause | None:
    """Run a script to its very end: its threads and exit hooks too."""
    try:
        with _as_main(script):
            runpy.run_path(str(script), run_name="__main__")
            _outlive_threads()
    except SystemExit as stop:
        return _cause_of_exit(stop)
    except Exception as error:  # noqa: BLE001 - the user's exception becomes the cause
        open_reserve()
        return cause_of(error, memory_limit_bytes=memory_limit_bytes)
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - the process goes on, for the script it ends here
    return None


@contextlib.contextmanager
def _as_main(script: Path) -> Iterator[None]:
    arguments, sys.argv = sys.argv, [str(script)]
    sys.path.insert(0, str(script.parent))
    try:
        yield
    finally:
        sys.argv = arguments
        sys.path.remove(str(script.parent))


def _outlive_threads() -> None:
    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()


def _cause_of_exit(stop: SystemExit) -> Cause | None:
    if stop.code is None or stop.code == 0:
        return None
    if isinstance(stop.code, int):
        return {"code": "user_code_failed", "message": f"the script exited with code {stop.code}"}
    return {"code": "user_code_failed", "message": f"the script exited: {stop.code}"}
