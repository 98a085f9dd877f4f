"""Objects in a store that speaks S3: Amazon's, IBM's, or one of one's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import obstore
from obstore.exceptions import BaseError, PreconditionError
from obstore.store import S3Store

from gristmill.data import file_names, s3_buckets, s3_listing, s3_upload
from gristmill.data.s3_account import S3Account
from gristmill.data.s3_store import open_store
from gristmill.data.s3_trouble import trouble
from gristmill.data.source import ALWAYS, DataFailed, Entry, FileName, Wanted
from gristmill.guard.address_guard import AddressGuard, AddressRefused, NameNotFound
from gristmill.guard.guarded_proxy import GuardedProxy

_MIB = 1024**2
# One stream fills a line that is near; several fill one that is far.
_PIECE_BYTES = 16 * _MIB
_STREAMS = 4
_BLOCK_BYTES = _MIB
_TRIES = 3
_FIELD = "properties.url"


class S3:
    """Implements ``Files``. Requests are tried again a few times, for a minute at most."""

    def __init__(self, account: S3Account, guard: AddressGuard) -> None:
        self._account = account
        self._guard = guard
        self._check_address()
        self._proxy = GuardedProxy(guard)
        self._stores: dict[str, S3Store] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every request that is under way, in other threads too."""
        self._closed = True
        self._proxy.close()

    def test(self) -> None:
        """List the connection's bucket, or the buckets where it has none."""
        if self._account.bucket is None:
            s3_buckets.names(self._account, self._guard)
            return
        with self._told(self._account.bucket):
            next(iter(obstore.list(self._store(self._account.bucket), chunk_size=1)), None)

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        """Return buckets, or folders and objects of one in the order of their keys.

        Where the keys may not list buckets, there is the connection's own.
        """
        names = file_names.folder_parts(path)
        if not names:
            return s3_buckets.entries(self._account, self._guard)[offset : offset + limit]
        bucket, *folders = names
        with self._told(bucket):
            return s3_listing.page(self._store(bucket), bucket, folders, offset=offset, limit=limit)

    def size(self, file: FileName) -> int | None:
        """Return an object's size in bytes."""
        return int(self._head(*self._located(file))["size"])

    def fetch(self, file: FileName, target: Path, *, limit_bytes: int | None = None) -> int:
        """Copy one version of an object; if it is replaced meanwhile, begin again with the new one, a few times."""
        bucket, key = self._located(file)
        with target.open("wb") as copy:
            for _ in range(_TRIES):
                found = self._head(bucket, key)
                length = int(found["size"]) if limit_bytes is None else min(int(found["size"]), limit_bytes)
                copy.truncate(0)
                with self._told(bucket, key):
                    try:
                        self._copy_pieces(copy.fileno(), bucket, key, length=length, version=found["e_tag"])
                    except PreconditionError:
                        continue
                return length
        raise DataFailed("data_failed", f"{bucket}/{key} is replaced again and again while it is read.")

    def store(self, file: FileName, source: Path, wanted: Wanted = ALWAYS) -> None:
        """Put an object there, in parts where it is large: it appears when the last one has arrived."""
        bucket, key = self._located(file)
        with self._told(bucket, key):
            s3_upload.put(self._store(bucket), key, source, proxy=self._proxy, wanted=wanted)

    def _located(self, file: FileName) -> tuple[str, str]:
        bucket = file.bucket or self._account.bucket
        if not bucket:
            raise DataFailed("data_invalid", "bucket: name one here, or in the connection.", field="bucket")
        return bucket, "/".join(file_names.parts(file.name))

    def _head(self, bucket: str, key: str) -> Any:  # noqa: ANN401 - the library's description of an object
        store = self._store(bucket)
        with self._told(bucket, key):
            try:
                return obstore.head(store, key)
            except (BaseError, FileNotFoundError):
                # An answer to HEAD has no body that says why.
                obstore.get(store, key, options={"range": (0, 1)})
                raise

    def _copy_pieces(self, target: int, bucket: str, key: str, *, length: int, version: str | None) -> None:
        with ThreadPoolExecutor(_STREAMS) as pool:
            pieces = [
                pool.submit(
                    self._copy_piece,
                    target,
                    bucket,
                    key,
                    span=(start, min(start + _PIECE_BYTES, length)),
                    version=version,
                )
                for start in range(0, length, _PIECE_BYTES)
            ]
            try:
                for piece in pieces:
                    piece.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _copy_piece(self, target: int, bucket: str, key: str, *, span: tuple[int, int], version: str | None) -> None:
        at, end = span
        options: Any = {"range": span} if version is None else {"range": span, "if_match": version}
        for block in obstore.get(self._store(bucket), key, options=options).stream(min_chunk_size=_BLOCK_BYTES):
            if self._closed:
                raise DataFailed("data_failed", "The connection was closed.")
            at += _write(target, block, at)
        if at != end:
            raise DataFailed("data_failed", f"{bucket}/{key} broke off: {end - at} of its bytes did not arrive.")

    def _store(self, bucket: str) -> S3Store:
        if bucket not in self._stores:
            self._stores[bucket] = open_store(self._account, bucket, proxy=self._proxy.url)
        return self._stores[bucket]

    def _check_address(self) -> None:
        """Tell of a wrong address before anything is tried; the proxy looks at each connection again."""
        try:
            self._guard.addresses(self._account.host, self._account.port)
        except AddressRefused as error:
            raise DataFailed("data_invalid", f"{_FIELD}: {error.message}", field=_FIELD) from None
        except NameNotFound as error:
            raise DataFailed("data_unreachable", f"{_FIELD}: {error}.", field=_FIELD) from None

    @contextmanager
    def _told(self, bucket: str, key: str | None = None) -> Iterator[None]:
        self._proxy.trouble = None
        try:
            yield
        except PreconditionError:
            raise
        except (BaseError, FileNotFoundError, ValueError) as error:
            raise trouble(error, self._account, bucket, key=key, on_the_way=self._proxy.trouble) from None


def _write(target: int, block: Any, at: int) -> int:  # noqa: ANN401 - the library's bytes
    written = 0
    view = memoryview(block)
    while written < len(view):
        written += os.pwrite(target, view[written:], at + written)
    return written
