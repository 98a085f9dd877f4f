"""Archives that users send: walked to their end within limits, and unpacked without ever leaving their directory."""

from __future__ import annotations

import gzip
import io
import lzma
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

from gristmill.domain import file_signatures
from gristmill.domain.archive import Tally, inner_path, link_target, refused
from gristmill.domain.errors import Invalid
from gristmill.service.context import Limits
from gristmill.service.zip_directory import opened_zip

_BLOCK_BYTES = 1024 * 1024
_MOST_HEADER_BYTES = 1024 * 1024
_MOST_MODEL_FILES = 100_000
# What the readers raise on bytes that are no archive, or not a whole one.
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


class Packing(StrEnum):
    """How files are packed together. ``plain`` is a file by itself, ``gzip`` one such file compressed."""

    TAR = "tar"
    TAR_GZIP = "tar.gz"
    ZIP = "zip"
    GZIP = "gzip"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an archive. ``link`` is the path inside of an earlier file that it repeats; then it has no stream."""

    path: str
    stream: IO[bytes] | None
    is_directory: bool = False
    link: str | None = None


def packing_of(stream: BinaryIO) -> Packing:
    """Return how a seekable stream's content is packed, as its first bytes tell; it is left at its start."""
    stream.seek(0)
    head = stream.read(file_signatures.HEAD_BYTES)
    stream.seek(0)
    if file_signatures.is_zip(head):
        return Packing.PLAIN if _is_model_file(stream) else Packing.ZIP
    if file_signatures.is_gzip(head):
        try:
            inner = zlib.decompressobj(31).decompress(head, 1_024)
        except zlib.error:
            inner = b""
        return Packing.TAR_GZIP if file_signatures.is_tar(inner) else Packing.GZIP
    return Packing.TAR if file_signatures.is_tar(head) else Packing.PLAIN


def members(stream: BinaryIO, *, limits: Limits) -> Iterator[Member]:
    """Yield the members of an archive in order, each checked; a stream is good until the next member is asked for.

    What is left unread of a stream is read all the same, so that a walk to the end has seen every byte.

    Raises:
        Invalid: the archive is broken, unpacks to more than the limits allow, or has a member that would leave its
            directory or is neither file, directory nor link.

    """
    packing = packing_of(stream)
    tally = Tally(packed_bytes=_size(stream), most_bytes=limits.archive_bytes, most_files=limits.archive_files)
    try:
        match packing:
            case Packing.ZIP:
                yield from _zip_members(stream, tally)
            case Packing.TAR:
                yield from _tar_members(stream, tally)
            case Packing.TAR_GZIP:
                with gzip.GzipFile(fileobj=stream) as unzipped:
                    yield from _tar_members(cast("IO[bytes]", unzipped), tally)
            case Packing.GZIP:
                with gzip.GzipFile(fileobj=stream) as unzipped:
                    yield from _single(cast("IO[bytes]", unzipped), tally)
            case Packing.PLAIN:
                yield from _single(stream, tally)
    except _BROKEN as error:
        raise _unreadable(error) from error


def unpack(stream: BinaryIO, target: Path, *, name: str, limits: Limits) -> None:
    """Lay an archive out in the new directory ``target``; content that is no archive becomes one file of that name.

    Files get plain modes, links become copies of what they repeat, and nothing is written outside.

    Raises:
        Invalid: as `members` does; what was written so far is left for the caller to remove.

    """
    target.mkdir(parents=True)
    for member in members(stream, limits=limits):
        path = target / (member.path or _plain_name(name))
        if member.is_directory:
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if member.link is not None:
            shutil.copyfile(target / member.link, path)
        elif member.stream is not None:
            with path.open("wb") as file:
                shutil.copyfileobj(member.stream, file, _BLOCK_BYTES)


class _Counted(io.RawIOBase):
    """A stream that counts what is read from it."""

    def __init__(self, stream: IO[bytes], tally: Tally) -> None:
        self._stream = stream
        self._tally = tally

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            block = self._stream.read(_BLOCK_BYTES if size < 0 else min(size, _BLOCK_BYTES))
        except _BROKEN as error:
            raise _unreadable(error) from error
        self._tally.block(len(block))
        return block

    def drain(self) -> None:
        """Read what is left."""
        while self.read(_BLOCK_BYTES):
            pass


