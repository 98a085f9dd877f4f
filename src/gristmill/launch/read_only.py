"""Directories that are made read-only, and removed all the same."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

_WRITING = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


def make_read_only(directory: Path) -> None:
    """Take away the right to write. Files that have other names too are left: those names are somebody else's."""
    for place, _, names in os.walk(directory):
        for name in names:
            path = Path(place, name)
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
                path.chmod(found.st_mode & ~_WRITING)
        Path(place).chmod(Path(place).stat().st_mode & ~_WRITING)


def remove_read_only(directory: Path) -> None:
    """Remove a directory as far as that is possible; absent is fine."""
    for place, _, _ in os.walk(directory):
        Path(place).chmod(stat.S_IRWXU)
    shutil.rmtree(directory, ignore_errors=True)
