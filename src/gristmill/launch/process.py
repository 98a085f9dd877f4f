"""Starts children on this machine: forked from a zygote in milliseconds, or kept warm from the run before."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import selectors
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.launch.child import ProcessChild
from gristmill.launch.environments import Environment
from gristmill.launch.launcher import Child, LaunchFailed, Order
from gristmill.launch.served import Pipes, ServedProcess
from gristmill.launch.zygote import Zygote

_Key = tuple[str, int | None]
_CLOSE_SECONDS = 5.0
_LONGEST_NAP_SECONDS = 1.0


@dataclass(eq=False)
class _Ticket:
    """A fork that was asked for and is not there yet."""

    zygote: Zygote
    pipes: Pipes
    memory_limit_bytes: int | None
    answered: threading.Event = field(default_factory=threading.Event)
    process: ServedProcess | None = None
    refusal: str = "the zygote ended"
    given_up: bool = False


class ProcessLauncher:
    """Implements ``Launcher`` with one zygote of one software environment.

    ``directory`` takes the zygote's own log. Idle children end after ``idle_seconds``, the longest idle first where
    there are more than ``max_idle``. A thread of its own moves logs, replies and reports.
    """

    def __init__(
        self,
        *,
        directory: Path,
        environment: Environment,
        idle_seconds: float = 300.0,
        max_idle: int = 8,
        start_seconds: float = 60.0,
        log_limit_bytes: int = 64 * 2**20,
    ) -> None:
        self.environment = environment
        self._directory = directory
        self._idle_seconds = idle_seconds
        self._max_idle = max_idle
        self._start_seconds = start_seconds
        self._log_limit_bytes = log_limit_bytes
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._tickets: dict[int, _Ticket] = {}
        self._numbers = itertools.count(1)
        self._processes: dict[int, ServedProcess] = {}
        self._keys: dict[ServedProcess, _Key] = {}
        self._idle: list[ServedProcess] = []
        self._zygote: Zygote | None = None
        self._ready = False
        self._failure = ""
        self._closed = False
        self._selector.register(self._wake_read, selectors.EVENT_READ, lambda: os.read(self._wake_read, 64))
        self._thread = threading.Thread(target=self._move, name="launcher", daemon=True)
        self._thread.start()
        self.start()

    def start(self) -> None:
        """Start the zygote where there is none; does not wait for it."""
        with self._lock:
            if self._zygote is not None or self._closed:
                return
            try:
                self._zygote = zygote = Zygote(self.environment, self._directory)
            except OSError as error:
                self._failure = str(error)
                return
            self._ready = False
            self._watch(zygote.socket.fileno(), lambda: self._hear(zygote))

    def launch(self, order: Order) -> Child:
        """Start (or wake) a child for the order.

        Raises:
            LaunchFailed: no child could be started.

        """
        with self._lock:
            warm = self._wake(order)
        if warm is not None:
            return warm
        process = self._forked(order)
        with self._lock:
            try:
                return self._begin(process, order)
            except OSError as error:
                self._drop(process)
                raise LaunchFailed(f"the child ended before its run began: {error}") from error

    def close(self) -> None:
        """End every child, at work or idle, and wait until they are gone."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            for process in self._processes.values():
                process.abandon()
            self._changed.wait_for(lambda: not self._processes, _CLOSE_SECONDS)
            zygote, self._zygote = self._zygote, None
            if zygote is not None:
                self._selector.unregister(zygote.socket)
            for number in list(self._tickets):
                self._refuse(number, "the launcher is closed")
        if zygote is not None:
            zygote.stop(within_seconds=_CLOSE_SECONDS)
        with self._lock:
            for process in list(self._processes.values()):
                process.bury_without_zygote()
                self._forget(process)
        self._wake_thread()
        self._thread.join()
        for descriptor in (self._wake_read, self._wake_write):
            os.close(descriptor)
        self._selector.close()

    # Starting

    def _wake(self, order: Order) -> Child | None:
        """Return a warm child of the order's key at work on it, or None."""
        self._refuse_when_closed()
        if order.warm_key is None:
            return None
        key = (order.warm_key, order.memory_limit_bytes)
        for process in [process for process in self._idle if self._keys[process] == key]:
            self._idle.remove(process)
            with contextlib.suppress(OSError):  # it died idle, and we have not heard yet
                return self._begin(process, order)
        return None

    def _forked(self, order: Order) -> ServedProcess:
        zygote = self._ready_zygote()
        ticket = _Ticket(zygote, Pipes(), order.memory_limit_bytes)
        with self._lock:
            number = next(self._numbers)
            self._tickets[number] = ticket
            try:
                zygote.fork(number, memory_limit_bytes=order.memory_limit_bytes, descriptors=ticket.pipes.theirs)
            except OSError as error:
                self._refuse(number, str(error))
        ticket.pipes.close_theirs()
        ticket.answered.wait(self._start_seconds)
        with self._lock:
            if ticket.process is not None:
                return ticket.process
            ticket.given_up = True
            raise LaunchFailed(f"no child could be forked: {ticket.refusal}")

    def _ready_zygote(self) -> Zygote:
        with self._lock:
            self._refuse_when_closed()
            self._failure = ""
            self.start()
            ready = self._changed.wait_for(lambda: self._ready or self._failure, self._start_seconds)
            if self._ready and self._zygote is not None:
                return self._zygote
            reason = self._failure if ready else f"it was not ready within {self._start_seconds:g} s"
            raise LaunchFailed(f"the zygote of {self.environment.name} did not start: {reason}")

    def _begin(self, process: ServedProcess, order: Order) -> Child:
        if order.warm_key is not None:
            self._keys[process] = (order.warm_key, order.memory_limit_bytes)
        child = ProcessChild(process.signal, functools.partial(self._release, process))
        process.begin(child, order.directory, log_limit_bytes=self._log_limit_bytes)
        return child

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise LaunchFailed("the launcher is closed")

    # Letting go

    def _release(self, process: ServedProcess, child: ProcessChild) -> None:
        with self._lock:
            if process in self._idle or self._processes.get(process.pid) is not process:
                return
            keep = process.alive and process.reusable and not child.interrupted and process in self._keys
            if not keep or self._closed:
                process.abandon()
                return
            process.idle_since = time.monotonic()
            self._idle.append(process)
            for surplus in self._idle[: -self._max_idle or None]:
                self._drop(surplus)
        self._wake_thread()

    def _drop(self, process: ServedProcess) -> None:
        if process in self._idle:
            self._idle.remove(process)
        process.abandon()

    def _drop_expired(self) -> float:
        """End children that were idle too long; return the seconds until the next one is."""
        now = time.monotonic()
        for process in [process for process in self._idle if now - process.idle_since >= self._idle_seconds]:
            self._drop(process)
        oldest = self._idle[0].idle_since if self._idle else now
        return min(_LONGEST_NAP_SECONDS, max(0.0, oldest + self._idle_seconds - now))

    # The thread that moves what children say

    def _move(self) -> None:
        while True:
            with self._lock:
                if self._closed and not self._processes and self._zygote is None:
                    return
                nap = self._drop_expired()
            for key, _ in self._selector.select(nap):
                with self._lock:
                    if self._selector.get_map().get(key.fd) is key:  # the number may be another pipe's by now
                        key.data()

    def _watch(self, descriptor: int, react: Callable[[], object]) -> None:
        self._selector.register(descriptor, selectors.EVENT_READ, react)
        self._wake_thread()

    def _watch_until_end(self, descriptor: int, read: Callable[[], bool]) -> None:
        def react() -> None:
            if not read():
                self._selector.unregister(descriptor)

        self._watch(descriptor, react)

    def _wake_thread(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"!")

    def _hear(self, zygote: Zygote) -> None:
        match zygote.receive():
            case None:
                self._lose(zygote)
            case {"ready": True}:
                self._ready = True
                self._changed.notify_all()
            case {"forked": int(number), "pid": int(pid)}:
                self._admit(number, pid)
            case {"refused": int(number), "reason": str(reason)}:
                self._refuse(number, reason)
            case {"ended": int(pid), "exit_code": exit_code, "signal": number, "peak_bytes": int(peak_bytes)}:
                process = self._processes[pid]
                process.end(exit_code=exit_code, number=number, peak_bytes=peak_bytes)
                self._forget(process)

    def _admit(self, number: int, pid: int) -> None:
        ticket = self._tickets.pop(number)
        process = ServedProcess(
            pid=pid, zygote=ticket.zygote, pipes=ticket.pipes, memory_limit_bytes=ticket.memory_limit_bytes
        )
        self._processes[pid] = process
        self._watch_until_end(ticket.pipes.log, process.read_log)
        self._watch_until_end(ticket.pipes.replies, process.read_reply)
        if ticket.given_up or self._closed:
            process.abandon()
        ticket.process = process
        ticket.answered.set()

    def _refuse(self, number: int, reason: str) -> None:
        ticket = self._tickets.pop(number)
        ticket.refusal = reason
        ticket.pipes.close_ours()
        ticket.answered.set()

    def _lose(self, zygote: Zygote) -> None:
        """Clear up after a zygote that died: its children cannot go on without it."""
        self._selector.unregister(zygote.socket)
        for number in [number for number, ticket in self._tickets.items() if ticket.zygote is zygote]:
            self._refuse(number, "the zygote ended")
        for process in [process for process in self._processes.values() if process.zygote is zygote]:
            process.bury_without_zygote()
            self._forget(process)
        self._zygote, self._ready = None, False
        zygote.stop(within_seconds=0)
        self._failure = zygote.last_words() or "it ended"
        self._changed.notify_all()

    def _forget(self, process: ServedProcess) -> None:
        for descriptor in (process.pipes.log, process.pipes.replies):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        process.pipes.close_ours()
        self._processes.pop(process.pid, None)
        self._keys.pop(process, None)
        if process in self._idle:
            self._idle.remove(process)
        self._changed.notify_all()
