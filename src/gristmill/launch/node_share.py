"""A share of a run's chunks at work on a node: its own run directory, its child, and another one where that is lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gristmill.launch import done_rows
from gristmill.launch.launcher import Child, ChildLost, Ending, Order
from gristmill.launch.run_log import RunLog
from gristmill_runner import protocol
from gristmill_runner.protocol import INPUTS, LEDGER, LOG, PROGRESS, STAGED, Share

SHARES = "shares"
_MOST_BYTES = 2**22
_PROGRESS_BYTES = 4096
_LOG_BYTES = 2**20
_END_SECONDS = 10.0


class NodeShare:
    """One share of the run of ``order``; ``lost`` is told of a node that is gone, and may raise that again."""

    def __init__(
        self, number: int, order: Order, *, launch: Callable[[Order], Child], lost: Callable[[ChildLost], None]
    ) -> None:
        self.number, self._order, self._launch, self._lost = number, order, launch, lost
        self._share = Share(number=number, of=order.nodes)
        self._attempt = 0
        self._child: Child | None = None
        self._log_end = 0
        self._line = b""
        self.ending: Ending | None = None

    @property
    def directory(self) -> Path:
        """Its run directory, below that of the run."""
        return self._order.directory / SHARES / f"{self.number}.{self._attempt}"

    @property
    def completed(self) -> bool:
        """Whether all of its chunks are scored."""
        result = protocol.read_result(self.directory) if self.ending is not None else None
        return result is not None and result.get("outcome") == "completed"

    def begin(self, told: Share) -> None:
        """Start it; what is ``told`` of the input's first chunks holds for it."""
        self._share = {**self._share, **told}
        self._start(None)

    def look(self) -> bool:
        """Tell whether it is over; where its node is gone, another one goes on behind what it had committed.

        Raises:
            ChildLost: it is, and too many were before.
            LaunchFailed: there is no node for it.

        """
        if self._child is None or self.ending is not None:
            return self.ending is not None
        try:
            self.ending = self._child.wait(0)
        except ChildLost as loss:
            self._lost(loss)
            self._start(self.directory)
        return self.ending is not None

    def end(self) -> None:
        """End it, if it works, and let its child go."""
        child, self._child = self._child, None
        if child is None:
            return
        if self.ending is None:
            child.kill()
            try:
                self.ending = child.wait(_END_SECONDS) or Ending()
            except Exception:  # noqa: BLE001 - lost, or never started: it has ended all the same
                self.ending = Ending()
        child.release()

    def settled(self) -> Share | None:
        """Return what its first chunks show, None as long as no row of one was scored: words of user code."""
        try:
            header, *chunks = map(json.loads, _read(self.directory / LEDGER, 0, _MOST_BYTES).split(b"\n")[:-1])
            for at, chunk in enumerate(chunks, start=1):
                if "kinds" in chunk:
                    return Share(begin=at, names=list(header["names"]), kinds=dict(chunk["kinds"]))
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return None

    def progress(self) -> dict[str, Any]:
        """Return the newest line of its progress, empty where there is none."""
        try:
            size = (self.directory / PROGRESS).stat().st_size
            lines = _read(self.directory / PROGRESS, max(0, size - _PROGRESS_BYTES), _PROGRESS_BYTES).split(b"\n")
            told = json.loads(lines[-2])
        except (OSError, ValueError, IndexError):
            return {}
        return told if isinstance(told, dict) else {}

    def tell(self, log: RunLog) -> None:
        """Move whole lines that its child printed since the last time to the log of the run; all at its end."""
        try:
            new = _read(self.directory / LOG, self._log_end, _LOG_BYTES)
        except OSError:
            return
        self._log_end += len(new)
        *lines, self._line = (self._line + new).split(b"\n")
        if self.ending is not None and self._line:
            lines, self._line = [*lines, self._line], b""
        for line in lines:
            log.write(b"[node %d] %s\n" % (self.number + 1, line))

    def _start(self, before: Path | None) -> None:
        self._attempt += 1
        self._log_end = 0
        directory, inputs = self.directory, self._order.directory / INPUTS
        directory.mkdir(parents=True)
        (directory / INPUTS).symlink_to(inputs, target_is_directory=True)
        protocol.write_spec(directory, {**protocol.read_spec(self._order.directory), "share": self._share})
        if before is not None:
            _go_on(before, directory)
        readable = (*self._order.readable, inputs)
        self._child = self._launch(
            replace(self._order, directory=directory, readable=readable, nodes=1, apart=str(self._order.directory))
        )


def _go_on(before: Path, directory: Path) -> None:
    """Take over what is done; where that fails, the share begins from its beginning."""
    try:
        done_rows.copy(before, directory)
    except OSError:
        shutil.rmtree(directory / STAGED, ignore_errors=True)
        (directory / LEDGER).unlink(missing_ok=True)


def _read(path: Path, start: int, most: int) -> bytes:
    with protocol.open_plain(path) as file:
        file.seek(start)
        return file.read(most)
