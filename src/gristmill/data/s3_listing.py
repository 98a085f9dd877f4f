"""What is at a place of a bucket: its folders and objects, one page of them, however much lies below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import obstore
from obstore.store import S3Store

from gristmill.data import file_names
from gristmill.data.source import Entry

_CHUNK = 1000
# Sorts behind every key of a folder.
_LAST = "\U0010ffff"


def page(store: S3Store, bucket: str, folders: Sequence[str], *, offset: int, limit: int) -> list[Entry]:
    """Return some of the entries at a place, in the order of their keys; nothing behind them is read."""
    return list(islice(_entries(store, bucket, folders), offset, offset + limit))


def _entries(store: S3Store, bucket: str, folders: Sequence[str]) -> Iterator[Entry]:
    """Walk through the keys below a place; behind the first page of a folder's keys, jump to what follows it."""
    depth, after, told = len(folders), None, ""
    while True:
        last: tuple[str, ...] = ()
        for chunk in obstore.list(store, "/".join(folders) or None, offset=after, chunk_size=_CHUNK):
            for found in chunk:
                last = tuple(found["path"].split("/"))
                if len(last) > depth + 1 and last[depth] != told:
                    told = last[depth]
                    yield _folder(bucket, last[: depth + 1])
                elif len(last) == depth + 1:
                    yield _file(bucket, last, found)
            if len(last) > depth + 1 and len(chunk) == _CHUNK:
                break
        else:
            return
        after = "/".join((*last[: depth + 1], _LAST))


def _folder(bucket: str, names: tuple[str, ...]) -> Entry:
    return Entry(name=names[-1], type="folder", path=file_names.path_of(bucket, *names))


def _file(bucket: str, names: tuple[str, ...], found: Any) -> Entry:  # noqa: ANN401 - the library's description
    return Entry(
        name=names[-1],
        type="file",
        path=file_names.path_of(bucket, *names),
        size=found["size"],
        modified_at=found["last_modified"],
    )
