"""What a build says, as each of the runs that wait for it hears it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

_BLOCK_BYTES = 64 * 1024
Tell = Callable[[bytes], None]


class BuildLog:
    """One listener of the file that a build writes, whoever builds."""

    def __init__(self, path: Path, tell: Tell) -> None:
        self.path = path
        self._tell = tell
        self._told_bytes = 0

    def begin(self, line: str) -> None:
        """Begin the file anew."""
        self.path.unlink(missing_ok=True)
        self.path.write_text(line, encoding="utf-8")
        self._told_bytes = 0

    def follow(self) -> None:
        """Tell what is new since the last time."""
        try:
            with self.path.open("rb") as log:
                if self.path.stat().st_size < self._told_bytes:  # another builder began anew
                    self._told_bytes = 0
                log.seek(self._told_bytes)
                while output := log.read(_BLOCK_BYTES):
                    self._told_bytes += len(output)
                    self._tell(output)
        except FileNotFoundError:
            return

    def end(self) -> None:
        """Tell the rest to a listener that heard the beginning."""
        if self._told_bytes:
            self.follow()
