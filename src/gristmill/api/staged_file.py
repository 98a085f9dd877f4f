"""A body taken to a file of its own while it comes, for content that is to be kept: the store takes the file over."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool

from gristmill.api.session import context
from gristmill.domain.errors import Invalid

_WRITE_BYTES = 1024 * 1024
_MOST_HEADER_BYTES = 64 * 1024


@asynccontextmanager
async def staged_file(request: Request, *, part: str | None = None) -> AsyncIterator[Path]:
    """Yield a file with the whole body, whatever its content type says; it is gone afterwards unless it was moved.

    With ``part``, a multipart form gives the bytes of its part of that name; other bodies are taken as they are.

    Raises:
        Invalid: the form is broken, or has no such part.

    """
    folder = context(request).data_dir / "staging"
    path = folder / f"upload-{uuid.uuid4().hex}"
    await run_in_threadpool(folder.mkdir, parents=True, exist_ok=True)
    try:
        await _receive(request, path, part)
        yield path
    finally:
        await run_in_threadpool(path.unlink, missing_ok=True)


async def _receive(request: Request, path: Path, part: str | None) -> None:
    sink = _sink(request, part)
    with await run_in_threadpool(path.open, "wb") as file:
        async for chunk in request.stream():
            sink.feed(chunk)
            if len(sink.pending) >= _WRITE_BYTES:
                await run_in_threadpool(file.write, bytes(sink.pending))
                sink.pending.clear()
        sink.finish()
        await run_in_threadpool(file.write, bytes(sink.pending))


class _Raw:
    """Takes every byte."""

    def __init__(self) -> None:
        self.pending = bytearray()

    def feed(self, chunk: bytes) -> None:
        self.pending += chunk

    def finish(self) -> None:
        """Nothing more is expected."""


class _Part(_Raw):
    """Takes the bytes of one part of a multipart form. File names in the form are nobody's business."""

    def __init__(self, boundary: bytes, name: str) -> None:
        super().__init__()
        self._name = name.encode()
        self._header = bytearray()
        self._value = bytearray()
        self._wanted = self._seen = self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": lambda data, start, end: self._gather(self._header, data[start:end]),
                "on_header_value": lambda data, start, end: self._gather(self._value, data[start:end]),
                "on_header_end": self._header_ends,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._form_ends,
            },
        )

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            raise _broken(str(error)) from error

    def finish(self) -> None:
        if not self._seen:
            raise _broken(f"it has no part named {self._name.decode()}")
        if not self._ended:
            raise _broken("it ends before its last boundary")

    def _begin(self) -> None:
        self._wanted = False

    def _end(self) -> None:
        self._wanted = False

    def _form_ends(self) -> None:
        self._ended = True

    @staticmethod
    def _gather(target: bytearray, piece: bytes) -> None:
        target += piece
        if len(target) > _MOST_HEADER_BYTES:
            raise _broken("a header is too long")

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._wanted = options.get(b"name") == self._name and not self._seen
            self._seen = self._seen or self._wanted
        self._header.clear()
        self._value.clear()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._wanted:
            self.pending += data[start:end]


def _sink(request: Request, part: str | None) -> _Raw:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if part is None or kind != b"multipart/form-data":
        return _Raw()
    boundary = options.get(b"boundary")
    if not boundary:
        raise _broken("its content type names no boundary")
    return _Part(boundary, part)


def _broken(why: str) -> Invalid:
    return Invalid(f"The multipart form cannot be read: {why}.", code="invalid_form")
