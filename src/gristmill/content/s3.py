"""Content in an S3-compatible store: ``prefix/ab/cd/abcd...``, one object a piece, laid out as in a folder."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import re
import secrets
import stat
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, Self, cast

import obstore
from obstore.exceptions import BaseError

from gristmill.content.bucket import Bucket
from gristmill.content.content import ContentMissing, ContentUnreachable, Stored
from gristmill.content.unfinished_uploads import UnfinishedUploads

_MIB = 1024**2
_BLOCK_BYTES = _MIB
_PIECE_BYTES = 8 * _MIB
_STREAMS = 4
_MOST_PARTS = 9_000
_KEY = re.compile(r"[0-9a-f]{32}")
_CODE = re.compile(r"<Code>(\w+)</Code>|status code: (\d+)")


class S3Content:
    """An object appears when its last byte has arrived: a crash leaves at most an upload that nobody sees."""

    def __init__(self, bucket: Bucket, *, patient: bool = False) -> None:
        self._bucket = bucket
        self._store = bucket.open(patient=patient)
        self._uploads = UnfinishedUploads(bucket)

    @property
    def place(self) -> str:
        """Bucket and prefix."""
        return f"s3://{self._bucket.name}/{self._bucket.prefix}".rstrip("/")

    @property
    def disk(self) -> None:
        """None: S3 has no request that tells how much room a bucket has."""

    def patient(self) -> Self:
        """Return the same content for those who keep nobody waiting: a store that is away is waited for longer."""
        return type(self)(self._bucket, patient=True)

    def check(self) -> None:
        """Write, list, read and remove an object, so that wrong keys are told when the server starts.

        Raises:
            ContentUnreachable: one of it is not possible; the message says why.

        """
        key = self.put([b"?"]).key
        with self._told():
            next(iter(obstore.list(self._store, prefix=self._bucket.prefix, chunk_size=1)), None)
        b"".join(self.stream(key))
        self.delete(key)

    def put(self, chunks: Iterable[bytes]) -> Stored:
        """Put the bytes in one request where they are few, in parts where they are many."""
        return self._put(chunks, part_bytes=_PIECE_BYTES)

    def put_back(self, key: str, chunks: Iterable[bytes], *, size: int) -> Stored:
        """Do the same under a key that is known."""
        if not _KEY.fullmatch(key):
            raise ContentMissing(key)
        return self._put(chunks, part_bytes=_part_bytes(size), key=key)

    def put_file(self, path: Path, *, own_names: int = 1) -> Stored:  # noqa: ARG002 - copied in any case
        """Put a file's bytes; the file stays.

        Raises:
            OSError: it cannot be read, or is no regular file. A symbolic link is not followed.

        """
        with _open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            return self._put(iter(lambda: file.read(_BLOCK_BYTES), b""), part_bytes=_part_bytes(size))

    def open(self, key: str) -> BinaryIO:
        """Open for reading: anywhere in it, a block at a time."""
        return cast("BinaryIO", io.BufferedReader(_Reader(self, key, self._length(key)), _BLOCK_BYTES))

    def stream(self, key: str, *, start: int = 0) -> Iterator[bytes]:
        """Yield the bytes from ``start``, asked for piece by piece: a slow reader keeps no connection waiting."""
        return self._stream(key, start, self._length(key))

    def materialize(self, key: str, target: Path) -> None:
        """Copy the content, several pieces at a time."""
        length = self._length(key)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "wb") as copy, ThreadPoolExecutor(_STREAMS) as pool:
            copied = [
                pool.submit(self._copy, key, copy.fileno(), start, min(_PIECE_BYTES, length - start))
                for start in range(0, length, _PIECE_BYTES)
            ]
            try:
                for piece in copied:
                    piece.result()
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def delete(self, key: str) -> None:
        """Remove it."""
        if not _KEY.fullmatch(key):
            return
        with self._told():
            try:
                obstore.delete(self._store, self._path(key))
            except FileNotFoundError:
                return

    def keys(self, *, older_than_seconds: float) -> Iterator[str]:
        """Yield the keys of objects that were put so long ago by the store's clock; a page is listed when asked for."""
        oldest = time.time() - older_than_seconds
        with self._told():
            for page in obstore.list(self._store, prefix=self._bucket.prefix):
                for found in page:
                    key = found["path"].rpartition("/")[2]
                    ours = _KEY.fullmatch(key) and found["path"] == self._path(key)
                    if ours and found["last_modified"].timestamp() < oldest:
                        yield key

    def size(self, key: str) -> int:
        """Return the object's bytes, 0 where it is not there."""
        try:
            return self._length(key)
        except ContentMissing:
            return 0

    def discard_drafts(self, *, older_than_seconds: float) -> int:
        """Abort uploads in parts that were begun so long ago and never finished: their writers died."""
        return self._uploads.abort(older_than_seconds=older_than_seconds)

    def read(self, key: str, start: int, length: int) -> memoryview:
        """Return ``length`` bytes from ``start``, all of which must be there."""
        with self._told(key):
            found = memoryview(obstore.get_range(self._store, self._path(key), start=start, length=length))
        if len(found) != length:
            raise ContentUnreachable(f"{self._bucket.endpoint} broke off.")
        return found

    def _put(self, chunks: Iterable[bytes], *, part_bytes: int, key: str | None = None) -> Stored:
        key, digest, size = key or secrets.token_hex(16), hashlib.sha256(), 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        blocks = counted()
        head = _beginning(blocks, part_bytes)
        with self._told():
            if len(head) < part_bytes:
                obstore.put(self._store, self._path(key), head, use_multipart=False)
            else:
                # The library aborts the upload when the source raises.
                parts = chain([head], (block for block in blocks if block))
                obstore.put(
                    self._store,
                    self._path(key),
                    parts,
                    use_multipart=True,
                    chunk_size=part_bytes,
                    max_concurrency=_STREAMS,
                )
        return Stored(key=key, size=size, sha256=digest.hexdigest())

    def _length(self, key: str) -> int:
        if not _KEY.fullmatch(key):
            raise ContentMissing(key)
        with self._told(key):
            return int(obstore.head(self._store, self._path(key))["size"])

    def _stream(self, key: str, start: int, length: int) -> Iterator[bytes]:
        for at in range(start, length, _PIECE_BYTES):
            piece = self.read(key, at, min(_PIECE_BYTES, length - at))
            for begin in range(0, len(piece), _BLOCK_BYTES):
                yield bytes(piece[begin : begin + _BLOCK_BYTES])

    def _copy(self, key: str, target: int, start: int, length: int) -> None:
        piece, written = self.read(key, start, length), 0
        while written < length:
            written += os.pwrite(target, piece[written:], start + written)

    def _path(self, key: str) -> str:
        return f"{self._bucket.prefix}{key[:2]}/{key[2:4]}/{key}"

    @contextmanager
    def _told(self, key: str | None = None) -> Iterator[None]:
        """Say what is wrong without the library's words: they are long, and may repeat what was sent."""
        try:
            yield
        except FileNotFoundError as error:
            if key is None:
                raise
            raise ContentMissing(key) from error
        except BaseError as error:
            code = _CODE.search(str(error))
            said = f"answered {code[1] or code[2]}" if code else "did not answer, or broke off"
            raise ContentUnreachable(f"{self._bucket.endpoint} {said} for bucket {self._bucket.name}.") from None


class _Reader(io.RawIOBase):
    """A piece of content as a file that can be read anywhere."""

    def __init__(self, content: S3Content, key: str, length: int) -> None:
        self._content = content
        self._key = key
        self._length = length
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = max(0, min(len(buffer), self._length - self._at, _PIECE_BYTES))
        if count:
            buffer[:count] = self._content.read(self._key, self._at, count)
            self._at += count
        return count


def _beginning(blocks: Iterator[bytes], least_bytes: int) -> bytes:
    """Take blocks until there are so many bytes, or no more."""
    head = bytearray()
    for block in blocks:
        head += block
        if len(head) >= least_bytes:
            break
    return bytes(head)


def _part_bytes(size: int) -> int:
    return max(_PIECE_BYTES, -(-size // _MOST_PARTS))


def _open_regular(path: Path) -> BinaryIO:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")