def _unreadable(error: Exception) -> Invalid:
    return refused(f"The archive cannot be read to its end: {error or type(error).__name__}.")


@contextmanager
def _counted(stream: IO[bytes], tally: Tally) -> Iterator[_Counted]:
    counted = _Counted(stream, tally)
    yield counted
    counted.drain()


def _single(stream: IO[bytes], tally: Tally) -> Iterator[Member]:
    with _counted(stream, tally) as counted:
        yield Member("", cast("IO[bytes]", counted))


def _zip_members(stream: BinaryIO, tally: Tally) -> Iterator[Member]:
    with opened_zip(stream, most_files=tally.most_files) as archive:
        entries = archive.infolist()
        for entry in entries:
            path = inner_path(entry.filename)
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
                raise refused(f"The archive's member {entry.filename!r} is a link or device; pack the file itself.")
            if entry.flag_bits & 1:
                raise refused(f"The archive's member {entry.filename!r} is encrypted; pack it without a password.")
            tally.file(path, is_directory=entry.is_dir())
            if entry.is_dir():
                yield Member(path, None, is_directory=True)
                continue
            with archive.open(entry) as file, _counted(file, tally) as counted:
                yield Member(_named(path, entry.filename), cast("IO[bytes]", counted))


def _tar_members(stream: IO[bytes], tally: Tally) -> Iterator[Member]:
    sizes: dict[str, int] = {}
    with tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
        for entry in archive:
            path = inner_path(entry.name)
            tally.file(path, is_directory=entry.isdir())
            if entry.isdir():
                yield Member(path, None, is_directory=True)
            elif entry.issym() or entry.islnk():
                link = _repeated(path, entry, sizes)
                sizes[path] = sizes[link]
                tally.block(sizes[link])
                yield Member(_named(path, entry.name), None, link=link)
            elif entry.isreg():
                file = archive.extractfile(entry)
                assert file is not None, "a regular member has a file"
                with _counted(file, tally) as counted:
                    yield Member(_named(path, entry.name), cast("IO[bytes]", counted))
                sizes[path] = entry.size
            else:
                raise refused(f"The archive's member {entry.name!r} is a device or pipe; only files can be unpacked.")
    # A tar ends before its gzip stream does: the checksum comes after.
    _Counted(stream, tally).drain()


class _Header(tarfile.TarInfo):
    """A tar header; those that tarfile reads into memory as a whole are bounded."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        header = super().frombuf(buf, encoding, errors)
        plain = header.isreg() or header.isdir() or header.issym() or header.islnk()
        if not plain and header.size > _MOST_HEADER_BYTES:
            raise refused("The archive has a header of more than 1 MiB.")
        return header


def _repeated(path: str, entry: tarfile.TarInfo, sizes: Collection[str]) -> str:
    """Return the earlier file that a link repeats: copies of it cannot lead anywhere else."""
    link = link_target(path, entry.linkname, symbolic=entry.issym())
    if link not in sizes:
        raise refused(
            f"The archive's link {entry.name!r} points to {entry.linkname!r}, which is no file before it; "
            "pack the file itself."
        )
    return link


def _named(path: str, name: str) -> str:
    if not path:
        raise refused(f"The archive has a file without a name: {name!r}.")
    return path


def _plain_name(name: str) -> str:
    cleaned = name.replace("\\", "/").rsplit("/", 1)[-1].replace("\0", "").removesuffix(".gz").strip()
    short = cleaned.encode(errors="replace")[-200:].decode(errors="ignore")
    return short if short not in {"", ".", ".."} else "content"


def _is_model_file(stream: BinaryIO) -> bool:
    """Whether a zip is a model's own file format: what torch.save and Keras write, and nobody should unpack."""
    try:
        with opened_zip(stream, most_files=_MOST_MODEL_FILES) as archive:
            names = archive.namelist()[:1_000]
    except (*_BROKEN, Invalid):
        return False
    finally:
        stream.seek(0)
    torch = any(name.endswith("/data.pkl") for name in names) and any(name.endswith("/version") for name in names)
    return torch or {"config.json", "metadata.json", "model.weights.h5"} <= set(names)


def _size(stream: BinaryIO) -> int:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size
