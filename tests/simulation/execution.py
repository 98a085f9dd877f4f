"""A run at work, step by step: what `engine/execution.py` says to the service, with dice in place of a child."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, TypeVar

from gristmill.content.content import Stored
from gristmill.domain.errors import Conflict, NotFound
from gristmill.domain.progress import Progress
from gristmill.domain.run import Cause, IllegalTransition, RunEvent
from gristmill.domain.run_spec import RunResult
from gristmill.engine.execution import Request
from gristmill.engine.harvest import content_keys
from gristmill.service import claims, contents
from gristmill.service.claims import Assignment, Outcome, Publication, Settlement
from gristmill.service.context import Context

T = TypeVar("T")
FENCE_STRIDE = 1_000
"""Progress is the fence times this and the number of the step, so that it tells who wrote it."""
_MOST_TRIES = 6


class Phase(StrEnum):
    """How far an execution is."""

    STAGING = "staging"
    WORKING = "working"
    SETTLING = "settling"
    OVER = "over"


@dataclass
class SteppedExecution:
    """Does one assignment, one step at a time. ``run`` comes last, when it is over."""

    context: Context
    assignment: Assignment
    dice: Random
    phase: Phase = Phase.STAGING
    request: Request = Request.GO_ON
    outcome: Outcome = field(default_factory=lambda: Outcome(event=RunEvent.STOPPED))
    settlement: Settlement | None = None
    broken: Exception | None = None
    steps: int = 0
    tries: int = 0

    def cancel(self) -> None:
        self.request = max(self.request, Request.CANCEL)

    def hand_back(self) -> None:
        self.request = max(self.request, Request.HAND_BACK)

    def abandon(self) -> None:
        self.request = max(self.request, Request.ABANDON)

    def run(self) -> None:
        """Say what is left to be said to the worker."""
        if self.broken is not None:
            raise self.broken

    def go_on(self) -> None:
        """Take the next step."""
        match self.phase:
            case Phase.STAGING:
                self._begin()
            case Phase.WORKING:
                self._work()
            case Phase.SETTLING:
                self._conclude()
            case Phase.OVER:
                pass

    def _begin(self) -> None:
        if self.request is not Request.GO_ON:
            self._end(Outcome(event=RunEvent.STOPPED))
            return
        try:
            claims.started(self.context, self.assignment)
        except IllegalTransition:
            # It was canceled between the claim and the start.
            self._end(Outcome(event=RunEvent.STOPPED))
        except (Conflict, NotFound):
            self.abandon()
            self._end(Outcome(event=RunEvent.STOPPED))
        except Exception as error:  # noqa: BLE001 - as the real one does
            self._end(Outcome(event=RunEvent.ERRED, cause=Cause(code="internal_error", message=repr(error))))
        else:
            self.phase = Phase.WORKING

    def _work(self) -> None:
        self.steps += 1
        if self.request is not Request.GO_ON and self.dice.random() < 0.9:
            self._end(Outcome(event=RunEvent.STOPPED, result=self._result()))
        elif self.dice.random() < 0.5:
            done = self.assignment.run.fence * FENCE_STRIDE + self.steps
            claims.progress(self.context, self.assignment, Progress(rows_done=done))
        else:
            self._end(self._ending())

    def _ending(self) -> Outcome:
        if self.dice.random() < 0.25:
            cause = Cause(code="user_code_failed", message="division by zero")
            return Outcome(event=RunEvent.ERRED, cause=cause, result=self._result())
        warning = "rows were rejected" if self.dice.random() < 0.2 else None
        publication = self._publication() if self.dice.random() < 0.5 else None
        return Outcome(event=RunEvent.SUCCEEDED, warning=warning, result=self._result(), publication=publication)

    def _result(self) -> RunResult:
        return RunResult(log_key=self._put("log").key)

    def _publication(self) -> Publication:
        return Publication(name="output", description="", mime="text/csv", stored=self._put("output"))

    def _put(self, what: str) -> Stored:
        return self.context.content.put([what.encode()])

    def _end(self, outcome: Outcome) -> None:
        self.outcome, self.phase = outcome, Phase.SETTLING

    def _conclude(self) -> None:
        match self.request:
            case Request.ABANDON:
                self._over(lambda: contents.note(self.context, content_keys(self.outcome)))
            case Request.HAND_BACK:
                self._over(self._give_back)
            case _:
                self._settle()

    def _over(self, last: Callable[[], object]) -> None:
        """Say the last word once: whether it was heard is not known where it failed."""
        self.phase = Phase.OVER
        try:
            last()
        except Exception as error:  # noqa: BLE001 - the worker logs it, and goes on
            self.broken = error

    def _give_back(self) -> None:
        try:
            claims.hand_back(self.context, self.assignment)
        except (Conflict, NotFound):
            return

    def _settle(self) -> None:
        try:
            self.settlement = claims.finish(self.context, self.assignment, self.outcome)
        except Exception as error:  # noqa: BLE001 - it is tried again after a pause
            self.tries += 1
            if self.tries == _MOST_TRIES:
                self.broken, self.phase = error, Phase.OVER
            return
        if self.settlement is Settlement.SUPERSEDED:
            self._over(lambda: contents.note(self.context, content_keys(self.outcome)))
        self.phase = Phase.OVER


@dataclass
class Task:
    """What a worker wants done on a thread of its pool."""

    work: Callable[[], object]
    execution: SteppedExecution


class Steps(Executor):
    """A pool without threads: its tasks wait until the simulation takes them on."""

    def __init__(self) -> None:
        self.tasks: list[Task] = []

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        execution = next(one for one in args if isinstance(one, SteppedExecution))
        self.tasks.append(Task(lambda: fn(*args, **kwargs), execution))
        return Future()

    def go_on(self, task: Task) -> None:
        """Take a step of the execution; at its end, that of the task."""
        task.execution.go_on()
        if task.execution.phase is Phase.OVER:
            self.tasks.remove(task)
            task.work()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - of the base
        """Bring every task to its end."""
        while self.tasks:
            self.go_on(self.tasks[0])
