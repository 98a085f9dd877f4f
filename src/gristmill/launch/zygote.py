"""The launcher's end of a zygote: starts the process, sends it requests, receives its reports."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any, BinaryIO

import gristmill_runner
from gristmill.launch.environments import Environment
from gristmill_runner.sandbox import Box

_MESSAGE_BYTES = 32_768
_LOG_TAIL_CHARACTERS = 500

# Loads the runner from its place without making its neighbours (the server's packages) importable.
_BOOTSTRAP = """
import importlib.util, sys
place = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location(
    "gristmill_runner", place + "/__init__.py", submodule_search_locations=[place]
)
package = sys.modules["gristmill_runner"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from gristmill_runner.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


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
    place = str(Path(gristmill_runner.__file__).parent)
    arguments = [place, "zygote", str(channel), *environment.preload]
    return subprocess.Popen(  # noqa: S603 - the interpreter is the administrator's
        [str(environment.python), "-I", "-c", _BOOTSTRAP, *arguments],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=log,
        env=_variables(environment, directory),
        cwd="/",
        pass_fds=[channel],
        start_new_session=True,
    )


def _variables(environment: Environment, directory: Path) -> dict[str, str]:
    """Build a child's variables from nothing."""
    return {
        "PATH": os.pathsep.join([str(environment.python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "LANG": "C.UTF-8",
        "HOME": str(directory),
        "OMP_NUM_THREADS": "1",  # forked children hang in OpenMP pools that their parent started
        "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve a gigabyte, which counts against the limit
    }
