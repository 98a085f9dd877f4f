"""A forked process as the launcher holds it: its lifeline, its log and its replies, switched from run to run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gristmill.launch.boxes import OpenBox
from gristmill.launch.cgroups import Group
from gristmill.launch.child import ProcessChild
from gristmill.launch.launcher import Ending, Order
from gristmill.launch.out_of_memory import kernel_kills, ran_out
from gristmill.launch.run_log import RunLog
from gristmill.launch.zygote import Zygote
from gristmill_runner.protocol import LOG

_READ_BYTES = 65_536
_REPLY_BYTES = 65_536
_DRAIN_BYTES = 2**20  # more than a pipe holds: what comes later was printed after the end


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessEnd:
    """How a process ended, and what it and those that it waited for used in all."""

    exit_code: int | None = None
    signal: int | None = None
    peak_bytes: int = 0
    cpu_seconds: float | None = None

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Self:
        """Read a zygote's report."""
        return cls(**{name: report[name] for name in ("exit_code", "signal", "peak_bytes", "cpu_seconds")})


class Pipes:
    """The three pipes of a child: ours are ``orders`` to write, ``log`` and ``replies`` to read."""

    def __init__(self) -> None:
        their_orders, self.orders = os.pipe()
        self.log, their_log = os.pipe()
        self.replies, their_replies = os.pipe()
        self.theirs = [their_orders, their_log, their_replies]
        for descriptor in (self.log, self.replies, self.orders):
            os.set_blocking(descriptor, False)

    def close_theirs(self) -> None:
        """Close the child's ends, which it has by now."""
        for descriptor in self.theirs:
            os.close(descriptor)

    def close_ours(self) -> None:
        """Close our ends; without its lifeline, the child ends itself."""
        for descriptor in (self.orders, self.log, self.replies):
            os.close(descriptor)


class ServedProcess:
    """One process. All methods are called with the launcher's lock held, except ``signal``."""

    def __init__(
        self,
        *,
        pid: int,
        zygote: Zygote,
        pipes: Pipes,
        memory_limit_bytes: int | None,
        box: OpenBox | None = None,
        group: Group | None = None,
    ) -> None:
        self.pid = pid
        self.zygote = zygote
        self.pipes = pipes
        self._box = box
        self._group = group
        self._isolation: tuple[str, ...] = ()
        self.alive = True
        self.reusable = False
        self.idle_since = 0.0
        self._served = False
        self._memory_limit_bytes = memory_limit_bytes
        self._child: ProcessChild | None = None
        self._run_log: RunLog | None = None
        self._reply = b""
        self._kills_before = 0

    def begin(self, child: ProcessChild, order: Order, *, log_limit_bytes: int) -> None:
        """Give the process the order's run directory.

        Raises:
            OSError: the process is gone.
            LaunchFailed: the directory cannot be moved into its box.

        """
        if self._served:
            self.read_log(_DRAIN_BYTES)  # printed after the end of the run before, so nobody's
        self._served = True
        directory = self._box.take_in(order.directory) if self._box else order.directory
        self._run_log = RunLog(directory / LOG, log_limit_bytes, order.secrets)
        self._child, self.reusable = child, False
        self._kills_before = self._kills()
        try:
            os.write(self.pipes.orders, os.fsencode(directory) + b"\n")
        except OSError:
            self._close_run()
            raise

    def read_log(self, most_bytes: int = _READ_BYTES) -> bool:
        """Move what the child printed to the run's log; False at end of file."""
        while most_bytes > 0:
            try:
                output = os.read(self.pipes.log, _READ_BYTES)
            except BlockingIOError:
                return True
            if not output:
                return False
            if self._run_log is not None:
                self._run_log.write(output)
            most_bytes -= len(output)
        return True

    def read_reply(self) -> bool:
        """Take the reply in, and with its last byte end the run; False at end of file."""
        try:
            read = os.read(self.pipes.replies, _READ_BYTES)
        except BlockingIOError:
            return True
        self._reply += read
        while b"\n" in self._reply:
            line, _, self._reply = self._reply.partition(b"\n")
            self._hear(_document(line))
        return bool(read) and len(self._reply) < _REPLY_BYTES  # a longer one is user code's doing

    def end(self, end: ProcessEnd) -> None:
        """Note the process's death; a run that was not answered ends with it."""
        self.alive = False
        self.read_reply()
        if self._child is None:
            return
        out_of_memory = not self._child.interrupted and self._ran_out(end)
        together = self._group.peak_bytes() if self._group and out_of_memory else None
        ending = Ending(
            exit_code=end.exit_code,
            signal=end.signal,
            out_of_memory=out_of_memory,
            peak_bytes=max(end.peak_bytes, together or 0) or None,
            cpu_seconds=end.cpu_seconds,
            isolation=self._isolation,
        )
        self._end_run(ending)

    def end_over_memory(self) -> None:
        """End a run of which the kernel has ended a process for memory: what is left of it would wait for that."""
        if self._child is not None and self._ran_over():
            self.abandon()

    def clear(self) -> None:
        """Remove what the process needed, when it is gone."""
        self.pipes.close_ours()
        if self._group is not None:
            self._group.remove()
        if self._box is not None:
            self._box.remove()

    def signal(self, child: ProcessChild, number: int) -> None:
        """Signal the process group, if it still serves the child's run."""
        if self.alive and self._child is child:
            self.zygote.signal(self.pid, number)

    def abandon(self) -> None:
        """End the process and its group: by the zygote, and by its lifeline where the zygote is gone."""
        if self.alive:
            self.zygote.signal(self.pid, signal.SIGKILL)

    def bury_without_zygote(self) -> None:
        """End the group of a process whose zygote died; its number cannot have been given away this soon."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self.end(ProcessEnd(signal=signal.SIGKILL))

    def _hear(self, said: dict[str, Any]) -> None:
        """Take a line in: what holds of the box, or the end of the run."""
        if "isolation" in said:
            groups = self._group.held if self._group else []
            self._isolation = (*said["isolation"], *groups)
        elif self._child is not None:
            self.reusable = said.get("reusable") is True
            ending = Ending(
                out_of_memory=self._ran_over(),
                peak_bytes=said.get("peak_bytes"),
                cpu_seconds=said.get("cpu_seconds"),
                isolation=self._isolation,
            )
            self._end_run(ending)

    def _kills(self) -> int:
        own = self._group.memory_kills() if self._group else None
        return kernel_kills() if own is None else own

    def _ran_over(self) -> bool:
        """Tell whether the kernel has ended one of its processes for memory; False where nobody counts these alone."""
        counted = self._group.memory_kills() if self._group else None
        return counted is not None and counted > self._kills_before

    def _ran_out(self, end: ProcessEnd) -> bool:
        return ran_out(
            number=end.signal,
            kills_before=self._kills_before,
            kills=self._kills(),
            peak_bytes=end.peak_bytes,
            limit_bytes=self._memory_limit_bytes,
        )

    def _end_run(self, ending: Ending) -> None:
        child, self._child = self._child, None
        self.read_log(_DRAIN_BYTES)
        self._close_run()
        if child is not None:
            child.finish(ending)

    def _close_run(self) -> None:
        if self._run_log is not None:
            self._run_log.close()
            self._run_log = None
        if self._box is not None:
            self._box.give_back()


def _document(line: bytes) -> dict[str, Any]:
    """Read a line of the replies; user code can write there too, and gains nothing by it."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
