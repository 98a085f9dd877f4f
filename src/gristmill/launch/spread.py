"""One scoring run on several nodes: on each a child scores its share of the chunks, a last one joins them in order.

The last child is one as any other run has. Whatever ends the shares early, it goes on behind what they had committed
without a gap, so a run ends as it would have on one node.
"""

from __future__ import annotations

import json
import shutil
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

from gristmill.launch.launcher import Child, ChildLost, Ending, LaunchFailed, Order
from gristmill.launch.node_share import SHARES, NodeShare
from gristmill.launch.run_log import RunLog
from gristmill_runner import protocol
from gristmill_runner.protocol import LEDGER, LOG, OUTPUTS, PROGRESS, RESULT, RESULTS, STAGED

_LOOK_SECONDS = 0.2
_LOG_BYTES = 64 * 2**20
_MOST_LOSSES = 3


class SpreadChild:
    """Implements ``Child`` over those that ``launch`` starts. Nodes that are lost are told in the run's log."""

    def __init__(self, launch: Callable[[Order], Child], order: Order) -> None:
        self._launch, self._order = launch, order
        self._shares = [NodeShare(number, order, launch=launch, lost=self._note_loss) for number in range(order.nodes)]
        self._lock = threading.Lock()
        self._asked, self._over = threading.Event(), threading.Event()
        self._killed = False
        self._losses = 0
        self._told: dict[str, Any] = {}
        self._last: Child | None = None
        self._outcome: Ending | ChildLost | LaunchFailed | None = None
        threading.Thread(target=self._serve, name=f"spread-{order.directory.name}", daemon=True).start()

    def wait(self, timeout_seconds: float) -> Ending | None:
        """Wait for the run's end; None when the time is over first.

        Raises:
            LaunchFailed: it could not be started after all.
            ChildLost: too many nodes were lost.

        """
        self._over.wait(timeout_seconds)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def terminate(self) -> None:
        """Ask all to stop; what was done is joined."""
        self._ask(lambda child: child.terminate())

    def kill(self) -> None:
        """End all of them."""
        self._killed = True
        self._ask(lambda child: child.kill())

    def release(self) -> None:
        """Let go of the last child, which may stay warm; of a run that is not over, end all of them."""
        if not self._over.is_set():
            self.kill()
        last = self._last
        if last is not None:
            last.release()

    def _ask(self, what: Callable[[Child], None]) -> None:
        with self._lock:
            self._asked.set()
            last = self._last
        if last is not None:
            what(last)

    def _serve(self) -> None:
        try:
            self._outcome = self._worked()
        except (ChildLost, LaunchFailed) as failure:
            self._outcome = failure
        except Exception as error:  # noqa: BLE001 - whatever happened, nobody may wait for this child for ever
            self._outcome = LaunchFailed(f"the run could not be spread ({type(error).__name__}: {error})")
        finally:
            for share in self._shares:
                share.end()
            self._over.set()

    def _worked(self) -> Ending:
        # What an earlier attempt had done goes on where it is.
        if not (self._order.directory / LEDGER).exists():
            self._score_apart()
        if self._killed:
            return Ending(signal=signal.SIGKILL)
        return self._join()

    def _score_apart(self) -> None:
        """Have the shares scored until all are done, or one cannot be, or nobody wants them any more."""
        first, others = self._shares[0], self._shares[1:]
        first.begin({})
        working = [first]
        try:
            while not self._asked.wait(_LOOK_SECONDS):
                over = [share for share in working if share.look()]
                self._tell(working)
                if len(working) == 1 and (told := first.settled()) is not None and not self._is_done(first):
                    for share in others:
                        share.begin(told)
                    working = self._shares
                elif len(over) == len(working) or not all(share.completed for share in over):
                    return
        finally:
            for share in working:
                share.end()
            self._tell(working)

    def _is_done(self, first: NodeShare) -> bool:
        """Tell whether an input is so small that the first node has scored all of it by now."""
        told = first.progress()
        return told.get("rows_total") is not None and told.get("rows_done") == told["rows_total"]

    def _join(self) -> Ending:
        """Have one child join the shares and finish the run; another one, where its node is lost."""
        directory = self._order.directory
        places = [f"{SHARES}/{share.directory.name}" for share in self._shares if share.directory.is_dir()]
        spec = protocol.read_spec(directory)
        while True:
            unfinished = self._asked.is_set()
            protocol.write_spec(directory, {**spec, "shares": places, "unfinished": unfinished})
            with self._lock:
                child = self._last = self._launch(replace(self._order, nodes=1))
                interrupted = self._asked.is_set() and not unfinished
            if interrupted:
                child.kill() if self._killed else child.terminate()
            try:
                return self._with_usage(_ended(child))
            except ChildLost as loss:
                if not places:  # it went on behind an earlier attempt's rows, as the next attempt will
                    raise
                self._note_loss(loss)
                self._begin_again()

    def _begin_again(self) -> None:
        """Remove what a lost child had joined: it may be cut off, and still write."""
        directory = self._order.directory
        for name in (LEDGER, RESULT):
            (directory / name).unlink(missing_ok=True)
        for name in (STAGED, OUTPUTS, RESULTS):
            shutil.rmtree(directory / name, ignore_errors=True)

    def _note_loss(self, loss: ChildLost) -> None:
        self._losses += 1
        if self._losses > _MOST_LOSSES:
            raise loss
        with closing(RunLog(self._order.directory / LOG, _LOG_BYTES)) as log:
            log.write(f"{loss} Another one goes on with its share.\n".encode())

    def _tell(self, shares: list[NodeShare]) -> None:
        """Tell the run's log and progress what its shares told."""
        with closing(RunLog(self._order.directory / LOG, _LOG_BYTES)) as log:
            for share in shares:
                share.tell(log)
        told = [line for share in shares if (line := share.progress())]
        if not told:
            return
        line = {"rows_done": _sum(told, "rows_done"), "rows_total": told[0].get("rows_total")}
        line["rows_rejected"] = _sum(told, "rows_rejected")
        if all("bytes_done" in each for each in told):  # each has cut all that comes before
            line.update(bytes_done=min(each["bytes_done"] for each in told), bytes_total=told[0].get("bytes_total"))
        if line != self._told:
            self._told = line
            with (self._order.directory / PROGRESS).open("a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")

    def _with_usage(self, ending: Ending) -> Ending:
        """Add what the shares used to what the last child did."""
        parts = [ending, *(share.ending for share in self._shares if share.ending is not None)]
        peaks = [part.peak_bytes for part in parts if part.peak_bytes is not None]
        seconds = [part.cpu_seconds for part in parts if part.cpu_seconds is not None]
        return replace(
            ending,
            peak_bytes=max(peaks) if peaks else None,
            cpu_seconds=sum(seconds) if seconds else None,
        )


def _ended(child: Child) -> Ending:
    while (ending := child.wait(3600.0)) is None:
        pass
    return ending


def _sum(told: list[dict[str, int]], name: str) -> int:
    return sum(int(line.get(name) or 0) for line in told)
