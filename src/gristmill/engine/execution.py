"""One run at work: stage in, launch, watch, stage out, finish."""

from __future__ import annotations

import json
import logging
import shutil
import time
from enum import IntEnum
from pathlib import Path

from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.run import Cause, IllegalTransition, RunEvent
from gristmill.engine import harvest, staging
from gristmill.engine.staging import RunFailed
from gristmill.launch.launcher import Child, Ending, Launcher, LaunchFailed, Order
from gristmill.service import claims, contents
from gristmill.service.claims import Assignment, Outcome, Settlement
from gristmill.service.context import Context
from gristmill_runner import protocol

_log = logging.getLogger("gristmill.engine")
_LOOK_SECONDS = 0.25
_PROGRESS_SECONDS = 1.0
_CANCEL_GRACE_SECONDS = 10.0
_SETTLE_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0, 10.0)
_WARM_KINDS = frozenset({"model", "function"})


class Request(IntEnum):
    """What has been asked of a run at work; a later one of higher rank wins."""

    GO_ON = 0
    CANCEL = 1
    HAND_BACK = 2
    ABANDON = 3


class Execution:
    """Does one assignment. Its worker may ask it to stop from another thread."""

    def __init__(self, context: Context, launcher: Launcher, assignment: Assignment) -> None:
        self._context = context
        self._launcher = launcher
        self._assignment = assignment
        self._request = Request.GO_ON
        self._reported = 0.0

    def cancel(self) -> None:
        """Somebody wants it canceled."""
        self._ask(Request.CANCEL)

    def hand_back(self) -> None:
        """The worker stops: end the child and give the run back."""
        self._ask(Request.HAND_BACK)

    def abandon(self) -> None:
        """It is no longer this worker's: end the child, and say nothing."""
        self._ask(Request.ABANDON)

    def run(self) -> None:
        """Do the run from staging in to its final state."""
        directory = staging.directory_of(self._context, self._assignment)
        try:
            self._conclude(self._attempt(directory))
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def _attempt(self, directory: Path) -> Outcome:
        """Return the run's one outcome, whatever happens on the way."""
        try:
            staging.stage_in(self._context, self._assignment)
            claims.started(self._context, self._assignment)
            child = self._launcher.launch(self._order(directory))
            try:
                ending = self._watch(child, directory)
                return self._harvest(directory, ending)
            finally:
                child.release()
        except RunFailed as failure:
            return Outcome(event=RunEvent.ERRED, cause=failure.cause)
        except LaunchFailed as failure:
            return Outcome(event=RunEvent.ERRED, cause=Cause(code="launch_failed", message=str(failure)))
        except IllegalTransition:
            # It was canceled between the claim and the start.
            return Outcome(event=RunEvent.STOPPED)
        except (Conflict, NotFound):
            self._ask(Request.ABANDON)
            return Outcome(event=RunEvent.STOPPED)
        except Exception as error:  # noqa: BLE001 - whatever happened, the run must end with a cause
            _log.exception("execution.failed", extra={"run": self._assignment.run.id})
            message = f"Gristmill failed at this run ({type(error).__name__}: {error}); the worker's log says more."
            return Outcome(event=RunEvent.ERRED, cause=Cause(code="internal_error", message=message))

    def _order(self, directory: Path) -> Order:
        run, spec = self._assignment.run, self._assignment.spec
        warm = f"{run.lane_id}:{spec.asset_content_key}:{spec.specification_id}:{spec.memory_limit_bytes}"
        return Order(
            directory=directory,
            warm_key=warm if spec.kind in _WARM_KINDS else None,
            memory_limit_bytes=spec.memory_limit_bytes,
        )

    def _watch(self, child: Child, directory: Path) -> Ending:
        while (ending := child.wait(_LOOK_SECONDS)) is None:
            if self._request is not Request.GO_ON:
                return self._end(child)
            self._report_progress(directory)
        return ending

    def _end(self, child: Child) -> Ending:
        """Ask the child to stop; after the grace period, or where nobody waits for its result, kill it."""
        grace_seconds = _CANCEL_GRACE_SECONDS if self._request is Request.CANCEL else 0.0
        if grace_seconds:
            child.terminate()
        ending = child.wait(grace_seconds)
        while ending is None:
            child.kill()
            ending = child.wait(_CANCEL_GRACE_SECONDS)
        return ending

    def _harvest(self, directory: Path, ending: Ending) -> Outcome:
        if self._request >= Request.HAND_BACK:
            return Outcome(event=RunEvent.STOPPED)
        canceled = self._request is Request.CANCEL
        return harvest.harvest(self._context, self._assignment, directory, ending, canceled=canceled)

    def _conclude(self, outcome: Outcome) -> None:
        match self._request:
            case Request.ABANDON:
                contents.note(self._context, harvest.content_keys(outcome))
            case Request.HAND_BACK:
                self._give_back()
            case _:
                self._settle(outcome)

    def _give_back(self) -> None:
        try:
            claims.hand_back(self._context, self._assignment)
        except (Conflict, NotFound):
            _log.info("run.gone", extra={"run": self._assignment.run.id})

    def _settle(self, outcome: Outcome) -> None:
        """Say how the run ended until the database has heard it: a result is not lost to a restart of the database."""
        for pause_seconds in (*_SETTLE_PAUSES_SECONDS, None):
            try:
                settlement = claims.finish(self._context, self._assignment, outcome)
            except Exception:
                _log.exception("run.finish_failed", extra={"run": self._assignment.run.id})
                if pause_seconds is None:
                    raise
                time.sleep(pause_seconds)
                continue
            if settlement is Settlement.SUPERSEDED:
                contents.note(self._context, harvest.content_keys(outcome))
            return

    def _report_progress(self, directory: Path) -> None:
        if time.monotonic() - self._reported < _PROGRESS_SECONDS:
            return
        self._reported = time.monotonic()
        newest = _last_line(directory / protocol.PROGRESS)
        if newest:
            claims.progress(self._context, self._assignment, done=newest["rows_done"], total=newest.get("rows_total"))

    def _ask(self, request: Request) -> None:
        self._request = max(self._request, request)


def _last_line(path: Path) -> dict[str, int] | None:
    """Return the newest whole line of the progress file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return None
    found: dict[str, int] | None = json.loads(lines[-1]) if lines else None
    return found
