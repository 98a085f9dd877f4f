"""A download that goes on where it broke off, as long as the server says that the file is still the same."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import httpx

from gristmill.data.http_get import Answer, Broken, Getter, story
from gristmill.data.source import DataFailed

_TRIES_WITHOUT_A_BYTE = 5
_MOST_TRIES = 50
_MOST_WAIT_SECONDS = 8.0
_OK, _PARTIAL, _RANGE_REFUSED = 200, 206, 416
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_DENIED = frozenset({401, 403, 407})
_GONE = frozenset({404, 410})
_SPAN = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class _Later(Exception):
    """The server asks to come again."""


@dataclass(kw_only=True)
class Download:
    """One file on its way into ``copy``. With ``limit_bytes`` only its beginning; over ``most_bytes`` it is refused."""

    url: httpx.URL
    copy: BinaryIO
    name: str
    getter: Getter
    limit_bytes: int | None
    most_bytes: int
    closed: threading.Event
    _done: int = 0
    _version: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> int:
        """Download, and return the number of bytes.

        Raises:
            DataFailed: it is not there, not permitted, too large, or broke off again and again.

        """
        without_a_byte, tries, ends = 0, 0, time.monotonic() + self.getter.total_seconds
        while True:
            before = self._done
            try:
                self._attempt()
                return self._done
            except (*Broken, _Later) as error:
                tries += 1
                without_a_byte = 0 if self._done > before else without_a_byte + 1
                over = _is_enough(without_a_byte, tries) or time.monotonic() > ends
                if over or "certificate" in str(error).lower():
                    text = f"{self.url.host} broke off or did not answer: {story(error)}. It was tried {tries} times."
                    raise DataFailed("data_unreachable", text) from None
            self.closed.wait(min(self.getter.wait_seconds * 2**without_a_byte, _MOST_WAIT_SECONDS))

    def _attempt(self) -> None:
        with self.getter.get(self.url, self._condition()) as answer:
            if answer.status in _AGAIN:
                raise _Later(f"it answered {answer.status}")
            if not self._goes_on(answer):
                refuse(answer, self.url.host, self.name)
                self._begin(answer)
            self._check_size((length(answer) or 0) + self._done)
            for block in answer.blocks():
                self._take(block)
                if self._done == self.limit_bytes:
                    return

    def _condition(self) -> dict[str, str]:
        """Ask for the rest, where there is something to tell this version of the file by."""
        etag, modified = self._version.get("etag", ""), self._version.get("last-modified", "")
        told_by = modified if etag.startswith("W/") else etag or modified
        if not self._done or not told_by:
            return {}
        return {"Range": f"bytes={self._done}-", "If-Range": told_by}

    def _goes_on(self, answer: Answer) -> bool:
        if answer.status == _RANGE_REFUSED:
            # The file became shorter.
            self._version = {}
            raise _Later("it changed while it was read")
        if answer.status != _PARTIAL:
            return False
        span = _SPAN.fullmatch(answer.headers.get("content-range", ""))
        if span is None or int(span[1]) != self._done or _version(answer) != self._version:
            self._version = {}
            raise _Later("it changed while it was read")
        return True

    def _begin(self, answer: Answer) -> None:
        self.copy.seek(0)
        self.copy.truncate()
        self._done = 0
        self._version = _version(answer)

    def _take(self, block: bytes) -> None:
        if self.closed.is_set():
            raise DataFailed("data_failed", "The connection was closed.")
        left = len(block) if self.limit_bytes is None else self.limit_bytes - self._done
        self._done += self.copy.write(block[:left])
        self._check_size(self._done)

    def _check_size(self, number: int) -> None:
        if self.limit_bytes is None and number > self.most_bytes:
            raise DataFailed(
                "data_failed", f"{_said(self.name)} has more than {self.most_bytes} bytes, the most of a download."
            )


def refuse(answer: Answer, host: str, name: str) -> None:
    """Say in the words of a connection why an answer brings no file.

    Raises:
        DataFailed: its status is not 200.

    """
    if answer.status == _OK:
        return
    if answer.status in _DENIED:
        raise DataFailed(
            "data_access_denied",
            f"{host} answered {answer.status}: {_said(name)} needs other credentials; check username and password.",
        )
    if answer.status in _GONE:
        raise DataFailed("data_not_found", f"{host} answered {answer.status}: {_said(name)} is not there.")
    raise DataFailed("data_failed", f"{host} answered {answer.status} for {_said(name)}.")


def length(answer: Answer) -> int | None:
    """Return the announced length of the body."""
    text = answer.headers.get("content-length", "")
    return int(text) if text.isdecimal() else None


def _said(name: str) -> str:
    # The URL itself may hold a password in its path or query.
    return name.strip("/") or "the connection's URL"


def _version(answer: Answer) -> dict[str, str]:
    return {name: answer.headers[name] for name in ("etag", "last-modified") if name in answer.headers}


def _is_enough(without_a_byte: int, tries: int) -> bool:
    return without_a_byte >= _TRIES_WITHOUT_A_BYTE or tries >= _MOST_TRIES
