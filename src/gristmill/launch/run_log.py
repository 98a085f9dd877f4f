"""The file that a child's output goes to, bounded."""

from __future__ import annotations

from pathlib import Path


class RunLog:
    """Appends what the child prints; once the bound is reached, says so and drops the rest."""

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._file = path.open("ab", buffering=0)
        self._limit_bytes = limit_bytes
        self._room = limit_bytes - self._file.tell()

    def write(self, output: bytes) -> None:
        """Append output as long as there is room."""
        if self._room <= 0:
            return
        self._file.write(output[: self._room])
        self._room -= len(output)
        if self._room <= 0:
            self._file.write(f"\n[the log ends here: it reached {self._limit_bytes} bytes]\n".encode())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
