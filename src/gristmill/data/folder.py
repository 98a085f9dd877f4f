"""Files in a folder of this server, or one mounted there, that the administrator opened to connections."""

from __future__ import annotations

import heapq
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from gristmill.data import file_names
from gristmill.data.places import Places
from gristmill.data.properties import Properties
from gristmill.data.source import ALWAYS, DataFailed, Entry, FileName, Wanted

_BLOCK_BYTES = 1024**2
_DRAFT = ".gristmill-draft-"
# Nothing is written for that long without a sign of life in the file's time.
_STALE_SECONDS = 86_400.0


def connect(properties: Properties, places: Places) -> Folder:
    """Open the folder that ``volume`` names, or the one ``path`` names below it.

    ``volume`` is an absolute path, or the bare name of a folder that the administrator opened.
    """
    volume = properties.required("volume")
    named = [str(folder) for folder in places.folders if folder.name == volume]
    root = places.permitted(named[0] if len(named) == 1 else volume, field="properties.volume")
    below = properties.text("path")
    return Folder(root.joinpath(*file_names.parts(below, field="properties.path")) if below else root)


class Folder:
    """Implements ``Files``. Links are followed as long as they stay in the folder; a name's bucket plays no part."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._real = root.resolve()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    def test(self) -> None:
        """Find out whether the folder is there and may be listed."""
        self.browse(limit=1)

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        """Return files and folders in the order of their names; what is neither, or leads out, is left out."""
        names = file_names.folder_parts(path)
        with _told(path), self._directory(names) as opened, os.scandir(opened) as found:
            first = heapq.nsmallest(offset + limit, (e.name for e in found if not e.name.startswith(_DRAFT)))
        entries = (self._entry((*names, name)) for name in first[offset:])
        return [entry for entry in entries if entry is not None]

    def size(self, file: FileName) -> int | None:
        """Return a file's size in bytes."""
        with self._open(file) as opened:
            return os.fstat(opened).st_size

    def fetch(self, file: FileName, target: Path, *, limit_bytes: int | None = None) -> int:
        """Copy a file, as it was when it was opened: one that is replaced meanwhile is read to its own end."""
        written = 0
        with self._open(file) as opened, target.open("wb") as copy:
            for block in _blocks(opened, file.name, limit_bytes):
                written += copy.write(block)
        return written

    def store(self, file: FileName, source: Path, wanted: Wanted = ALWAYS) -> None:
        """Write a draft beside the file's place, and rename it when it is whole and on disk."""
        *folders, name = file_names.parts(file.name)
        draft = f"{_DRAFT}{secrets.token_hex(8)}"
        with source.open("rb") as read, _told(file.name), self._made_directory(tuple(folders)) as directory:
            _discard_stale(directory)
            try:
                _write(draft, directory, read.fileno(), wanted)
                wanted.commit()
                os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
                os.fsync(directory)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(draft, dir_fd=directory)
                raise

    def _entry(self, names: tuple[str, ...]) -> Entry | None:
        try:
            found = self._inside(names).stat()
        except (DataFailed, OSError):
            return None
        at = datetime.fromtimestamp(found.st_mtime, UTC)
        path = file_names.path_of(*names)
        if stat.S_ISDIR(found.st_mode):
            return Entry(name=names[-1], type="folder", path=path, modified_at=at)
        if stat.S_ISREG(found.st_mode):
            return Entry(name=names[-1], type="file", path=path, size=found.st_size, modified_at=at)
        return None

    def _inside(self, names: tuple[str, ...]) -> Path:
        """Return where names lead in the end."""
        real = self._root.joinpath(*names).resolve()
        if not real.is_relative_to(self._real):
            raise DataFailed("data_access_denied", f"{'/'.join(names)} leads out of the connection's folder.")
        return real

    @contextmanager
    def _open(self, file: FileName) -> Iterator[int]:
        names = file_names.parts(file.name)
        with _told(file.name):
            real = self._inside(names)
            with _directory(self._real, real.parent.relative_to(self._real).parts) as parent:
                # A pipe in the place of a file must not be waited for.
                opened = os.open(real.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent)
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                os.close(opened)
                raise DataFailed("data_not_found", f"{file.name} is not a file.")
        try:
            yield opened
        finally:
            os.close(opened)

    @contextmanager
    def _directory(self, names: tuple[str, ...]) -> Iterator[int]:
        with _directory(self._real, self._inside(names).relative_to(self._real).parts) as opened:
            yield opened

    @contextmanager
    def _made_directory(self, names: tuple[str, ...]) -> Iterator[int]:
        relative = self._inside(names).relative_to(self._real).parts
        with _directory(self._real, relative, make=True) as opened:
            yield opened


@contextmanager
def _directory(root: Path, names: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
    """Open a directory step by step: names have been resolved, so a link that is met now was put there meanwhile."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    opened = os.open(root, flags)
    try:
        for name in names:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=opened)
                    os.fsync(opened)
            further = os.open(name, flags, dir_fd=opened)
            os.close(opened)
            opened = further
        yield opened
    finally:
        os.close(opened)


def _blocks(opened: int, name: str, limit: int | None) -> Iterator[bytes]:
    left = limit
    while left is None or left > 0:
        with _told(name):
            block = os.read(opened, _BLOCK_BYTES if left is None else min(left, _BLOCK_BYTES))
        if not block:
            return
        left = left if left is None else left - len(block)
        yield block


def _write(draft: str, directory: int, source: int, wanted: Wanted) -> None:
    opened = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666, dir_fd=directory)
    with os.fdopen(opened, "wb") as file:
        while block := os.read(source, _BLOCK_BYTES):
            wanted.look()
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def _discard_stale(directory: int) -> None:
    """Remove drafts of writers that were killed."""
    oldest = time.time() - _STALE_SECONDS
    with os.scandir(directory) as found:
        drafts = [entry.name for entry in found if entry.name.startswith(_DRAFT)]
    for draft in drafts:
        with suppress(OSError):
            if os.stat(draft, dir_fd=directory, follow_symlinks=False).st_mtime < oldest:
                os.unlink(draft, dir_fd=directory)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Say in the words of a connection what the file system refuses."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise DataFailed("data_not_found", f"There is no {what} in the connection's folder.") from None
    except PermissionError:
        raise DataFailed(
            "data_access_denied", f"The server has no right to {what} in the connection's folder."
        ) from None
    except OSError as error:
        raise DataFailed("data_failed", f"{what}: {error.strerror or error}.") from None
