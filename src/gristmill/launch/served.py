"""A forked process as the launcher holds it: its lifeline, its log and its replies, switched from run to run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

from gristmill.launch.child import ProcessChild
from gristmill.launch.launcher import Ending
from gristmill.launch.out_of_memory import kernel_kills, ran_out
from gristmill.launch.run_log import RunLog
from gristmill.launch.zygote import Zygote
from gristmill_runner.protocol import LOG

_READ_BYTES = 65_536
_DRAIN_BYTES = 2**20  # more than a pipe holds: what comes later was printed after the end


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

    def __init__(self, *, pid: int, zygote: Zygote, pipes: Pipes, memory_limit_bytes: int | None) -> None:
        self.pid = pid
        self.zygote = zygote
        self.pipes = pipes
        self.alive = True
        self.reusable = False
        self.idle_since = 0.0
        self._served = False
        self._memory_limit_bytes = memory_limit_bytes
        self._child: ProcessChild | None = None
        self._run_log: RunLog | None = None
        self._reply = b""
        self._kills_before = 0

    def begin(self, child: ProcessChild, directory: Path, *, log_limit_bytes: int) -> None:
        """Give the process a run directory.

        Raises:
            OSError: the process is gone.

        """
        if self._served:
            self.read_log(_DRAIN_BYTES)  # printed after the end of the run before, so nobody's
        self._served = True
        self._run_log = RunLog(directory / LOG, log_limit_bytes)
        self._child, self._reply, self.reusable = child, b"", False
        self._kills_before = kernel_kills()
        os.write(self.pipes.orders, os.fsencode(directory) + b"\n")

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
        if self._child is not None and self._reply.endswith(b"\n"):
            self.reusable = json.loads(self._reply)["reusable"]
            self._end_run(Ending())
        return bool(read)

    def end(self, *, exit_code: int | None, number: int | None, peak_bytes: int = 0) -> None:
        """Note the process's death; a run that was not answered ends with it."""
        self.alive = False
        self.read_reply()
        if self._child is None:
            return
        out_of_memory = not self._child.interrupted and ran_out(
            number=number,
            kills_before=self._kills_before,
            peak_bytes=peak_bytes,
            limit_bytes=self._memory_limit_bytes,
        )
        self._end_run(Ending(exit_code=exit_code, signal=number, out_of_memory=out_of_memory))

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
        self.end(exit_code=None, number=signal.SIGKILL)

    def _end_run(self, ending: Ending) -> None:
        child, self._child = self._child, None
        self.read_log(_DRAIN_BYTES)
        if self._run_log is not None:
            self._run_log.close()
            self._run_log = None
        if child is not None:
            child.finish(ending)
