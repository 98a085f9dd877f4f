"""Which node begins when: as soon as those that it needs have completed, and there is room for another process."""

from __future__ import annotations

import queue
import sys
import time
from collections.abc import Iterator

from gristmill_runner.flow.node_directory import NodeDirectory
from gristmill_runner.flow.node_process import NodeProcess
from gristmill_runner.flow.states import CANCELED, COMPLETED, FAILED, OVER, RUNNING, SKIPPED, WAITING, States
from gristmill_runner.protocol import Flow
from gristmill_runner.run_context import Run

_GRACE_SECONDS = 7.0  # the worker waits ten
_IN_OWN_PYTHON = ("python_script", "model_scoring")


class Scheduling:
    """Runs the nodes of one flow."""

    def __init__(self, run: Run, flow: Flow, states: States) -> None:
        self.directories = [NodeDirectory(run, number, node) for number, node in enumerate(flow["nodes"])]
        self._by_id = {each.node["id"]: each for each in self.directories}
        self._run = run
        self._at_once = max(1, flow.get("at_once", 1))
        self._states = states
        self._at_work: list[NodeProcess] = []
        self._ended: queue.SimpleQueue[NodeProcess] = queue.SimpleQueue()

    def go(self) -> None:
        """Run every node that can be run; return when none is at work.

        Raises:
            KeyboardInterrupt: the run is to stop; by then no node is at work.

        """
        try:
            for kept in (each for each in self.directories if each.node.get("kept")):
                kept.unpack()
            self._begin_ready()
            while self._at_work:
                self._end(self._ended.get())
                self._begin_ready()
        except BaseException:
            self._stop()
            raise

    def last(self) -> Iterator[NodeDirectory]:
        """Yield the nodes that completed and that no other needs."""
        needed = {each for directory in self.directories for each in directory.node["needs"]}
        for directory in self.directories:
            if directory.node["id"] not in needed and self._states.of(directory.node) == COMPLETED:
                yield directory

    def _begin_ready(self) -> None:
        for directory in self.directories:
            if self._states.of(directory.node) != WAITING:
                continue
            before = {self._states.of(self._by_id[needed].node) for needed in directory.node["needs"]}
            if before & {FAILED, SKIPPED, CANCELED}:
                self._states.change(directory.node, SKIPPED)
            elif before <= {COMPLETED} and len(self._at_work) < self._at_once:
                self._begin(directory)

    def _begin(self, directory: NodeDirectory) -> None:
        self._states.change(directory.node, RUNNING)
        if directory.node["kind"] == "data":
            directory.pass_on()
            self._states.change(directory.node, COMPLETED)
            self._begin_ready()
            return
        before = [self._by_id[needed] for needed in directory.node["needs"]]
        directory.prepare(before, self._all_before(directory))
        # What drives notebooks and SQL is in this environment, whatever the specification's has.
        own = self._run.spec.get("python") if directory.node["kind"] in _IN_OWN_PYTHON else None
        self._at_work.append(NodeProcess(directory, own or sys.executable, self._ended.put))

    def _all_before(self, directory: NodeDirectory) -> list[NodeDirectory]:
        """Return all on whose way this node lies, the farthest first."""
        wanted = set(directory.node["needs"])
        for other in reversed(self.directories):
            if other.node["id"] in wanted:
                wanted |= set(other.node["needs"])
        return [other for other in self.directories if other.node["id"] in wanted]

    def _end(self, process: NodeProcess) -> None:
        self._at_work.remove(process)
        node, cause = process.directory.node, process.cause()
        self._states.change(node, FAILED if cause else COMPLETED, cause)

    def _stop(self) -> None:
        """End what is at work: those that do not stop when asked to are killed."""
        deadline = time.monotonic() + _GRACE_SECONDS
        for process in self._at_work:
            process.terminate()
        while self._at_work:
            try:
                process = self._ended.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                for process in self._at_work:
                    process.kill()
                deadline = time.monotonic() + _GRACE_SECONDS
                continue
            self._at_work.remove(process)
            self._states.change(process.directory.node, CANCELED)
        for directory in self.directories:
            if self._states.of(directory.node) not in OVER:
                self._states.change(directory.node, CANCELED)
