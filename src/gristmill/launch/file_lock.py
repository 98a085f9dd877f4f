"""A lock that is a file: it holds between threads and processes, and ends with its holder, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path


class FileLock:
    """Never waits: whoever wants to, asks again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self, *, shared: bool) -> bool:
        """Take the lock alone or with others, or change from the one to the other; False where somebody is in the way.

        A lock that was to be changed and could not be is lost.
        """
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            return False
        if self._is_removed():
            self.release()
            return False
        return True

    def age_seconds(self) -> float:
        """Return how long ago it was touched."""
        try:
            return time.time() - self._path.stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def touch(self) -> None:
        """Note that what the lock is for is in use now."""
        with contextlib.suppress(OSError):
            os.utime(self._path)

    def release(self) -> None:
        """Let go of the lock."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _is_removed(self) -> bool:
        """Tell whether the file under the path is another one by now: then this lock locks nothing."""
        assert self._descriptor is not None
        try:
            return not os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))  # noqa: PTH116 - of a pair
        except FileNotFoundError:
            return True
