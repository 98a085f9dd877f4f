"""The ledger: what is committed, a chunk a line, each line written when everything that it tells of is staged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypedDict

from gristmill_runner.protocol import LEDGER, Field, Spec
from gristmill_runner.scoring.staged import StagedFile
from gristmill_runner.sources.source import Source

VERSION = 1
_MADE_FOR = ("inline", "files", "output", "fields", "chunk_rows", "row_limit")


class Piece(TypedDict):
    """What was appended to a staged file: where it ends there, and the CRC-32 of what was appended."""

    end: int
    crc: int


class Header(TypedDict):
    """The first line: what holds for all chunks. ``names`` are the output's columns, ``predictions`` the model's."""

    ledger: int
    made_for: str
    names: list[str]
    predictions: list[str]
    packages: dict[str, str]
    output: Piece


class Entry(TypedDict, total=False):
    """A chunk, committed ``at`` (seconds since 1970).

    The first one of which rows were scored also holds ``kinds`` and ``fields`` of the input.
    In a share's ledger, ``after`` are source and mark of the chunk before, and rejected rows are counted within theirs.
    """

    chunk: int
    at: float
    source: int
    mark: Any
    rows: int
    scored: int
    rejected: int
    output: Piece
    rejects: Piece
    profile: list[dict[str, Any]]
    kinds: dict[str, str | None]
    fields: list[Field]
    after: Any


class Ledger:
    """The ledger of a run directory; ``output`` and ``rejects`` are the staged files that it answers for."""

    def __init__(self, directory: Path, *, output: StagedFile, rejects: StagedFile, made_for: str) -> None:
        self._path = directory / LEDGER
        self._output, self._rejects = output, rejects
        self._made_for = made_for
        self.header: Header | None = None
        self._file = self._path.open("ab+")

    def recover(self) -> Iterator[Entry]:
        """Yield the chunks that an earlier attempt committed and that are whole; what is behind them is cut off."""
        good = 0
        self._file.seek(0)
        for line in self._file:
            entry = self._entry(line)
            if entry is None:
                break
            good += len(line)
            if "ledger" not in entry:
                yield entry
        self._file.truncate(good)
        self._output.cut()
        self._rejects.cut()

    def begin(self, header: Header) -> None:
        """Write the first line."""
        self.header = header
        self._write(header)

    def commit(self, entry: Entry) -> None:
        """Write a chunk's line; what it tells of is staged."""
        self._write(entry)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _entry(self, line: bytes) -> Any:  # noqa: ANN401 - a Header or an Entry
        """Return what a line tells, if it is whole and of this run and its bytes are staged, else None."""
        try:
            told: Any = json.loads(line) if line.endswith(b"\n") else {}
            if self.header is None:
                fits = (told.get("ledger"), told.get("made_for")) == (VERSION, self._made_for)
                if not fits or not _matches(self._output, told["output"]):
                    return None
                self.header = told
                return told
            before = self._output.end
            if _matches(self._output, told["output"]) and _matches(self._rejects, told["rejects"]):
                return told
            self._output.end = before
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    def _write(self, told: Header | Entry) -> None:
        self._file.write(json.dumps(told, separators=(",", ":")).encode() + b"\n")
        self._file.flush()


def fingerprint(spec: Spec, sources: Sequence[Source]) -> str:
    """Return what tells whether a ledger was made for this input and output: others must not be gone on with."""
    asked = {name: spec.get(name) for name in _MADE_FOR}
    sizes = [[source.name, source.rows, source.size_bytes] for source in sources]
    return hashlib.sha256(json.dumps([asked, sizes], sort_keys=True).encode()).hexdigest()


def _matches(file: StagedFile, piece: Piece) -> bool:
    size, before = piece["end"] - file.end, file.end
    fits = size >= 0 and file.matches(size=size, checksum=piece["crc"])
    if not fits:
        file.end = before
    return fits
