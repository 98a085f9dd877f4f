"""The directories that children are shut in with: one a child, into which the run directories that it serves come."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Self

from gristmill.launch.launcher import LaunchFailed

_RECORD = ".place"


class Boxes:
    """The boxes below ``root``, of this process.

    Those of processes that are gone are removed at the beginning; run directories in them go back to their places.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in [path for path in root.iterdir() if not path.name.endswith(_RECORD)]:
            owner = left.name.partition("-")[0]
            if owner == str(os.getpid()) or not Path(f"/proc/{owner}").exists():
                OpenBox.left_behind(left).remove()

    def new(self) -> OpenBox:
        """Make a box."""
        directory = self._root / f"{os.getpid()}-{uuid.uuid4().hex}"
        directory.mkdir(mode=0o700)
        return OpenBox(directory)


class OpenBox:
    """One child's box. A run directory is in it exactly as long as the child serves it.

    Meanwhile there is a link in its place. When it is given back, user code that still works cannot reach it any more
    by any name, so that what is read then stays what it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        # Beside the box, where user code cannot write: where the run directory in it belongs.
        self._record = directory.with_name(directory.name + _RECORD)
        self._place: Path | None = None
        self._inode = 0

    @classmethod
    def left_behind(cls, directory: Path) -> Self:
        """Return a box whose process is gone, with the run directory that it may hold."""
        box = cls(directory)
        with contextlib.suppress(OSError, ValueError):
            place, inode = json.loads(box._record.read_text(encoding="utf-8"))
            inside = directory / Path(place).name
            if inside.is_dir() and not inside.is_symlink():
                box._place, box._inode = Path(place), inode
        return box

    def take_in(self, place: Path) -> Path:
        """Move a run directory into the box; return where it is now.

        Raises:
            LaunchFailed: it is on another file system, or gone.

        """
        inside = self.directory / place.name
        try:
            self._inode = place.stat().st_ino
            self._record.write_text(json.dumps([str(place), self._inode]), encoding="utf-8")
            place.rename(inside)
            place.symlink_to(inside, target_is_directory=True)
        except OSError as error:
            raise LaunchFailed(f"the run directory cannot be moved into its child's box: {error}") from error
        self._place = place
        return inside

    def give_back(self) -> None:
        """Move the run directory back, without links of user code among the places that are looked into."""
        place, self._place = self._place, None
        if place is None:
            return
        inside = self.directory / place.name
        with contextlib.suppress(FileNotFoundError):
            place.unlink()
        try:
            inside.rename(place)
        except OSError:
            place.mkdir(exist_ok=True)  # user code took it away, or removed it: it left nothing
        if place.is_symlink() or place.stat().st_ino != self._inode:
            with contextlib.suppress(OSError):
                place.unlink()
            place.mkdir(exist_ok=True)
        for entry in place.iterdir():
            if entry.is_symlink():
                entry.unlink()

    def remove(self) -> None:
        """Remove the box, when its child is gone."""
        self.give_back()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._record.unlink(missing_ok=True)
