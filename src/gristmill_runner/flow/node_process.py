"""The process of a node: begun, listened to, ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from gristmill_runner.failure import no_room_to_tell
from gristmill_runner.flow.node_directory import NodeDirectory
from gristmill_runner.protocol import EXIT_NO_ROOM, Cause, read_result

_BEGIN = Path(__file__).parents[1] / "begin.py"
_BLOCK_BYTES = 65_536
_LAST_WORDS_SECONDS = 2.0
_SAYING = threading.Lock()


class NodeProcess:
    """One node at work; ``on_end`` is called from a thread of its own when it is over.

    It leads a process group, so that what it starts can be ended with it.
    """

    def __init__(self, directory: NodeDirectory, python: str, on_end: Callable[[NodeProcess], None]) -> None:
        self.directory = directory
        self._on_end = on_end
        self._process = subprocess.Popen(  # noqa: S603 - running the node is the job
            [python, "-I", str(_BEGIN), str(directory.path)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=directory.path,
            start_new_session=True,
        )
        threading.Thread(target=self._attend, daemon=True).start()

    def terminate(self) -> None:
        """Ask it to stop."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def cause(self) -> Cause | None:
        """Return why it failed, None where it completed; good once it is over."""
        try:
            result = read_result(self.directory.path)
        except (OSError, ValueError) as error:
            return {"code": "protocol", "message": f"its result cannot be read: {error}"}
        if result is None:
            cause = _fate(self._process.returncode)
            self._say([f"{cause['code']}: {cause['message']}".encode()])
            return cause
        if result.get("outcome") == "completed":
            return None
        return result.get("cause") or {"code": "stopped", "message": "it was told to stop"}

    def _attend(self) -> None:
        """Pass on what it says until it has ended; a process that it left may hold its output open for ever."""
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        # Left unreaped, its number cannot be anybody else's yet.
        os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        self.kill()
        self._process.wait()
        listener.join(_LAST_WORDS_SECONDS)
        self._on_end(self)

    def _listen(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        descriptor = self._process.stdout.fileno()
        while block := os.read(descriptor, _BLOCK_BYTES):
            *lines, rest = (rest + block).split(b"\n")
            self._say(lines)
            if len(rest) > _BLOCK_BYTES:
                self._say([rest])
                rest = b""
        if rest:
            self._say([rest])

    def _say(self, lines: list[bytes]) -> None:
        """Write whole lines to the run's log, each with the node's name."""
        tag = f"[{self.directory.node['tag']}] ".encode()
        text = b"".join(tag + line + b"\n" for line in lines)
        with _SAYING, contextlib.suppress(OSError):
            while text:
                text = text[os.write(1, text) :]

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _fate(code: int) -> Cause:
    if code == EXIT_NO_ROOM:
        return no_room_to_tell()
    if code >= 0:
        return {"code": "process_exited", "message": f"its process exited with code {code} and left no result"}
    name = signal.Signals(-code).name
    if -code == signal.SIGSEGV:
        return {"code": "segmentation_fault", "message": f"its process died of a segmentation fault ({name})"}
    return {"code": "killed", "message": f"its process died of signal {name}"}
