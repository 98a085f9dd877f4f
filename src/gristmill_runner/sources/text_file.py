"""A file of text as a stream of UTF-8 bytes, whatever compresses and encodes it."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from gristmill_runner.failure import RunFailed
from gristmill_runner.sources.held_file import HeldFile

SAMPLE_BYTES = 2**18
_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ANSWERS_TO = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "ascii": "utf-8"}


class ByteStream(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""

    def tell(self) -> int:
        """Return how many bytes of what lies below it, a file in the end, have been read."""

    def close(self) -> None:
        """Let it go."""


@dataclass(frozen=True)
class TextFile:
    """A text. ``path`` is where it lies as a file of its own, None in an archive; ``encoding`` is None unless told."""

    name: str
    open_bytes: Callable[[], BinaryIO]
    path: Path | None = None
    encoding: str | None = None

    @cached_property
    def plain_path(self) -> Path | None:
        """Where its UTF-8 lies as it is, or None where it is compressed or encoded otherwise."""
        return self.path if self._compression is None and self._text_encoding == "utf-8" else None

    @cached_property
    def sample(self) -> bytes:
        """Its beginning, in UTF-8, behind the byte order mark."""
        return self.beginning(SAMPLE_BYTES)

    @property
    def mark_bytes(self) -> int:
        """How many bytes of the UTF-8 file are a byte order mark, before where its text begins."""
        return self._mark[0] if self.plain_path is not None else 0

    def beginning(self, size: int) -> bytes:
        """Return the first so many bytes of its text, in UTF-8, behind the byte order mark."""
        stream = self.open_text(self.mark_bytes)
        try:
            return read_fully(stream, size)
        finally:
            stream.close()

    @property
    def file_bytes(self) -> int | None:
        """The size of the file that it lies in, as it is there; None in an archive."""
        return None if self.path is None else self.path.stat().st_size

    def reached(self, stream: ByteStream) -> int | None:
        """Return how far into that file a stream of ``open_text`` has come; what it holds in advance counts."""
        return None if self.path is None else stream.tell()

    def open_text(self, at: int) -> ByteStream:
        """Return its UTF-8 from a position on, as it counts in the stream that it is (with a mark, if it is a file)."""
        if self.plain_path is not None:
            file = self.plain_path.open("rb")
            file.seek(at)
            return file
        stream: ByteStream = self._decompressed()
        read_fully(stream, self._mark[0])
        if self._text_encoding != "utf-8":
            stream = _Transcoded(stream, self._text_encoding, self.name)
        skip(stream, at)
        return stream

    @cached_property
    def _compression(self) -> str | None:
        with self.open_bytes() as file:
            beginning = file.read(8)
        return next((name for magic, name in _MAGIC.items() if beginning.startswith(magic)), None)

    @cached_property
    def _raw_sample(self) -> bytes:
        stream = self._decompressed()
        try:
            return read_fully(stream, SAMPLE_BYTES)
        finally:
            stream.close()

    @cached_property
    def _mark(self) -> tuple[int, str | None]:
        found = ((len(mark), encoding) for mark, encoding in _MARKS if self._raw_sample.startswith(mark))
        return next(found, (0, None))

    @cached_property
    def _text_encoding(self) -> str:
        told = self._mark[1] or (self._known(self.encoding) if self.encoding else None)
        return told or guessed_encoding(self._raw_sample)

    def _known(self, encoding: str) -> str:
        try:
            name = codecs.lookup(encoding).name
        except LookupError:
            raise RunFailed("input_unreadable", f"{self.name}: there is no encoding {encoding!r}") from None
        return _ANSWERS_TO.get(name, name)

    def _decompressed(self) -> ByteStream:
        file = self.open_bytes()
        return file if self._compression is None else _Decompressed(file, self._compression, self.name)


def text_of(held: HeldFile, *, encoding: str | None = None) -> TextFile:
    """Return the text of a file."""
    return TextFile(held.name, held.open, held.path, encoding)


def guessed_encoding(sample: bytes) -> str:
    """Return the encoding of text that says nothing of it: UTF-8, or where hardly any of it is that, Windows' Latin."""
    valid, invalid = _counts(sample)
    if invalid <= valid:
        return "utf-8"
    try:
        sample.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def read_fully(stream: ByteStream, size: int) -> bytes:
    """Return so many bytes, fewer only at the end."""
    pieces = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def skip(stream: ByteStream, size: int) -> None:
    """Read over so many bytes."""
    while size > 0 and (piece := stream.read(min(size, 2**20))):
        size -= len(piece)


def _counts(sample: bytes) -> tuple[int, int]:
    """Return how many characters beyond ASCII are UTF-8, and how many places are not."""
    text = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode(sample)
    beyond = [character for character in text if character > "\x7f"] if not text.isascii() else []
    invalid = sum("\udc80" <= character <= "\udcff" for character in beyond)
    return len(beyond) - invalid, invalid


class _Decompressed:
    """Decompresses what it reads; members one behind the other are one text."""

    def __init__(self, file: BinaryIO, compression: str, name: str) -> None:
        import pyarrow as pa

        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), compression)
        self._file, self._name = file, name

    def read(self, size: int, /) -> bytes:
        try:
            return bytes(self._stream.read(size))
        except OSError as error:
            raise RunFailed("input_unreadable", f"{self._name} cannot be decompressed: {error}") from error

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._stream.close()
        self._file.close()


class _Transcoded:
    """Encodes anew what it reads, as UTF-8."""

    def __init__(self, stream: ByteStream, encoding: str, name: str) -> None:
        self._stream, self._name, self._encoding = stream, name, encoding
        self._decode = codecs.getincrementaldecoder(encoding)()
        self._held = b""
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while len(self._held) < size and not self._ended:
            piece = self._stream.read(max(size, 2**16))
            self._ended = not piece
            self._held += self._text(piece).encode()
        piece, self._held = self._held[:size], self._held[size:]
        return piece

    def tell(self) -> int:
        return self._stream.tell()

    def close(self) -> None:
        self._stream.close()

    def _text(self, piece: bytes) -> str:
        try:
            return self._decode.decode(piece, final=not piece)
        except UnicodeError as error:
            raise RunFailed("input_unreadable", f"{self._name} is not {self._encoding}: {error}") from error
