"""What must hold after every commit, whoever made it and whatever failed."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.invariants import keeping, lanes, runs, telling, ticks
from tests.simulation.invariants.commit import Commit
from tests.simulation.snapshot import Snapshot

__all__ = ["Commit", "violations"]


def violations(before: Snapshot, after: Snapshot, commit: Commit) -> Iterator[str]:
    """Yield what a commit broke."""
    for part in (runs, lanes, ticks, telling, keeping):
        yield from part.check(before, after, commit)
