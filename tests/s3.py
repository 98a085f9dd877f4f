"""A real S3-compatible object store for the tests, SeaweedFS from a wheel: started once a session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.error import URLError

from obstore.exceptions import BaseError
from obstore.store import S3Store

from gristmill.content.bucket import Bucket
from tests.make import eventually
from tests.ports import free_ports

ACCESS_KEY, SECRET_KEY = "gristmill-tests", "a-secret-key-of-the-tests"
READER_KEY, READER_SECRET = "reads-only", "another-secret-key-of-the-tests"
READABLE_BUCKET = "readable"
_PORTS = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc")
_MORE_PORTS = ("filer.port", "filer.port.grpc")


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """A running store: buckets are made when something is put into them with ``ACCESS_KEY``, which may do everything.

    ``READER_KEY`` may list and read ``READABLE_BUCKET``, and nothing else. ``filer`` is the store's own inside, which
    knows of uploads that were not finished.
    """

    url: str
    filer: str
    _names: Iterator[int]

    def new_bucket(self) -> str:
        """Make a bucket and return its name."""
        name = f"test-{next(self._names)}"
        self.make_bucket(name)
        return name

    def make_bucket(self, name: str) -> None:
        """Make a bucket by putting into it, and taking it out again."""
        store = self.store(name)
        store.put("first", b"")
        store.delete("first")

    def store(self, bucket: str) -> S3Store:
        """Return a way into a bucket that has nothing to do with the code under test."""
        return S3Store(
            bucket,
            endpoint=self.url,
            region="us-east-1",
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            client_options={"allow_http": True},
        )

    def properties(self, bucket: str | None = None) -> dict[str, str]:
        """Return the properties of a connection."""
        own = {"bucket": bucket} if bucket else {}
        return {"url": self.url, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, **own}

    def unfinished_uploads(self, bucket: str) -> list[Any]:
        """Return the parts of uploads that were begun and neither finished nor aborted."""
        request = urllib.request.Request(
            f"{self.filer}/buckets/{bucket}/.uploads/", headers={"Accept": "application/json"}
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return list(json.load(answer)["Entries"] or [])
        except URLError:
            return []


def bucket_of(store: ObjectStore, *, secret_key: str = SECRET_KEY) -> Bucket:
    """Return a new bucket as the place of content, below a prefix."""
    url = f"s3://{store.new_bucket()}/some/prefix"
    return Bucket.of(url, endpoint=store.url, region="us-east-1", access_key=ACCESS_KEY, secret_key=secret_key)


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """Start a store on free ports of loopback, and end it."""
    directory = Path(tempfile.mkdtemp(prefix="gristmill-s3-", dir="/tmp"))
    try:
        (directory / "s3.json").write_text(json.dumps(_identities()))
        names = (*_PORTS, *_MORE_PORTS)
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(_command(directory, ports), stdout=log, stderr=log, cwd=directory)
        try:
            store = ObjectStore(
                f"http://127.0.0.1:{ports['s3.port']}", f"http://127.0.0.1:{ports['filer.port']}", count(1)
            )
            eventually(lambda: _answers(store, process, directory / "log"), within=60, every=0.1)
            yield store
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _command(directory: Path, ports: dict[str, int]) -> list[str]:
    program = Path(sys.executable).parent / "weed"
    fixed = ["-dir=" + str(directory), "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-admin.ui=false", "-webdav=false"]
    # The ports of these two would be fixed ones, on which another store may listen.
    off = ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    return [
        str(program),
        "mini",
        *fixed,
        *off,
        "-s3.config=s3.json",
        *(f"-{name}={port}" for name, port in ports.items()),
    ]


def _identities() -> dict[str, Any]:
    return {
        "identities": [
            {
                "name": "tests",
                "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
                "actions": ["Admin", "Read", "Write", "List", "Tagging"],
            },
            {
                "name": "reader",
                "credentials": [{"accessKey": READER_KEY, "secretKey": READER_SECRET}],
                "actions": [f"Read:{READABLE_BUCKET}", f"List:{READABLE_BUCKET}"],
            },
        ]
    }


def _answers(store: ObjectStore, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text(errors="replace")[-2000:]
    try:
        store.make_bucket(READABLE_BUCKET)
    except BaseError:
        return False
    return True
