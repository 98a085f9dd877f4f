"""The directories that children are shut in with: one a child, into which the run directories that it serves come."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from gristmill.launch.launcher import LaunchFailed

GIVEN = ".given"
"""Ends the name of a run directory that is on its way from a box to its place."""


class Boxes:
    """The boxes below ``root``, of this process; those of processes that are gone are removed at the beginning.

    Run directories that are still in them go back to their places in ``served`` first: another attempt may take over
    from what is in there.
    """

    def __init__(self, root: Path, served: Path | None = None) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if served is not None and served.is_dir():
            self._give_back(served)
        for left in root.iterdir():
            if _is_left(left):
                shutil.rmtree(left, ignore_errors=True)

    def new(self) -> OpenBox:
        """Make a box."""
        directory = self._root / f"{os.getpid()}-{uuid.uuid4().hex}"
        directory.mkdir(mode=0o700)
        return OpenBox(directory)

    def _give_back(self, served: Path) -> None:
        give_all_back(served, lambda inside: inside.parent.parent == self._root and _is_left(inside.parent))


class OpenBox:
    """One child's box. A run directory is in it exactly as long as the child serves it.

    Meanwhile there is a link in its place. When it is given back, user code that still works cannot reach it any more
    by any name, so that what is read then stays what it is.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._place: Path | None = None
        self._inode = 0

    def take_in(self, place: Path) -> Path:
        """Move a run directory into the box; return where it is now.

        Raises:
            LaunchFailed: it is on another file system, or gone.

        """
        inside = self.directory / place.name
        try:
            self._inode = place.stat().st_ino
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
        _put_back(self.directory / place.name, place)
        if place.is_symlink() or place.stat().st_ino != self._inode:
            with contextlib.suppress(OSError):
                place.unlink()
            place.mkdir(exist_ok=True)
        _clear_links(place)

    def remove(self) -> None:
        """Remove the box, when its child is gone."""
        self.give_back()
        shutil.rmtree(self.directory, ignore_errors=True)


def give_back(place: Path) -> None:
    """Move a run directory to its place out of the box where the link there leads; its owner is gone."""
    _put_back(place.readlink(), place)
    _clear_links(place)


def give_all_back(served: Path, is_left: Callable[[Path], bool]) -> None:
    """Move run directories to their places in ``served`` out of boxes of which nobody has the run any more."""
    for half in served.glob(f"*{GIVEN}"):
        _put_in_place(half, half.with_name(half.name.removesuffix(GIVEN)))
    for place in served.iterdir():
        if place.is_symlink() and is_left(place.readlink()):
            give_back(place)


def _is_left(box: Path) -> bool:
    """Tell whether the process that made a box is gone; one of our own number was another process."""
    owner = box.name.partition("-")[0]
    return owner == str(os.getpid()) or not Path(f"/proc/{owner}").exists()


def _put_back(inside: Path, place: Path) -> None:
    """Move a run directory to the place where the link is. Whoever is killed meanwhile leaves it under one name."""
    half = place.with_name(place.name + GIVEN)
    try:
        inside.rename(half)
    except OSError:
        half.mkdir(exist_ok=True)  # user code took it away, or removed it: it left nothing
    _put_in_place(half, place)


def _put_in_place(half: Path, place: Path) -> None:
    if place.is_symlink():
        place.unlink()
    try:
        half.rename(place)
    except OSError:
        place.mkdir(exist_ok=True)


def _clear_links(place: Path) -> None:
    """Remove links of user code from among the places that are looked into, and the place itself if it is one."""
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
        place.mkdir()
    for entry in place.iterdir():
        if entry.is_symlink():
            entry.unlink()
