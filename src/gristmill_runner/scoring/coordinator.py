"""The coordinator: cuts the input into blocks, has them scored side by side, and commits them in order.

It never loads a model: scorers are forked from it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gristmill_runner.failure import RunFailed, out_of_memory
from gristmill_runner.loaders.java import ran_out_of_memory
from gristmill_runner.progress import Progress
from gristmill_runner.protocol import PROGRESS
from gristmill_runner.run_context import Run
from gristmill_runner.scoring.books import Books
from gristmill_runner.scoring.messages import PARTS, Answer, Beginning, Order, notes_part, output_part
from gristmill_runner.scoring.place import IN_SLICE, LOADING, RESTING
from gristmill_runner.scoring.poison import Hunt, cause_of_death, is_rows_fault
from gristmill_runner.scoring.scorers import Death, Scorers
from gristmill_runner.scoring.share import Share
from gristmill_runner.sources.source import Block, Source

_AHEAD = 4  # blocks for each scorer that may be read before the oldest of them is committed
_MOST_IDLE_DEATHS = 3
_OWN_TERMINATION_SECONDS = 1.0


@dataclass
class _Task:
    """A block on its way: waiting, at work, or answered and waiting for those before it."""

    block: Block
    after: Any = None  # source and mark of the block before
    hunt: Hunt | None = None
    answer: Answer | None = None
    in_slices: bool = False


class Coordinator:
    """Has one run's input scored."""

    def __init__(self, run: Run, inputs: Sequence[Source], *, books: Books, scorers: Scorers) -> None:
        self._run, self._inputs, self._books, self._scorers = run, inputs, books, scorers
        self._parts = run.directory / PARTS
        self._share = Share.of_run(run.spec)
        self._most = min(run.spec.get("scorers") or 1, os.cpu_count() or 1)
        self._window = _AHEAD * self._most
        self._tasks: dict[int, _Task] = {}
        self._waiting: deque[int] = deque()
        self._idle_deaths = 0
        self._block: Block | None = None  # the last one that was committed
        self._progress = Progress(run.directory / PROGRESS, books.total)

    def work(self) -> None:
        """Score the whole input, behind what is committed already.

        Raises:
            RunFailed: the run has to fail.

        """
        self._books.check_output()
        self._parts.mkdir(exist_ok=True)
        directory, spec = str(self._run.directory), self._run.spec
        self._scorers.begin(Beginning(directory=directory, spec=spec, plan=self._books.plan), most=self._most)
        self._tell_progress(self._books.done)
        try:
            for number, task in self._shared():
                self._take(number, task)
            while self._tasks:
                self._pump(None)
            self._scorers.end_run()
        finally:
            for task in self._tasks.values():
                self._books.leave((task.answer or {}).get("rows", 0))
            self._progress.close()
            shutil.rmtree(self._parts, ignore_errors=True)

    def _shared(self) -> Iterator[tuple[int, _Task]]:
        """Yield the blocks of this process's share, each with its number and what tells where it begins."""
        share, books = self._share, self._books
        share.begin = books.settled_at if share.begin is None else share.begin
        before = books.reached
        for number, block in enumerate(self._blocks(), start=share.behind(books.chunks)):
            share.begin = books.settled_at if share.begin is None else share.begin
            if share.has(number):
                yield number, _Task(block, after=before)
            elif block.scratch:
                block.path.unlink()
            before = [block.source, block.mark]

    def _blocks(self) -> Iterator[Block]:
        last = max(self._books.marks, default=0)
        for number, source in enumerate(self._inputs):
            if number >= last:
                yield from source.blocks(self._parts, after=self._books.marks.get(number))
            if self._books.rows_left == 0:
                return

    def _take(self, number: int, task: _Task) -> None:
        """Hand a block on as soon as somebody has room for it.

        Alone, until the model has scored a row: what that shows of the input holds for the rest.
        """
        if self._books.rows_left == 0:
            return
        self._tasks[number] = task
        self._waiting.append(number)
        self._pump(0)
        limited = self._books.rows_left is not None
        while self._waiting or len(self._tasks) >= self._window or (self._tasks and (limited or self._is_new())):
            self._pump(None)

    def _is_new(self) -> bool:
        return "kinds" not in self._books.plan

    def _pump(self, seconds: float | None) -> None:
        """Send what waits, hear what is said within that time, and commit what is next."""
        self._send_waiting()
        for said in self._scorers.hear(seconds):
            if isinstance(said, Death):
                self._mourn(said)
            else:
                self._take_in(said)
        self._commit()
        self._send_waiting()

    def _send_waiting(self) -> None:
        while self._waiting and (scorer := self._scorers.room()):
            number = self._waiting.popleft()
            self._scorers.give(scorer, number, self._order(number))

    def _order(self, number: int) -> Order:
        task, books = self._tasks[number], self._books
        block = task.block
        order = Order(number=number, source=block.source, path=str(block.path), start=block.start, stop=block.stop)
        order["plan"], order["most_bad"], order["most_rows"] = books.plan, books.room, books.rows_left
        slices = task.hunt.slices() if task.hunt else None
        task.in_slices = slices is not None
        if slices is not None:
            order["slices"] = slices
        if task.hunt:
            order["without"], order["notes_only"] = task.hunt.deadly, task.hunt.given_up
        return order

    def _take_in(self, answer: Answer) -> None:
        task = self._tasks[answer["number"]]
        if "passed" in answer and task.hunt:
            task.hunt.passed(answer["rows"])
            self._waiting.appendleft(answer["number"])
        else:
            task.answer = answer

    def _commit(self) -> None:
        """Commit what was answered, in the order of the input."""
        while self._tasks:
            number, task = next(iter(self._tasks.items()))
            if task.answer is None:
                return
            if "cause" in task.answer:
                cause = task.answer["cause"]
                raise RunFailed(cause["code"], cause["message"], traceback=cause.get("traceback"))
            del self._tasks[number]
            self._books.commit(task.answer, task.block, after=task.after)
            self._block = task.block
            self._tell_progress(task.answer["rows"])
            self._clear(number, task.block)

    def _clear(self, number: int, block: Block) -> None:
        scratch = [block.path] if block.scratch else []
        for path in (output_part(self._run.directory, number), notes_part(self._run.directory, number), *scratch):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def _tell_progress(self, rows: int) -> None:
        self._progress.more = {"rows_rejected": self._books.rejected}
        sizes = [source.file_bytes for source in self._inputs]
        if None not in sizes:
            known = [size or 0 for size in sizes]
            before = sum(known[: self._block.source]) if self._block else 0
            self._progress.more["bytes_done"] = before + ((self._block.reached or 0) if self._block else 0)
            self._progress.more["bytes_total"] = sum(known)
        self._progress.advance(rows)

    def _mourn(self, death: Death) -> None:
        """Let others do what a dead scorer had; look for the row that killed it, where it can have been one."""
        if ran_out_of_memory(death.exit_code, self._run.asset, self._run.spec):
            raise out_of_memory(self._run.spec.get("memory_limit_bytes"), self._scorers.peak_bytes)
        struck = death.number if death.doing != RESTING else None
        self._waiting.extendleft(number for number in reversed(death.orders) if number != struck)
        if struck is None:
            self._idle_deaths += 1
        if (struck is None and self._idle_deaths > _MOST_IDLE_DEATHS) or death.doing == LOADING:
            raise _failure(death)
        if struck is not None:
            self._suspect(struck, death)

    def _suspect(self, number: int, death: Death) -> None:
        task = self._tasks[number]
        if not is_rows_fault(death):
            raise _failure(death)
        if task.hunt is None:
            task.hunt = Hunt()
        elif not self._goes_on(task.hunt, task, death):
            raise _failure(death)
        self._waiting.appendleft(number)

    def _goes_on(self, hunt: Hunt, task: _Task, death: Death) -> bool:
        """Take a death in a hunt into account; False where it is not for one row."""
        if hunt.rows is None:
            return False
        if not (task.in_slices and death.doing == IN_SLICE):
            return hunt.died_as_a_whole()
        hunt.died(death)
        if self._is_new() and not hunt.survived_any:
            return not hunt.blames_model()
        hunt.given_up = self._books.are_too_many(len(hunt.deadly))
        return True


def _failure(death: Death) -> RunFailed:
    if death.signal == signal.SIGTERM:
        time.sleep(_OWN_TERMINATION_SECONDS)  # the same signal is on its way to this process, and cancels the run
    cause = cause_of_death(death)
    return RunFailed(cause["code"], cause["message"])
