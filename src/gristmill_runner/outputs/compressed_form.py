"""Results that are compressed: each chunk a member of its own, one behind the other, which readers take for one."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gristmill_runner.chunk import Chunk
from gristmill_runner.outputs.form import Among, Form

GZIP, ZSTD = "gzip", "zstd"
_LEVEL = 6


class CompressedForm:
    """Another form of text, compressed."""

    def __init__(self, form: Form, compression: str) -> None:
        self._form = form
        self._compression = compression

    def header(self, names: Sequence[str]) -> bytes:
        """Return the header, compressed."""
        return self._compressed(self._form.header(names))

    def encode(
        self,
        chunk: Chunk,
        predictions: Mapping[str, Any],
        *,
        names: Sequence[str],
        kinds: Mapping[str, str | None],
        among: Among | None = None,
    ) -> bytes:
        """Return the chunk, compressed."""
        return self._compressed(self._form.encode(chunk, predictions, names=names, kinds=kinds, among=among))

    def check_rows(self, rows: int) -> None:
        """Take what the form itself takes."""
        self._form.check_rows(rows)

    def finish(self, staged: Path, target: Path, *, names: Sequence[str]) -> None:  # noqa: ARG002
        """Let what is staged be the file."""
        if staged.stat().st_size:
            staged.replace(target)
        else:
            target.write_bytes(self._member(b""))

    def _compressed(self, content: bytes) -> bytes:
        return self._member(content) if content else b""

    def _member(self, content: bytes) -> bytes:
        if self._compression == GZIP:
            return gzip.compress(content, _LEVEL, mtime=0)
        import pyarrow as pa

        return bytes(pa.Codec(ZSTD).compress(content, asbytes=True))
