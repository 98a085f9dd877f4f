"""A file of the input: as it lies in the run directory, or inside an archive."""

from __future__ import annotations

import contextlib
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from gristmill_runner.failure import RunFailed


class HeldFile(Protocol):
    """A file that can be read from its beginning, or be laid on the disk for those who jump about in it."""

    @property
    def name(self) -> str:
        """Its name, as people know it."""

    @property
    def path(self) -> Path | None:
        """Where it lies on the disk, None inside an archive."""

    def open(self) -> BinaryIO:
        """Read it from its beginning."""

    def on_disk(self, scratch: Path) -> contextlib.AbstractContextManager[Path]:
        """Let it lie on the disk for a while."""


@dataclass(frozen=True)
class FileOnDisk:
    """A file of its own."""

    name: str
    path: Path

    def open(self) -> BinaryIO:
        """Read it from its beginning."""
        return self.path.open("rb")

    @contextlib.contextmanager
    def on_disk(self, scratch: Path) -> Iterator[Path]:  # noqa: ARG002 - it lies there already
        """Return its path."""
        yield self.path


@dataclass(frozen=True)
class Member:
    """A file inside a zip archive."""

    name: str
    archive: Path
    member: str
    path: None = None

    def open(self) -> BinaryIO:
        """Read it from its beginning; it is unpacked on the way."""
        with zipfile.ZipFile(self.archive) as archive:
            return _Unpacked(archive.open(self.member), self.name)  # type: ignore[return-value]

    @contextlib.contextmanager
    def on_disk(self, scratch: Path) -> Iterator[Path]:
        """Unpack it."""
        target = scratch / f"unpacked{Path(self.member).suffix}"
        try:
            with contextlib.closing(self.open()) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, 2**20)
            yield target
        finally:
            target.unlink(missing_ok=True)


class _Unpacked:
    """A member that is read, with faults told in our words."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self._name = file, name

    @property
    def closed(self) -> bool:
        return self._file.closed

    def read(self, size: int = -1, /) -> bytes:
        try:
            return bytes(self._file.read(size))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise RunFailed("input_unreadable", f"{self._name} cannot be unpacked: {error}") from error

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> _Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
