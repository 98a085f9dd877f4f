"""Logs of runs, read by the line: any part of one, and one that is followed from where a reader was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gristmill.domain.log_lines import LineCutter, Picked, pick
from gristmill.domain.run import FINAL
from gristmill.domain.user import Actor
from gristmill.service import runs
from gristmill.service.context import Context
from gristmill.service.runs import RunDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a reader of a log was: behind line ``line`` of the attempt with this fence; None: of whichever is there."""

    line: int
    fence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was new: the run as it is, lines, and the number of the first of them.

    ``more``: there is more to read at once. ``ended``: the run has ended, and nothing more will come.
    """

    found: RunDetails
    first: int
    lines: Sequence[str]
    more: bool
    ended: bool


def part(  # which lines
    context: Context,
    actor: Actor,
    job_id: str,
    run_id: str,
    *,
    first: int,
    limit: int,
    contains: str | None = None,
    trouble: bool = False,
) -> Picked:
    """Return numbered lines of a run's log, as far as it has been written."""
    blocks = runs.log(context, actor, job_id, run_id)
    return pick(blocks, first=first, limit=limit, contains=contains, trouble=trouble)


@dataclass
class Follower:
    """Reads a run and its log from where it was, a bounded piece a step; another attempt's log begins anew.

    Begins behind ``place`` if that is given, but with the last ``tail`` lines at the most.
    """

    context: Context
    actor: Actor
    job_id: str
    run_id: str
    tail: int
    place: Place | None = None
    fence: int = -1
    _offset: int = 0
    _cutter: LineCutter = field(default_factory=LineCutter)

    def step(self) -> Step:
        """Return what is new; may be called from any thread, by one at a time.

        Raises:
            NotFound: the run is gone, or no longer the actor's to see.

        """
        found = runs.get(self.context, self.actor, self.job_id, self.run_id)
        if found.run.fence != self.fence:
            self._begin(found)
        first = self._cutter.number + 1
        block = next(runs.log_of(self.context, found, start=self._offset), b"")
        self._offset += len(block)
        lines, ended = self._cutter.feed(block) if block else [], False
        if found.run.state in FINAL and not block:
            lines, ended = self._cutter.finish(), True
        return Step(found=found, first=first, lines=lines, more=bool(block), ended=ended)

    def _begin(self, found: RunDetails) -> None:
        """Find the byte at which the first line begins that the reader is to get."""
        place, self.place, self.fence = self.place, None, found.run.fence
        known = place if place and place.fence in {None, found.run.fence} else None
        total = sum(block.count(b"\n") for block in runs.log_of(self.context, found))
        wanted = max(total - self.tail, min(known.line, total) if known else 0, 0)
        self._cutter, self._offset = LineCutter(number=wanted), self._byte_behind(found, wanted)

    def _byte_behind(self, found: RunDetails, line: int) -> int:
        offset = seen = 0
        if line == 0:
            return 0
        for block in runs.log_of(self.context, found):
            ends = block.count(b"\n")
            if seen + ends >= line:
                at = -1
                for _ in range(line - seen):
                    at = block.index(b"\n", at + 1)
                return offset + at + 1
            seen, offset = seen + ends, offset + len(block)
        return offset
