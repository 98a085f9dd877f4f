"""User code that ends on a full disk: what it left there is in the way of writing down how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from gristmill.domain.errors import NoRoom
from gristmill.engine import free_disk, harvest
from gristmill.engine.heard import until_heard
from gristmill.engine.run_files import KINDS
from gristmill.launch.launcher import Ending
from gristmill.service import claims
from gristmill.service.claims import Assignment
from gristmill.service.context import Context
from gristmill_runner import protocol

_LEASE = timedelta(minutes=1)
_TOLD = frozenset({protocol.LOG, protocol.RESULT, protocol.PROGRESS, protocol.SPEC})
_MEBIBYTE = 2**20


def has_cost_the_run(
    context: Context, assignment: Assignment, directory: Path, ending: Ending, *, say: Callable[[str], None]
) -> bool:
    """Tell whether the run is lost for want of room; user code that left the disk full gives up its files for it.

    What completed keeps them if its end can be written down nevertheless: because the database is elsewhere, or others
    make room in time.
    """
    met = harvest.met_full_disk(assignment, directory, ending)
    if assignment.spec.kind not in KINDS or not free_disk.is_full(directory.parent):
        return met
    completed = (protocol.read_result(directory) or {}).get("outcome") == "completed"
    if completed and _is_heard(context, assignment):
        return met
    gone = sorted(_given_up(directory))
    if gone:
        most, name = gone[-1]
        say(
            f"Warning: The disk was full when this run ended. To make room, {len(gone)} of its files with "
            f"{sum(size for size, _ in gone) / _MEBIBYTE:,.1f} MiB were not kept, the largest of them {name} "
            f"({most / _MEBIBYTE:,.1f} MiB)."
        )
    return met or completed


def _is_heard(context: Context, assignment: Assignment) -> bool:
    run = assignment.run
    try:
        until_heard(
            lambda: claims.renew(context, assignment.worker_id, only=[(run.id, run.fence)], lease=_LEASE),
            run_id=run.id,
            what="renewal on a full disk",
        )
    except NoRoom:
        return False
    except Exception:  # noqa: BLE001 - whatever else the database has is for the end itself to wait for
        return True
    return True


def _given_up(directory: Path) -> Iterator[tuple[int, str]]:
    """Remove all files but those that tell how the run went; yield size and name of what the run had left."""
    for place, _, names in os.walk(directory):
        for name in names:
            path = Path(place, name)
            if name in _TOLD:
                continue
            below = path.relative_to(directory)
            try:
                size = path.lstat().st_size
                path.unlink()
            except OSError:
                # User code can make it hard for a server that is not root; what else it left makes room, too.
                continue
            if below.parts[0] != protocol.INPUTS:
                # A name of theirs may be no text, or hold lines of its own.
                yield size, str(below) if str(below).isprintable() else ascii(str(below))
