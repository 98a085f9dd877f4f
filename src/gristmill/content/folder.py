"""Content in a directory: ``ab/cd/abcd...`` holds finished pieces, ``drafts`` what is being written."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from gristmill.content.content import ContentMissing, Stored

_BLOCK_BYTES = 1024**2
_KEY = re.compile(r"[0-9a-f]{32}")
_PREFIX_LETTERS = 2


class FolderContent:
    """Pieces appear under their keys by one rename, after their bytes are on disk: a crash leaves at most a draft."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._drafts = root / "drafts"
        _make_directory(self._drafts)

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._root)

    @property
    def disk(self) -> Path:
        """The folder, too."""
        return self._root

    def put(self, chunks: Iterable[bytes]) -> Stored:
        """Write the bytes to a draft, and rename it when it is whole and on disk."""
        return self._put(secrets.token_hex(16), chunks)

    def put_back(self, key: str, chunks: Iterable[bytes], *, size: int) -> Stored:  # noqa: ARG002 - no matter here
        """Do the same under a key that is known."""
        self._path(key)
        return self._put(key, chunks)

    def put_file(self, path: Path, *, own_names: int = 1) -> Stored:
        """Take a file in by renaming it, or by copying it where that is not possible or not safe.

        Raises:
            OSError: it cannot be read, or is no regular file. A symbolic link is not followed.

        """
        with _open_regular(path) as file:
            size, digest = _measure(file)
            # A file with another name than the caller's own could still be changed through that name.
            if os.fstat(file.fileno()).st_nlink <= own_names:
                os.fsync(file.fileno())
                with suppress(_OtherFileSystem):
                    return Stored(key=self._take_in(path, secrets.token_hex(16)), size=size, sha256=digest)
            file.seek(0)
            return self.put(_blocks(file))

    def open(self, key: str) -> BinaryIO:
        """Open for reading."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError as error:
            raise ContentMissing(key) from error

    def stream(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from ``start``; what is missing is told at once, not at the first block."""
        if not self._path(key).is_file():
            raise ContentMissing(key)
        return self._stream(key, start)

    def materialize(self, key: str, target: Path) -> None:
        """Copy the content inside the kernel, which shares the blocks where the file system can."""
        with self.open(key) as source:
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
            with os.fdopen(descriptor, "wb") as copy:
                _copy(source, copy)

    def delete(self, key: str) -> None:
        """Remove it. The directories stay: removing an empty one would race with a piece that moves in."""
        with suppress(ContentMissing):
            self._path(key).unlink(missing_ok=True)

    def keys(self, *, older_than_seconds: float) -> Iterator[str]:
        """Yield the keys of pieces that were taken in so long ago; a directory is read when the one before is done."""
        oldest = time.time() - older_than_seconds
        for upper in _directories(self._root):
            for lower in _directories(upper):
                with os.scandir(lower) as entries:
                    yield from [e.name for e in entries if _KEY.fullmatch(e.name) and _modified(Path(e)) < oldest]

    def size(self, key: str) -> int:
        """Return the piece's bytes, 0 where it is not there."""
        try:
            return self._path(key).stat().st_size
        except (FileNotFoundError, ContentMissing):
            return 0

    def discard_drafts(self, *, older_than_seconds: float) -> int:
        """Remove drafts that nobody has written to for so long: their writers died. Return how many."""
        oldest = time.time() - older_than_seconds
        stale = [draft for draft in self._drafts.iterdir() if _modified(draft) < oldest]
        for draft in stale:
            draft.unlink(missing_ok=True)
        return len(stale)

    def _put(self, key: str, chunks: Iterable[bytes]) -> Stored:
        draft = self._drafts / secrets.token_hex(16)
        try:
            size, digest = _write(draft, chunks)
            return Stored(key=self._take_in(draft, key), size=size, sha256=digest)
        finally:
            draft.unlink(missing_ok=True)

    def _take_in(self, draft: Path, key: str) -> str:
        target = self._path(key)
        _make_directory(target.parent)
        # `keys` tells by it since when the piece is here; a run may have written its file long ago.
        os.utime(draft)
        try:
            draft.rename(target)
        except OSError as error:
            if error.errno == errno.EXDEV:
                raise _OtherFileSystem from error
            raise
        # Finished content is never written again.
        target.chmod(0o400)
        _sync_directory(target.parent)
        return key

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ContentMissing(key)
        return self._root / key[:2] / key[2:4] / key

    def _stream(self, key: str, start: int) -> Iterator[bytes]:
        with self.open(key) as file:
            file.seek(start)
            yield from _blocks(file)


class _OtherFileSystem(Exception):
    """A rename does not reach across file systems."""


def _directories(path: Path) -> list[Path]:
    """Return the directories of keys that begin alike, the drafts left out."""
    return sorted(entry for entry in path.iterdir() if len(entry.name) == _PREFIX_LETTERS and entry.is_dir())


def _write(draft: Path, chunks: Iterable[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size += len(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def _open_regular(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def _measure(file: BinaryIO) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    for block in _blocks(file):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(_BLOCK_BYTES):
        yield block


def _copy(source: BinaryIO, copy: BinaryIO) -> None:
    try:
        while os.copy_file_range(source.fileno(), copy.fileno(), 64 * _BLOCK_BYTES):
            pass
    except (OSError, AttributeError):
        # Not between these file systems, or not on this kernel. Both descriptors stand where the copying stopped.
        source.seek(os.lseek(source.fileno(), 0, os.SEEK_CUR))
        shutil.copyfileobj(source, copy, _BLOCK_BYTES)


def _make_directory(path: Path) -> None:
    if path.is_dir():
        return
    if not path.parent.is_dir():
        _make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    _sync_directory(path.parent)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")
