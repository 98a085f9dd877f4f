"""The hunt for rows that kill their process: ever smaller slices of a block are tried, each death leads to the next."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from gristmill_runner.failure import no_room_to_tell
from gristmill_runner.protocol import EXIT_NO_ROOM, Cause
from gristmill_runner.scoring.scorers import Death

_SLICES = 32
_MOST_DEATHS_TOGETHER = 3
_ALL_TRIED = 3
_ROWS_FAULT = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)


@dataclass
class Hunt:
    """The hunt in one block of ``rows`` rows, None before they were counted. Rows before ``done`` are known.

    ``deadly`` are the rows found, with the reason.
    """

    rows: int | None = None
    done: int = 0
    deadly: list[tuple[int, str]] = field(default_factory=list)
    survived_any: bool = False
    given_up: bool = False
    _suspects: tuple[int, int] | None = None
    _deaths_together: int = 0

    def slices(self) -> list[int] | None:
        """Return the borders of the slices to try next; None where the block can be scored without the rows found."""
        if self.rows is None:
            return [0, 0]  # counts the rows
        if self.given_up or self.done >= self.rows:
            return None
        start, stop = self._suspects or (self.done, self.rows)
        step = max(1, -(-(stop - start) // _SLICES))
        behind = range(stop, self.rows, max(1, (self.rows - stop) // _SLICES)) if self._suspects else ()
        return sorted({*range(start, stop, step), stop, *behind, self.rows})

    def passed(self, rows: int) -> None:
        """Note that all slices were survived; the first time, only the rows were counted."""
        if self.rows is None:
            self.rows = rows
        else:
            self.done, self._suspects, self.survived_any = rows, None, True

    def died(self, death: Death) -> None:
        """Note a death in a slice, after the rows were counted."""
        start, stop = death.start, death.stop
        self.survived_any = self.survived_any or start > self.done
        if stop - start > 1:
            self.done, self._suspects = start, (start, stop)
            return
        self.deadly.append((start, f"the process that scored it {how(death)}"))
        self.done, self._suspects = stop, None

    def died_as_a_whole(self) -> bool:
        """Note a death with the block as a whole, without the rows found; tell whether to search once more."""
        self.done, self._suspects = 0, None
        self._deaths_together += 1
        return self._deaths_together < _MOST_DEATHS_TOGETHER

    def blames_model(self) -> bool:
        """Tell whether every row tried so far killed its process, and those were several or all."""
        assert self.rows is not None
        return not self.survived_any and len(self.deadly) >= min(_ALL_TRIED, self.rows)


def is_rows_fault(death: Death) -> bool:
    """Tell whether a row can be at fault: native code failed, or user code ended the process."""
    if death.signal is None:
        return death.exit_code != EXIT_NO_ROOM
    return death.signal in _ROWS_FAULT


def how(death: Death) -> str:
    """Say how a scorer died."""
    if death.signal is None:
        return f"exited with code {death.exit_code}"
    if death.signal == signal.SIGSEGV:
        return "died of a segmentation fault (SIGSEGV)"
    return f"died of signal {signal.Signals(death.signal).name}"


def cause_of_death(death: Death) -> Cause:
    """Return the cause of a run that a scorer's death ends."""
    if death.exit_code == EXIT_NO_ROOM:
        return no_room_to_tell()
    if death.signal is None:
        return {"code": "process_exited", "message": f"The process exited with code {death.exit_code}."}
    if death.signal == signal.SIGSEGV:
        message = "The process died of a segmentation fault (SIGSEGV): native code of a library failed."
        return {"code": "segmentation_fault", "message": message}
    if death.signal == signal.SIGKILL:
        message = "The process was killed (SIGKILL), as the kernel does when the machine is out of memory."
        return {"code": "killed", "message": message}
    return {"code": "killed", "message": f"The process died of signal {signal.Signals(death.signal).name}."}
