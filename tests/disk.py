"""A small disk of its own for a member's directory, which can be filled to its last byte: a file system in memory."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BYTES = 384 * 2**20
_BLOCK_BYTES = 4096


@dataclass(frozen=True)
class Disk:
    """``missing`` says why there is none of its own here, so that it cannot be filled."""

    place: Path
    missing: str = ""

    @property
    def _ballast(self) -> Path:
        return self.place / "ballast"

    @property
    def free_bytes(self) -> int:
        """How much can still be written."""
        return shutil.disk_usage(self.place).free

    def fill(self) -> None:
        """Leave no block free."""
        with self._ballast.open("ab") as file:
            wanted = self.free_bytes
            while wanted >= _BLOCK_BYTES:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), wanted)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    wanted //= 2

    def clear(self) -> None:
        """Let there be room again."""
        self._ballast.unlink()


@contextmanager
def own_disk(place: Path) -> Iterator[Disk]:
    """Have a disk at this place, where this user may mount one."""
    place.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={_BYTES},mode=755", "gristmill-chaos", str(place)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        yield Disk(place, missing=f"no disk can be mounted here: {done.stderr.strip()}")
        return
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
