"""Puts a file into a bucket: in one piece, or in parts that are taken back when nobody wants it any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import obstore
from obstore.store import S3Store

from gristmill.data.source import Wanted
from gristmill.guard.guarded_proxy import GuardedProxy

_LEAST_PART_BYTES = 8 * 1024**2
_MOST_PARTS = 9_000
# Several streams fill a line that is far.
_STREAMS = 4
# The library's own bound: it listens to nobody while it waits at it.
_MOST_STREAMS = 8
_LOOK_SECONDS = 0.02
_COMING_SECONDS = 1.0


def put(store: S3Store, key: str, source: Path, *, proxy: GuardedProxy, wanted: Wanted) -> None:
    """Put a file there, through the store's own proxy."""
    part_bytes = max(_LEAST_PART_BYTES, -(-source.stat().st_size // _MOST_PARTS))
    if source.stat().st_size <= part_bytes:
        wanted.commit()
        obstore.put(store, key, source, use_multipart=False)
        return
    # What the parts raise ends those that are under way, and takes back those that have arrived.
    parts = _parts(source, part_bytes, _Line(proxy, wanted))
    obstore.put(store, key, parts, chunk_size=part_bytes, max_concurrency=_MOST_STREAMS)


def _parts(source: Path, part_bytes: int, line: _Line) -> Iterator[bytes]:
    with source.open("rb") as file:
        while part := file.read(part_bytes):
            line.wait(fewer_than=_STREAMS)
            yield part
            line.sent += 1
    line.wait(fewer_than=1)
    line.wanted.commit()


class _Line:
    """The requests that are under way: the proxy sees each, and the first one of an upload begins it."""

    def __init__(self, proxy: GuardedProxy, wanted: Wanted) -> None:
        self._proxy = proxy
        self._before = proxy.begun
        self.wanted = wanted
        self.sent = 1

    def wait(self, *, fewer_than: int) -> None:
        """Wait until that few are under way; what was handed over a moment ago may be still to come."""
        begin = time.monotonic()
        while True:
            self.wanted.look()
            to_come = self._before + self.sent - self._proxy.begun
            if time.monotonic() - begin > _COMING_SECONDS:
                to_come = 0
            if self._proxy.running + max(0, to_come) < fewer_than:
                return
            time.sleep(_LOOK_SECONDS)
