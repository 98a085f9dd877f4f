"""Whether the disk on which runs work has room left: a full one is no fault of the runs that meet it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

from gristmill.domain.errors import NoRoom

_NOTHING_BYTES = 2**20


def left_bytes(place: Path) -> int:
    """Return how much can still be written there."""
    return shutil.disk_usage(place).free


def is_full(place: Path) -> bool:
    """Tell whether there is next to nothing left."""
    return left_bytes(place) < _NOTHING_BYTES


def ran_out(error: Exception) -> bool:
    """Tell whether something could not be written for want of room."""
    return NoRoom.is_told_by(error)


def refused() -> OSError:
    """Return what a child was told that could not even leave word of it."""
    return OSError(errno.ENOSPC, "no room is left on the disk")
