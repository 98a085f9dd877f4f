"""The launcher's end of a zygote: starts the process, sends it requests, receives its reports."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from pathlib import Path
from typing import Any, BinaryIO

from gristmill.launch import program
from gristmill.launch.environments import Environment
from gristmill_runner.sandbox import Box

_MESSAGE_BYTES = 32_768
_LOG_TAIL_CHARACTERS = 500


class Zygote:
    """A zygote process of one software environment. Its reports are described in ``gristmill_runner.zygote``.

    Raises:
        OSError: the environment's interpreter cannot be started.

    """

    def __init__(self, environment: Environment, directory: Path) -> None:
        self._log = directory / f"zygote-{environment.name}.log"
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.setblocking(False)
        try:
            with theirs, self._log.open("wb") as log:
                self._process = _started(environment, directory, theirs.fileno(), log)
        except OSError:
            self.socket.close()
            raise

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def fork(
        self, ticket: int, *, memory_limit_bytes: int | None, descriptors: list[int], box: Box | None = None
    ) -> None:
        """Ask for a child with the descriptors: orders to read, log to write, replies to write; shut into a box.

        Raises:
            OSError: the zygote is gone or does not listen.

        """
        request = {"fork": ticket, "memory_limit_bytes": memory_limit_bytes, "box": box}
        socket.send_fds(self.socket, [json.dumps(request).encode()], descriptors)

    def probe(self, directory: Path) -> None:
        """Ask what holds of a box on this machine; the report ``holds`` answers."""
        with contextlib.suppress(OSError):
            self.socket.send(json.dumps({"probe": str(directory)}).encode())

    def signal(self, pid: int, number: int) -> None:
        """Ask for a signal to a child's process group; only the zygote knows whether the number is still its own."""
        with contextlib.suppress(OSError):
            self.socket.send(json.dumps({"pid": pid, "signal": number}).encode())

    def receive(self) -> dict[str, Any] | None:
        """Return the next report, an empty one where none is there, or None when the zygote is gone."""
        try:
            message = self.socket.recv(_MESSAGE_BYTES)
        except BlockingIOError:
            return {}
        except OSError:
            return None
        report: dict[str, Any] | None = json.loads(message) if message else None
        return report

    def last_words(self) -> str:
        """Return the end of what it printed."""
        with contextlib.suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace").strip()[-_LOG_TAIL_CHARACTERS:]
        return ""

    def stop(self, *, within_seconds: float) -> None:
        """Cut its lifeline, so that it ends its children and itself; kill it where it takes too long."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        self.socket.close()
        try:
            self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _started(environment: Environment, directory: Path, channel: int, log: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the interpreter is the administrator's
        program.command(environment, "zygote", str(channel), *environment.preload),
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=program.variables(environment, directory),
        cwd="/",
        pass_fds=[channel],
        start_new_session=True,
    )
