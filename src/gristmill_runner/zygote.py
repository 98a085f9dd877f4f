"""The zygote: imports the common libraries once and forks a child a request. It never runs user code nor a model."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import importlib.util
import json
import os
import resource
import select
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gristmill_runner import sandbox
from gristmill_runner.failure import exit_code_of
from gristmill_runner.limits import adopt_orphans, bound_memory, own_children, settle_child
from gristmill_runner.protocol import EXIT_FAILED
from gristmill_runner.serve import serve
from gristmill_runner.usage import Usage

_KINDS = tuple(f"gristmill_runner.kinds.{kind}" for kind in ("model", "function", "python_script", "code_package"))
# What only notebooks need, imported one by one while nobody asks for anything.
_WHEN_IDLE = ("nbformat", "jupyter_client", "nbclient", "nbconvert.filters", "nbconvert.exporters.html")
_QUIET_SECONDS = 1.0
_MESSAGE_BYTES = 32_768
_LAST_WAIT_SECONDS = 3.0


class Zygote:
    """Speaks JSON messages over a socket; a fork request carries three descriptors: orders, log, replies.

    Requests: ``{"fork": id, "memory_limit_bytes": n or null, "box": box or null}``, ``{"signal": n, "pid": pid}`` and
    ``{"probe": directory}``. Reports: ``ready``; ``{"holds": names}``; ``{"forked": id, "pid": pid}`` or ``{"refused":
    id, "reason": text}``; ``{"ended": pid, "exit_code": n or null, "signal": n or null, "peak_bytes": n,
    "cpu_seconds": x}``. End of file on standard input or the socket ends it and all children.
    """

    def __init__(self, socket_descriptor: int, preload: Sequence[str]) -> None:
        self._socket = socket.socket(fileno=socket_descriptor)
        self._socket.set_inheritable(False)
        self._preload = preload
        self._when_idle = [name for name in _WHEN_IDLE if _is_there(name)]
        self._children: set[int] = set()
        self._wake_read, self._wake_write = os.pipe()

    def run(self) -> None:
        """Serve until the launcher is gone."""
        adopt_orphans()
        self._listen_for_deaths()
        loaded = [name for name in (*_KINDS, *self._preload) if _import(name)]
        gc.collect()
        gc.freeze()
        self._report({"ready": True, "loaded": loaded})
        while self._step():
            pass
        self._end_all()

    def _step(self) -> bool:
        quiet_seconds = _QUIET_SECONDS if self._when_idle else None
        readable, _, _ = select.select([0, self._socket.fileno(), self._wake_read], [], [], quiet_seconds)
        if not readable:
            _import(self._when_idle.pop(0))
            gc.freeze()
            return True
        if self._wake_read in readable:
            with contextlib.suppress(BlockingIOError):
                os.read(self._wake_read, _MESSAGE_BYTES)
            self._reap()
        if self._socket.fileno() in readable:
            return self._obey()
        return 0 not in readable

    def _obey(self) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._socket, _MESSAGE_BYTES, 3)
        if not message:
            return False
        request = json.loads(message)
        if "fork" in request:
            self._fork(request, descriptors)
        elif "probe" in request:
            self._report({"holds": sandbox.probe(Path(request["probe"]))})
        elif request["pid"] in self._children:  # reaped ones are not: their number may be somebody else's by now
            _signal_group(request["pid"], request["signal"])
        return True

    def _fork(self, request: dict[str, Any], descriptors: list[int]) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on threads: OpenBLAS has some, idle ones
                pid = os.fork()
        except OSError as error:
            self._report({"refused": request["fork"], "reason": str(error)})
        else:
            if pid == 0:
                self._be_child(request, descriptors)
            self._children.add(pid)
            self._report({"forked": request["fork"], "pid": pid})
        for descriptor in descriptors:
            os.close(descriptor)

    def _be_child(self, request: dict[str, Any], descriptors: list[int]) -> None:
        """Leave everything of the zygote behind and serve; never return."""
        code = EXIT_FAILED
        try:
            os.setsid()
            self._forget()
            orders, log, replies = descriptors
            os.dup2(log, 1)
            os.dup2(log, 2)
            os.close(log)
            nothing = os.open(os.devnull, os.O_RDONLY)
            os.dup2(nothing, 0)
            os.close(nothing)
            for descriptor in (orders, replies):
                os.set_inheritable(descriptor, False)
            settle_child()
            bound_memory(request.get("memory_limit_bytes"))
            usage, held = _shut_in(request.get("box"))
            adopt_orphans()
            faulthandler.enable()  # a crash in native code then leaves the Python lines that led to it in the log
            _seed_again()
            serve(orders, replies, usage=usage, isolation=held)
        except BaseException as error:  # noqa: BLE001 - a child must never go on as a second zygote
            code = exit_code_of(error)
            traceback.print_exc()
        finally:
            os._exit(code)

    def _forget(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._socket.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _listen_for_deaths(self) -> None:
        for descriptor in (self._wake_read, self._wake_write):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)

    def _reap(self) -> None:
        """Report every child that ended, after ending what it left behind."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self._end_orphans()
            if pid in self._children:
                _signal_group(pid, signal.SIGKILL)  # the number stays taken while its group lives
                self._children.discard(pid)
                self._report(_ending(pid, status, usage))

    def _end_orphans(self) -> None:
        """End processes that became ours because the child that started them is dead; a living one keeps its own."""
        for pid in own_children() - self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _end_all(self) -> None:
        for pid in self._children:
            _signal_group(pid, signal.SIGKILL)
        signal.setitimer(signal.ITIMER_REAL, _LAST_WAIT_SECONDS)  # its default action ends the zygote
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, _ = os.wait()
                self._children.discard(pid)
                self._end_orphans()

    def _report(self, report: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # the launcher is gone: the next step notices
            self._socket.send(json.dumps(report).encode("ascii"))


def _import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001 - a broken library is the business of runs that need it
        sys.stderr.write(f"not preloaded: {name}: {error!r}\n")
        return False
    return True


def _is_there(name: str) -> bool:
    return importlib.util.find_spec(name.partition(".")[0]) is not None


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _shut_in(box: sandbox.Box | None) -> tuple[Usage, list[str]]:
    """Shut the child in; what measures it is opened before nothing can be opened any more."""
    if box is None:
        return Usage(), []
    entered = sandbox.enter(box)
    return Usage(), sandbox.restrict(box, entered)


def _ending(pid: int, status: int, usage: resource.struct_rusage) -> dict[str, Any]:
    signaled = os.WIFSIGNALED(status)
    return {
        "ended": pid,
        "exit_code": None if signaled else os.WEXITSTATUS(status),
        "signal": os.WTERMSIG(status) if signaled else None,
        "peak_bytes": usage.ru_maxrss * 1024,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }


def _seed_again() -> None:
    """Give the child its own random numbers: all forks would draw the same from numpy's global state."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
