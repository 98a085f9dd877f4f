"""Kind ``r_script``: a file run by Rscript in a process group of its own, with the contract of Python scripts."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from gristmill_runner.batch_folder import file_of, run_in_batch
from gristmill_runner.failure import OUT_OF_MEMORY, TRACEBACK_LIMIT, r_missing
from gristmill_runner.protocol import Cause, Result
from gristmill_runner.run_context import Run

_STOP_SECONDS = 5.0
_STORY, _VERSIONS = "r-error.txt", "r-packages.txt"
# Nothing of this machine's users is read or saved, as with --vanilla; but an init file is: ours.
_OPTIONS = ("--no-save", "--no-restore", "--no-environ", "--no-site-file")
# An error's words and calls go to a file too, from where they become the run's cause; and at the end, what was loaded.
_PROFILE = """
local({
  story <- Sys.getenv("GRISTMILL_R_ERROR")
  versions <- Sys.getenv("GRISTMILL_R_PACKAGES")
  Sys.unsetenv(c("R_PROFILE_USER", "GRISTMILL_R_ERROR", "GRISTMILL_R_PACKAGES"))
  reg.finalizer(globalenv(), function(...) {
    loaded <- sort(loadedNamespaces())
    numbers <- vapply(loaded, function(name) as.character(getNamespaceVersion(name)), "")
    writeLines(c(paste("R", getRversion()), paste(loaded, numbers)), versions)
  }, onexit = TRUE)
  options(error = function() {
    calls <- vapply(sys.calls(), function(call) deparse(call, nlines = 1L)[1L], "")
    writeLines(c(trimws(geterrmessage()), "", utils::head(calls, -1L)), story)
    quit("no", status = 1L, runLast = FALSE)
  })
})
"""


def run_r_script(run: Run) -> Result:
    """Run the script; its exit code decides, its output files are kept either way."""
    script = file_of(run.asset, (".R", ".r"))
    result = run_in_batch(run, lambda: execute_r(script, run))
    return {**result, "packages": _packages(run.directory / _VERSIONS)}


def execute_r(script: Path, run: Run) -> Cause | None:
    """Run a script by Rscript and wait for its end; when the run is stopped, so is its process group.

    Raises:
        RunFailed: there is no R.

    """
    program = shutil.which("Rscript")
    if program is None:
        raise r_missing()
    profile, story = run.directory / "r-profile.R", run.directory / _STORY
    told = {"GRISTMILL_R_ERROR": str(story), "GRISTMILL_R_PACKAGES": str(run.directory / _VERSIONS)}
    profile.write_text(_PROFILE, encoding="utf-8")
    process = subprocess.Popen(  # noqa: S603 - running the user's script is the job
        [program, *_OPTIONS, str(script)],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "R_PROFILE_USER": str(profile), **told},
        start_new_session=True,
    )
    try:
        code = process.wait()
    except BaseException:
        _stop(process)
        raise
    return _cause(code, story)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask the script's process group to stop, and end it where it does not."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _packages(versions: Path) -> dict[str, str]:
    """Return R's version and those of the packages that were loaded at the end; none where R was killed."""
    if not versions.exists():
        return {}
    lines = versions.read_text(encoding="utf-8", errors="replace")[:TRACEBACK_LIMIT].splitlines()
    told = (line.partition(" ") for line in lines)
    return {name: number for name, _, number in told if number}


def _cause(code: int, story: Path) -> Cause | None:
    if code == 0:
        return None
    if code < 0:
        return {"code": "killed", "message": f"R died of signal {signal.Signals(-code).name}"}
    told = story.read_text(encoding="utf-8", errors="replace") if story.exists() else ""
    if not told:
        return {"code": "user_code_failed", "message": f"the script exited with code {code}"}
    message, _, calls = told.partition("\n\n")
    failed = OUT_OF_MEMORY if "cannot allocate" in message else "user_code_failed"
    return {"code": failed, "message": " ".join(message.split()), "traceback": calls[-TRACEBACK_LIMIT:]}
