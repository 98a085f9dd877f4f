"""Starts children on this machine: forked from a zygote in milliseconds, or kept warm from the run before."""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import os
import selectors
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.launch.child import ProcessChild
from gristmill.launch.confinement import Confined, Confinement, Sandbox
from gristmill.launch.environments import Environment
from gristmill.launch.launcher import Child, LaunchFailed, Order
from gristmill.launch.served import Pipes, ProcessEnd, ServedProcess
from gristmill.launch.zygote import Zygote
from gristmill.launch.zygotes import Nest, Nests

_log = logging.getLogger("gristmill.launch")
_Key = tuple[str, int | None, float | None, bool, str]
_CLOSE_SECONDS = 5.0
_LONGEST_NAP_SECONDS = 1.0
_LOOK_SECONDS = 0.1


@dataclass(eq=False)
class _Ticket:
    """A fork that was asked for and is not there yet."""

    zygote: Zygote
    pipes: Pipes
    memory_limit_bytes: int | None
    confined: Confined
    answered: threading.Event = field(default_factory=threading.Event)
    process: ServedProcess | None = None
    refusal: str = "the zygote ended"
    given_up: bool = False


class ProcessLauncher:
    """Implements ``Launcher`` with one zygote a software environment.

    The one of ``environment`` is there all the time, others from their first order until they were not needed for
    ``zygote_idle_seconds``, or others want their place: there are at most ``max_zygotes``, unless more are at work.
    ``directory`` takes the zygotes' own logs and the boxes that ``sandbox`` shuts children in with. Idle children end
    after ``idle_seconds``, the longest idle first where there are more than ``max_idle``. A thread of its own moves
    logs, replies and reports. ``served`` is where run directories have their places: those that a launcher that was
    killed had in its boxes go back there.
    """

    def __init__(
        self,
        *,
        directory: Path,
        environment: Environment,
        idle_seconds: float = 300.0,
        max_idle: int = 8,
        zygote_idle_seconds: float = 600.0,
        max_zygotes: int = 8,
        start_seconds: float = 60.0,
        log_limit_bytes: int = 64 * 2**20,
        sandbox: Sandbox = "off",
        readable: Sequence[Path] = (),
        served: Path | None = None,
    ) -> None:
        self.environment = environment
        self._directory = directory
        self._idle_seconds = idle_seconds
        self._max_idle = max_idle
        self._start_seconds = start_seconds
        self._log_limit_bytes = log_limit_bytes
        self._confinement = Confinement(directory / "boxes", sandbox, tuple(readable), served)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._tickets: dict[int, _Ticket] = {}
        self._numbers = itertools.count(1)
        self._processes: dict[int, ServedProcess] = {}
        self._keys: dict[ServedProcess, _Key] = {}
        self._idle: list[ServedProcess] = []
        self._nests = Nests(environment, idle_seconds=zygote_idle_seconds, most=max_zygotes)
        self._closed = False
        self._look_at = 0.0
        self._selector.register(self._wake_read, selectors.EVENT_READ, lambda: os.read(self._wake_read, 64))
        self._thread = threading.Thread(target=self._move, name="launcher", daemon=True)
        self._thread.start()
        with self._lock:
            self._start(self._nests.of(environment))

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
            except LaunchFailed:
                self._drop(process)
                raise
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
            zygotes = self._nests.empty()
            for zygote in zygotes:
                self._selector.unregister(zygote.socket)
            for number in list(self._tickets):
                self._refuse(number, "the launcher is closed")
        for zygote in zygotes:
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
        key = self._key(order)
        if key is None:
            return None
        for process in [process for process in self._idle if self._keys[process] == key]:
            self._idle.remove(process)
            with contextlib.suppress(OSError):  # it died idle, and we have not heard yet
                return self._begin(process, order)
        return None

    def _key(self, order: Order) -> _Key | None:
        environment = order.environment or self.environment
        if order.warm_key is None:
            return None
        return (order.warm_key, order.memory_limit_bytes, order.cpus, order.network, environment.name)

    def _forked(self, order: Order) -> ServedProcess:
        with self._lock:  # held all along, so that the zygote does not end for idleness in between
            zygote = self._ready_zygote(order.environment or self.environment)
            confined = self._confinement.confine(order)
            ticket = _Ticket(zygote, Pipes(), order.memory_limit_bytes, confined)
            number = next(self._numbers)
            self._tickets[number] = ticket
            limit, box = order.memory_limit_bytes, confined.request
            try:
                zygote.fork(number, memory_limit_bytes=limit, descriptors=ticket.pipes.theirs, box=box)
            except OSError as error:
                self._refuse(number, str(error))
        ticket.pipes.close_theirs()
        ticket.answered.wait(self._start_seconds)
        with self._lock:
            if ticket.process is not None:
                return ticket.process
            ticket.given_up = True
            raise LaunchFailed(f"no child could be forked: {ticket.refusal}")

    def _ready_zygote(self, environment: Environment) -> Zygote:
        self._refuse_when_closed()
        nest = self._nests.of(environment)
        nest.failure = ""
        self._start(nest)
        nest.wanted += 1
        try:
            ready = self._changed.wait_for(lambda: nest.ready or nest.failure, self._start_seconds)
        finally:
            nest.wanted -= 1
        if nest.ready and nest.zygote is not None:
            return nest.zygote
        reason = nest.failure if ready else f"it was not ready within {self._start_seconds:g} s"
        raise LaunchFailed(f"the zygote of {environment.name} did not start: {reason}")

    def _start(self, nest: Nest) -> None:
        """Start a zygote where there is none; does not wait for it."""
        nest.used_at = time.monotonic()
        if nest.zygote is not None or self._closed:
            return
        try:
            nest.zygote = zygote = Zygote(nest.environment, self._directory)
        except OSError as error:
            nest.failure = str(error)
            return
        nest.ready = False
        self._watch(zygote.socket.fileno(), lambda: self._hear(nest, zygote))

    def _begin(self, process: ServedProcess, order: Order) -> Child:
        key = self._key(order)
        if key is not None:
            self._keys[process] = key
        child = ProcessChild(process.signal, functools.partial(self._release, process))
        process.begin(child, order, log_limit_bytes=self._log_limit_bytes)
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
        """End children and zygotes that were idle too long; return the seconds until the next child is."""
        now = time.monotonic()
        at_work = [process.zygote for process in self._processes.values()]
        for zygote in self._nests.expired(now, at_work=[*at_work, *(t.zygote for t in self._tickets.values())]):
            self._selector.unregister(zygote.socket)
            zygote.stop(within_seconds=0)
        for process in [process for process in self._idle if now - process.idle_since >= self._idle_seconds]:
            self._drop(process)
        oldest = self._idle[0].idle_since if self._idle else now
        return min(_LONGEST_NAP_SECONDS, max(0.0, oldest + self._idle_seconds - now))

    # The thread that moves what children say

    def _move(self) -> None:
        while True:
            with self._lock:
                if self._closed and not self._processes and not self._nests.zygotes():
                    return
                nap = self._drop_expired()
                self._end_over_memory()
            for key, _ in self._selector.select(nap):
                with self._lock:
                    if self._selector.get_map().get(key.fd) is key:  # the number may be another pipe's by now
                        self._react(key.data)

    def _react(self, to: Callable[[], object]) -> None:
        """Go on whatever a disk that is full or broken refuses: all children of this machine hang on this thread."""
        try:
            to()
        except OSError:
            _log.exception("launcher.failed")

    def _end_over_memory(self) -> None:
        """Look at what the kernel has ended, now and then: it takes longer than all else that there is to do here."""
        now = time.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + _LOOK_SECONDS
        for process in self._processes.values():
            process.end_over_memory()

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

    def _hear(self, nest: Nest, zygote: Zygote) -> None:
        match zygote.receive():
            case None:
                self._lose(nest, zygote)
            case {"ready": True} if self._confinement.wants_probe:
                zygote.probe(self._directory / "boxes")
            case {"ready": True}:
                self._be_ready(nest)
            case {"holds": [*held]}:
                self._confinement.probed(held)
                self._be_ready(nest)
            case {"forked": int(number), "pid": int(pid)}:
                self._admit(number, pid)
            case {"refused": int(number), "reason": str(reason)}:
                self._refuse(number, reason)
            case {"ended": int(pid)} as report:
                process = self._processes[pid]
                process.end(ProcessEnd.of(report))
                self._forget(process)

    def _be_ready(self, nest: Nest) -> None:
        nest.ready = True
        self._changed.notify_all()

    def _admit(self, number: int, pid: int) -> None:
        ticket = self._tickets.pop(number)
        process = ServedProcess(
            pid=pid,
            zygote=ticket.zygote,
            pipes=ticket.pipes,
            memory_limit_bytes=ticket.memory_limit_bytes,
            box=ticket.confined.box,
            group=ticket.confined.group,
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
        ticket.confined.remove()
        ticket.answered.set()

    def _lose(self, nest: Nest, zygote: Zygote) -> None:
        """Clear up after a zygote that died: its children cannot go on without it."""
        self._selector.unregister(zygote.socket)
        for number in [number for number, ticket in self._tickets.items() if ticket.zygote is zygote]:
            self._refuse(number, "the zygote ended")
        for process in [process for process in self._processes.values() if process.zygote is zygote]:
            process.bury_without_zygote()
            self._forget(process)
        nest.zygote, nest.ready = None, False
        zygote.stop(within_seconds=0)
        nest.failure = zygote.last_words() or "it ended"
        self._changed.notify_all()

    def _forget(self, process: ServedProcess) -> None:
        for descriptor in (process.pipes.log, process.pipes.replies):
            if descriptor in self._selector.get_map():
                self._selector.unregister(descriptor)
        process.clear()
        self._processes.pop(process.pid, None)
        self._nests.used(process.zygote)
        self._keys.pop(process, None)
        if process in self._idle:
            self._idle.remove(process)
        self._changed.notify_all()
