"""What runs left whose worker died: logs, files of user code, and a model's rows, kept when the runs have ended."""

from __future__ import annotations

import logging
from pathlib import Path

from gristmill.domain.run import FINAL, REPEATABLE_KINDS, Run, RunState
from gristmill.domain.run_spec import ResultFile, RunResult
from gristmill.engine import free_disk, harvest, kept_rows, takeover
from gristmill.engine.run_files import KINDS, RunFiles
from gristmill.service import claims, contents
from gristmill.service.context import Context
from gristmill_runner import protocol

_log = logging.getLogger("gristmill.engine")


class Salvage:
    """Looks at the run directories of this data directory that no claim speaks of."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def step(self) -> int:
        """Keep what is in the directories of runs that have ended, and remove these; return how many went.

        A run that waits again, or is at work elsewhere, keeps its directories until it has ended.
        """
        root = self._context.data_dir / "runs"
        root.mkdir(parents=True, exist_ok=True)
        there = list(root.iterdir())
        live = claims.live(self._context) if there else set()
        return sum(self._visit(directory) for directory in there if takeover.attempt_of(directory) not in live)

    def _visit(self, directory: Path) -> bool:
        run_id, fence = takeover.attempt_of(directory)
        run = claims.left(self._context, run_id)
        if run is not None and run.state not in FINAL:
            return False
        try:
            if run is not None and fence.isdecimal() and not directory.is_symlink():
                keep(self._context, run, directory, fence=int(fence))
        except OSError as error:
            if free_disk.ran_out(error):
                _log.warning("run.not_salvaged_yet", extra={"run": run_id, "error": str(error)})
                return False
            # Somebody else is at it, or the disk is: what is left of it must not come up again and again.
            _log.exception("run.not_salvaged", extra={"run": run_id})
        takeover.remove(directory)
        return True


def keep(context: Context, run: Run, directory: Path, *, fence: int) -> None:
    """Add what an attempt left to the result of its run, which has ended.

    The log of the attempt with which the run was lost is the run's; those of earlier ones are files of it. What a model
    had scored is taken from the attempt that came farthest, for a repair to go on from.
    """
    if fence < run.fence:
        left = RunResult(files=_earlier(context, directory, fence))
    elif run.cause is not None and run.cause.code == claims.WORKER_LOST:
        log_key = harvest.keep_log(context, directory)
        files = RunFiles(context, directory, output_path=None).all() if run.kind in KINDS - {"flow"} else ()
        left = RunResult(log_key=log_key, files=files)
    else:
        return
    _add(context, run, left)
    repeatable = run.kind in REPEATABLE_KINDS and run.state is not RunState.COMPLETED
    if repeatable and _is_farthest(directory, run.id) and not claims.keeps_rows(context, run.id):
        _add(context, run, RunResult(kept_rows=kept_rows.keep(context, directory)))


def _add(context: Context, run: Run, left: RunResult) -> None:
    keys = left.content_keys()
    if keys and not claims.add_left(context, run.id, left):
        contents.note(context, keys)


def _is_farthest(directory: Path, run_id: str) -> bool:
    """Tell whether no other attempt of the run that left a directory has come farther."""
    beside = [place for place in directory.parent.iterdir() if takeover.attempt_of(place)[0] == run_id]
    done = {place: kept_rows.rows_done(place / protocol.LEDGER) for place in beside}
    return bool(done) and done.get(directory) == max(done.values())


def _earlier(context: Context, directory: Path, fence: int) -> tuple[ResultFile, ...]:
    log = directory / protocol.LOG
    size = log.lstat().st_size if log.exists() else 0
    log_key = harvest.keep_log(context, directory)
    name = f"attempt-{fence}.log"
    return (ResultFile(name=name, mime="text/plain", size=size, content_key=log_key),) if log_key else ()
