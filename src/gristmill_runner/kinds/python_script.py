"""Kind ``python_script``: a file run as ``__main__``; what it leaves in BATCH_OUTPUT_DIR is zipped in any case."""

from __future__ import annotations

import atexit
import contextlib
import os
import runpy
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gristmill_runner.failure import RunFailed, cause_of
from gristmill_runner.limits import open_reserve
from gristmill_runner.protocol import INPUTS, OUTPUTS, PAYLOAD, Cause, Result
from gristmill_runner.run_context import WORK, Run

_BATCH = "batch"
_DEFAULT_ARCHIVE = "batch.zip"
_EMPTY = "BATCH_OUTPUT_DIR is empty, so there is no output to store"


def run_python_script(run: Run) -> Result:
    """Run the script; its exit code decides, its output files are kept either way."""
    script = _script(run.asset)
    folder = run.directory / OUTPUTS / _BATCH
    folder.mkdir(parents=True, exist_ok=True)
    _set_variables(run, folder)
    cause = _execute(script, run.spec.get("memory_limit_bytes"))
    archive = _archive(run, folder)
    result: Result = {"outcome": "completed" if cause is None else "failed", "outputs": [archive] if archive else []}
    if cause is not None:
        result["cause"] = cause
    elif archive is None:
        result["warning"] = _EMPTY
    return result


def _script(asset: Path) -> Path:
    if asset.is_file():
        return asset
    inside = [file for file in sorted(asset.rglob("*")) if file.is_file()]
    # The client calls a script's attachment after the asset's id, without a suffix.
    files = [file for file in inside if file.suffix == ".py"] or inside
    if len(files) != 1:
        raise RunFailed("asset_missing", f"the script's content has {len(files)} Python files, where one is expected")
    return files[0]


def _set_variables(run: Run, folder: Path) -> None:
    payload = run.directory / PAYLOAD
    if not payload.exists():
        payload.write_text("{}", encoding="utf-8")
    os.environ["BATCH_INPUT_DIR"] = str(run.directory / INPUTS)
    os.environ["BATCH_OUTPUT_DIR"] = str(folder)
    os.environ["JOBS_PAYLOAD_FILE"] = str(payload)
    os.environ["WORKDIR"] = str(run.directory / WORK)


def _execute(script: Path, memory_limit_bytes: int | None) -> Cause | None:
    """Run the script to its very end: its threads and exit hooks too."""
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


def _archive(run: Run, folder: Path) -> str | None:
    """Zip the folder's content under plain names; return the archive's path below the run directory."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if not files:
        return None
    name = f"{OUTPUTS}/{(run.spec.get('output') or {}).get('path') or _DEFAULT_ARCHIVE}"
    draft = run.directory / OUTPUTS / ".archive.draft"
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archive:
        for file in files:
            archive.write(file, file.relative_to(folder))
    target = run.directory / name
    if target == folder:
        folder.rename(folder.with_name(f"{_BATCH}.files"))
    target.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(target)
    return name
