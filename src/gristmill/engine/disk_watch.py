"""How much a run has on disk, looked at while it works."""

from __future__ import annotations

import os
import time
from pathlib import Path

_LOOK_SECONDS = 1.0
_MOST_OF_THE_TIME = 10  # looking takes a tenth of the time, at most, however many files there are
_BLOCK_BYTES = 512


class DiskWatch:
    """Watches one run directory, and the box that it may be in; ``limit_bytes`` None is no limit."""

    def __init__(self, directory: Path, limit_bytes: int | None) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._look_at = 0.0

    def is_full(self) -> bool:
        """Tell whether the run has more than it may have; looks once a second at most."""
        begun = time.monotonic()
        if self._limit_bytes is None or begun < self._look_at:
            return False
        full = used_bytes(self._place()) > self._limit_bytes
        spent = time.monotonic() - begun
        self._look_at = begun + max(_LOOK_SECONDS, _MOST_OF_THE_TIME * spent)
        return full

    def _place(self) -> Path:
        """Return the box where there is one: it also holds what the run takes for /tmp."""
        return self._directory.resolve().parent if self._directory.is_symlink() else self._directory


def used_bytes(place: Path) -> int:
    """Return the bytes that everything below takes on disk; what goes away meanwhile does not count.

    A file with several names is there once.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    folders = [str(place)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    elif _is_first(found := entry.stat(follow_symlinks=False), seen):
                        total += found.st_blocks * _BLOCK_BYTES
        except OSError:
            continue
    return total


def _is_first(found: os.stat_result, seen: set[tuple[int, int]]) -> bool:
    """Tell whether none of the names of a file was met before; only those that have several are remembered."""
    if found.st_nlink == 1:
        return True
    known = (found.st_dev, found.st_ino)
    if known in seen:
        return False
    seen.add(known)
    return True
