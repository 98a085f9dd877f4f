"""Places of files that one suite is run over: a bucket of a real object store, and a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.s3 import ObjectStore

from gristmill.data.connect import connect
from gristmill.data.places import Places
from gristmill.data.source import FileName, Files
from gristmill.guard.address_guard import AddressGuard

INSIDE = AddressGuard(["127.0.0.0/8"], private=True)
MIB = 1024**2
_PROCESS = Path(__file__).with_name("file_process.py")


@dataclass(frozen=True)
class FilePlace:
    """Where files are, and how a connection is made to it."""

    kind: str
    properties: Mapping[str, Any]
    folder: Path
    bucket: str | None = None
    store: ObjectStore | None = None

    def open(self, **changed: Any) -> Files:
        places = Places(folders=(self.folder,), guard=INSIDE)
        return cast(Files, connect(self.kind, {**self.properties, **changed}, places=places))

    def root(self, below: str = "") -> str:
        return f"/{self.bucket}/{below}" if self.bucket else f"/{below}"

    def has_begun(self) -> bool:
        """Whether a file is being stored now."""
        if self.store and self.bucket:
            return bool(self.store.unfinished_uploads(self.bucket))
        return any(path.stat().st_size for path in self.folder.rglob(".gristmill-draft-*"))

    def process(self, verb: str, name: str, path: Path) -> subprocess.Popen[bytes]:
        """Store or fetch in a process of its own, which prints the most memory that it had, in bytes."""
        words = [self.kind, json.dumps(self.properties), str(self.folder), verb, self.bucket or "", name, str(path)]
        return subprocess.Popen([sys.executable, str(_PROCESS), *words], stdout=subprocess.PIPE)


def put(place: FilePlace, name: str, content: bytes, directory: Path) -> None:
    """Store some bytes."""
    path = directory / "put.bin"
    path.write_bytes(content)
    with place.open() as files:
        files.store(FileName(name=name), path)


def get(place: FilePlace, name: str, directory: Path, *, limit_bytes: int | None = None) -> bytes:
    """Fetch some bytes."""
    path = directory / "got.bin"
    with place.open() as files:
        number = files.fetch(FileName(name=name), path, limit_bytes=limit_bytes)
    content = path.read_bytes()
    assert len(content) == number
    return content


def large_file(path: Path, size: int) -> Path:
    """Write bytes that cannot be compressed."""
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    return path
