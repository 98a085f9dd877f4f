"""One run at work: stage in, launch, watch, stage out, finish."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from enum import IntEnum
from functools import partial
from pathlib import Path

from gristmill.content.content import ContentUnreachable
from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.progress import Pace, Progress
from gristmill.domain.run import FINAL, REPEATABLE_KINDS, Cause, IllegalTransition, RunEvent
from gristmill.domain.run_spec import RunResult
from gristmill.engine import free_disk, harvest, outcomes, progress_file, publishing, salvage, staging, takeover
from gristmill.engine.attended import Interrupted, Look
from gristmill.engine.connected_inputs import Reading, TooMuch
from gristmill.engine.disk_watch import DiskWatch
from gristmill.engine.full_disk import has_cost_the_run
from gristmill.engine.heard import T, until_heard
from gristmill.engine.run_trace import RunTrace
from gristmill.engine.staging import RunFailed
from gristmill.launch.build import BuildStopped
from gristmill.launch.environments import Environment
from gristmill.launch.launcher import Child, ChildLost, Ending, Launcher, LaunchFailed, Order
from gristmill.launch.run_log import RunLog
from gristmill.service import claims, contents, health
from gristmill.service.claims import Assignment, Outcome, Settlement
from gristmill.service.context import Context
from gristmill.service.environments import EnvironmentFailed, Environments
from gristmill.telemetry import scope
from gristmill_runner import protocol

_log = logging.getLogger("gristmill.engine")
_LOOK_SECONDS = 0.25
_PROGRESS_SECONDS = 1.0
_CANCEL_GRACE_SECONDS = 10.0
_BUILD_LOG_BYTES = 16 * 2**20
_WARM_KINDS = frozenset({"model", "function"})


class Request(IntEnum):
    """What has been asked of a run at work; a later one of higher rank wins."""

    GO_ON = 0
    TIME_OUT = 1
    DISK_FULL = 2
    CANCEL = 3
    HAND_BACK = 4
    ABANDON = 5


class Execution:
    """Does one assignment. Its worker may ask it to stop from another thread.

    Without ``environments`` every run gets the launcher's own. ``disk_bytes`` is the most that a run may have on disk.
    """

    def __init__(
        self,
        context: Context,
        launcher: Launcher,
        assignment: Assignment,
        environments: Environments | None = None,
        *,
        disk_bytes: int | None = None,
    ) -> None:
        self._context = context
        self._launcher = launcher
        self._assignment = assignment
        self._environments = environments
        self._disk_bytes = disk_bytes
        self._request = Request.GO_ON
        # A run that ends within a second tells how far it came by its end.
        self._reported = time.monotonic()
        self._pace = Pace()
        self._began = self._settled = False
        self._lost: str | None = None

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
        with closing(RunTrace(self._context, self._assignment)) as trace:
            self._trace = trace
            with scope.of_run(self._assignment.run.id, trace.traceparent):
                try:
                    self._conclude(trace.ended(self._attempt(directory)))
                finally:
                    self._leave(directory)

    def _attempt(self, directory: Path) -> Outcome:
        """Return the run's one outcome, whatever happens on the way."""
        try:
            with self._trace.part("stage"):
                self._stage(directory)
            with self._environment(directory) as environment:
                self._say_until_heard("started", lambda: claims.started(self._context, self._assignment))
                self._began = True
                return self._in_child(directory, environment)
        except RunFailed as failure:
            return Outcome(event=RunEvent.ERRED, cause=failure.cause, result=self._log_alone(directory))
        except EnvironmentFailed as failure:
            cause = Cause(code=failure.code, message=str(failure))
            return Outcome(event=RunEvent.ERRED, cause=cause, result=self._log_alone(directory))
        except (BuildStopped, ChildLost, Interrupted) as stop:
            return self._stopped(directory, stop)
        except LaunchFailed as failure:
            return self._not_launched(directory, failure)
        except IllegalTransition:
            # It was canceled between the claim and the start.
            return Outcome(event=RunEvent.STOPPED)
        except (Conflict, NotFound):
            self._ask(Request.ABANDON)
            return Outcome(event=RunEvent.STOPPED)
        except Exception as error:  # noqa: BLE001 - whatever happened, the run must end with a cause
            return self._failed(error)

    def _not_launched(self, directory: Path, failure: LaunchFailed) -> Outcome:
        if free_disk.is_full(directory.parent):
            return self._failed(free_disk.refused())
        return Outcome(event=RunEvent.ERRED, cause=Cause(code="launch_failed", message=str(failure)))

    def _failed(self, error: Exception) -> Outcome:
        """Return the outcome of trouble of our own; what is no fault of the run's costs it an attempt, not more."""
        if self._began and free_disk.ran_out(error) and self._assignment.spec.kind not in REPEATABLE_KINDS:
            return harvest.no_room(self._context, staging.directory_of(self._context, self._assignment))
        misfortune = self._misfortune(error)
        if misfortune is None:
            _log.exception("execution.failed", extra={"run": self._assignment.run.id})
            return Outcome(event=RunEvent.ERRED, cause=_trouble(error))
        told = {"run": self._assignment.run.id, "why": misfortune, "error": repr(error)}
        _log.warning("run.handed_back", extra=told)
        self._lost = misfortune
        self._ask(Request.HAND_BACK)
        return Outcome(event=RunEvent.STOPPED)

    def _misfortune(self, error: Exception) -> str | None:
        """Return what befell the worker, behind "The worker", None where the trouble is another."""
        if free_disk.ran_out(error):
            return "had no room left on its disk"
        # What had begun ended by itself, and is not lost because of a question that was asked afterwards.
        return "could not ask the database" if not self._began and health.was_away(error) else None

    def _stage(self, directory: Path) -> None:
        """Lay out what the run needs, and what an attempt before this one had done."""
        staging.stage_in(self._context, self._assignment, self._reading(directory))
        if self._assignment.capped:
            self._say(directory, f"Warning: {self._assignment.capped}")
        takeover.take_over(self._context, self._assignment, directory)

    def _reading(self, directory: Path) -> Reading:
        return Reading(
            context=self._context,
            space_id=self._assignment.run.space_id,
            look=self._look(Request.DISK_FULL, DiskWatch(directory, self._disk_bytes)),
            tell=lambda line: self._say(directory, line),
            limit_bytes=self._disk_bytes,
            row_limit=self._assignment.spec.row_limit,
        )

    def _look(self, least: Request, disk: DiskWatch | None = None) -> Look:
        """Return what interrupts work on data once so much has been asked, or the disk is full."""

        def look() -> None:
            if disk is not None and disk.is_full():
                self._ask(Request.DISK_FULL)
            if self._request >= least:
                raise Interrupted

        return look

    def _say(self, directory: Path, line: str) -> None:
        """Add a line of the worker's own to the run's log."""
        with closing(RunLog(directory / protocol.LOG, _BUILD_LOG_BYTES)) as log:
            log.write(f"{line}\n".encode())

    def _stopped(self, directory: Path, stop: Exception) -> Outcome:
        """Return the outcome of a run that was stopped before its child was there, or that lost its child."""
        if isinstance(stop, ChildLost):
            self._say(directory, f"Attempt {self._assignment.run.attempt} was lost: {stop}")
            self._lost = "lost the machine that did the run"
            self._ask(Request.HAND_BACK)
        if isinstance(stop, TooMuch):
            self._ask(Request.DISK_FULL)
        if self._request is Request.DISK_FULL:
            return harvest.disk_full(self._context, self._assignment, directory, limit_bytes=self._disk_bytes or 0)
        canceled = self._request is Request.CANCEL
        return Outcome(event=RunEvent.STOPPED, result=self._log_alone(directory) if canceled else None)

    @contextmanager
    def _environment(self, directory: Path) -> Iterator[Environment | None]:
        """Hold the run's environment, None for the launcher's own; what its build says is the beginning of the log."""
        if self._environments is None:
            yield None
            return
        with closing(RunLog(directory / protocol.LOG, _BUILD_LOG_BYTES)) as log:
            try:
                held = self._environments.hold(
                    self._assignment.spec, tell=log.write, stopped=lambda: self._request is not Request.GO_ON
                )
            except EnvironmentFailed as failure:
                log.write(f"{failure.code}: {failure}\n".encode())
                raise
        if held is None:
            yield None
            return
        with held:
            yield held.environment

    def _in_child(self, directory: Path, environment: Environment | None) -> Outcome:
        if environment is not None and staging.has_kernel(self._assignment.spec):
            staging.name_interpreter(directory, environment.python)
        order = self._order(directory, environment)
        child = self._launcher.launch(order)
        try:
            with self._trace.child(directory):
                ending = self._watch(child, directory)
            unanswered = ending.exit_code is not None or ending.signal is not None
            self._report_progress(directory, at_once=unanswered or staging.has_kernel(self._assignment.spec))
            if line := publishing.announcement(self._assignment, directory):
                self._say(directory, line)
            outcome = outcomes.with_packages(
                outcomes.with_usage(self._harvest(directory, ending), ending), self._packages(environment)
            )
            outcome = outcomes.with_cap(outcome, self._assignment.capped)
            return outcomes.without_secrets(self._published(directory, outcome), order.secrets)
        finally:
            child.release()

    def _packages(self, environment: Environment | None) -> Mapping[str, str]:
        """Return what is installed where the run works: in its own environment, or in what ships; R has neither."""
        if environment is not None:
            return environment.packages
        if self._environments is None or self._assignment.spec.kind == "r_script":
            return {}
        return self._environments.shipped.packages

    def _order(self, directory: Path, environment: Environment | None) -> Order:
        run, spec = self._assignment.run, self._assignment.spec
        warm = f"{run.lane_id}:{spec.asset_content_key}:{spec.specification_id}:{spec.memory_limit_bytes}"
        kernels = environment if staging.has_kernel(spec) else None
        return Order(
            directory=directory,
            # What drives a kernel is in the launcher's own environment; the kernel is the environment's.
            environment=None if kernels else environment,
            readable=(*staging.places(self._context, spec), *(kernels.places if kernels else ())),
            warm_key=warm if spec.kind in _WARM_KINDS else None,
            memory_limit_bytes=spec.memory_limit_bytes,
            cpus=spec.cpus,
            file_bytes=self._disk_bytes,
            network=spec.network,
            secrets=staging.secret_values(self._context, spec, directory),
            nodes=spec.nodes if spec.kind == "model" and spec.row_limit is None else 1,
        )

    def _watch(self, child: Child, directory: Path) -> Ending:
        limit_seconds = self._assignment.spec.timeout_seconds
        deadline = time.monotonic() + limit_seconds if limit_seconds else math.inf
        disk = DiskWatch(directory, self._disk_bytes)
        while (ending := child.wait(min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic())))) is None:
            if time.monotonic() >= deadline:
                self._ask(Request.TIME_OUT)
            if disk.is_full():
                self._ask(Request.DISK_FULL)
            if self._request is not Request.GO_ON:
                return self._end(child)
            self._report_progress(directory)
        return ending

    def _end(self, child: Child) -> Ending:
        """Ask the child to stop; after the grace period, or where nobody waits for its result, kill it."""
        asked_kindly = self._request in {Request.CANCEL, Request.TIME_OUT}
        grace_seconds = _CANCEL_GRACE_SECONDS if asked_kindly else 0.0
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
        if has_cost_the_run(self._context, self._assignment, directory, ending, say=partial(self._say, directory)):
            raise free_disk.refused()
        if self._request is Request.TIME_OUT:
            return harvest.timed_out(self._context, self._assignment, directory)
        if self._request is Request.DISK_FULL:
            return harvest.disk_full(self._context, self._assignment, directory, limit_bytes=self._disk_bytes or 0)
        canceled = self._request is Request.CANCEL
        return harvest.harvest(self._context, self._assignment, directory, ending, canceled=canceled)

    def _published(self, directory: Path, outcome: Outcome) -> Outcome:
        """Write results that go behind a connection, if the run is still this worker's."""
        if not publishing.is_due(self._assignment, outcome):
            return outcome
        if not self._say_until_heard("still ours", lambda: claims.still_ours(self._context, self._assignment)):
            self._ask(Request.ABANDON)
            return outcome
        look, must_look = self._look(Request.CANCEL), self._look(Request.HAND_BACK)
        try:
            with self._trace.part("publish"):
                return publishing.publish(
                    self._context, self._assignment, directory, outcome, look=look, must_look=must_look
                )
        except Interrupted:
            if self._request is Request.HAND_BACK:
                contents.note(self._context, harvest.content_keys(outcome))
            stopped = replace(outcome, event=RunEvent.STOPPED, warning=None)
            if self._request is not Request.CANCEL:
                return stopped
            return publishing.unpublished(self._context, self._assignment, directory, stopped)

    def _log_alone(self, directory: Path) -> RunResult:
        return RunResult(log_key=harvest.keep_log(self._context, directory))

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
            state = self._say_until_heard(
                "hand back", lambda: claims.hand_back(self._context, self._assignment, lost=self._lost)
            )
        except (Conflict, NotFound):
            _log.info("run.gone", extra={"run": self._assignment.run.id})
            return
        lost = claims.left(self._context, self._assignment.run.id) if state in FINAL else None
        if lost is not None:
            directory = staging.directory_of(self._context, self._assignment)
            salvage.keep(self._context, lost, directory, fence=self._assignment.run.fence)

    def _settle(self, outcome: Outcome) -> None:
        with self._trace.part("finish"):
            say = partial(claims.finish, self._context, self._assignment, outcome)
            settlement = self._say_until_heard("finish", say)
        self._settled = settlement is not Settlement.SUPERSEDED
        if settlement is Settlement.SUPERSEDED:
            contents.note(self._context, harvest.content_keys(outcome))

    def _say_until_heard(self, what: str, say: Callable[[], T]) -> T:
        return until_heard(say, run_id=self._assignment.run.id, what=what)

    def _report_progress(self, directory: Path, *, at_once: bool = False) -> None:
        if not at_once and time.monotonic() - self._reported < _PROGRESS_SECONDS:
            return
        self._reported = time.monotonic()
        newest = progress_file.newest(directory)
        if newest:
            now = self._context.now()
            self._tell(self._pace.take(newest, at_seconds=self._reported, now=now))

    def _tell(self, progress: Progress) -> None:
        try:
            claims.progress(self._context, self._assignment, progress)
        except Exception:  # noqa: BLE001 - the next one tells more, and no run fails for want of it
            _log.exception("run.progress_not_heard", extra={"run": self._assignment.run.id})

    def _leave(self, directory: Path) -> None:
        """Remove the run directory, unless the run is to go on from what is in it."""
        if self._settled or self._assignment.spec.kind not in REPEATABLE_KINDS:
            shutil.rmtree(directory, ignore_errors=True)
        else:
            takeover.trim(directory)

    def _ask(self, request: Request) -> None:
        self._request = max(self._request, request)


def _trouble(error: Exception) -> Cause:
    if isinstance(error, ContentUnreachable):
        return Cause(code="content_unreachable", message=f"The content store failed again and again: {error}")
    message = f"Gristmill failed at this run ({type(error).__name__}: {error}); the worker's log says more."
    return Cause(code="internal_error", message=message)
