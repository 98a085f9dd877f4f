"""What a run directory tells of rows that are done: ledger and staged files, copied for whoever goes on from there.

They are copied, never moved: whoever made them may be thought dead, and still write.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from gristmill_runner import protocol

_DRAFT = protocol.LEDGER + ".draft"
_MOST_FILES = 100


def staged(folder: Path) -> list[Path]:
    """Return the plain files of the folder with what is staged; a link in its place, or in theirs, is not followed."""
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return []
        found = [Path(entry.path) for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []
    return sorted(found)[:_MOST_FILES]


def copy(source: Path, target: Path) -> None:
    """Copy what is done to another run directory.

    Raises:
        OSError: there is no ledger, or it cannot be copied.

    """
    # The ledger first: whatever it speaks of is staged by then. It appears last, when all the rest is here.
    _copy_file(source / protocol.LEDGER, target / _DRAFT)
    fill(target, {path.name: _copying(path) for path in staged(source / protocol.STAGED)})
    (target / _DRAFT).replace(target / protocol.LEDGER)


def fill(target: Path, files: dict[str, Callable[[Path], None]]) -> None:
    """Have staged files laid down in a run directory, each by its name."""
    folder = target / protocol.STAGED
    folder.mkdir(exist_ok=True)
    for name, lay_down in files.items():
        lay_down(folder / name)


def _copying(source: Path) -> Callable[[Path], None]:
    return lambda target: _copy_file(source, target)


def _copy_file(source: Path, target: Path) -> None:
    with protocol.open_plain(source) as file, target.open("xb") as copied:
        while os.sendfile(copied.fileno(), file.fileno(), None, 2**30):
            pass
