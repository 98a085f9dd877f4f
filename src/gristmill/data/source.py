"""What the floors above ask of connected data. `connect.py` gives the one for a connection's type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

WriteMode = Literal["append", "truncate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something that browsing finds. ``path`` leads to what is in it, or to itself; ``size`` in bytes."""

    name: str
    type: Literal["schema", "table", "view", "bucket", "folder", "file"]
    path: str
    size: int | None = None
    rows: int | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableName:
    """A table; without ``schema`` the one that the database takes by itself."""

    table: str
    schema: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileName:
    """An object of a bucket, or a file below a folder or URL (then ``bucket`` is None)."""

    name: str
    bucket: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write did. ``before``: this very publication had been committed earlier, and nothing was done now."""

    rows: int
    before: bool = False


class Source(Protocol):
    """An open connection. Everything on it may raise ``DataFailed``, whose message never holds a secret."""

    def __enter__(self) -> Self:
        """It is open already."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""

    def test(self) -> None:
        """Find out whether it can be reached and its credentials are good."""

    def browse(self, path: str = "/", *, offset: int = 0, limit: int = 100) -> list[Entry]:
        """Return what is at a path (``/``, ``/schema``, ``/bucket/folder``), in the order of names."""


class Tables(Source, Protocol):
    """A database."""

    def schema(self, table: TableName) -> Any:  # noqa: ANN401 - a pyarrow.Schema; pyarrow comes untyped
        """Return a table's columns and types."""

    def read(self, table: TableName, *, limit: int | None = None) -> Iterator[Any]:
        """Yield a table's rows as ``pyarrow.RecordBatch``, from one snapshot, in bounded memory."""

    def write(
        self,
        table: TableName,
        batches: Iterable[Any],
        *,
        schema: Any,  # noqa: ANN401
        mode: WriteMode,
        publication: str,
    ) -> Written:
        """Write all batches or nothing, in one transaction or by a swap; a missing table is made from ``schema``.

        The same ``publication`` is written once, however often this is called: it is noted in the database in the same
        transaction (table ``gristmill_publications``).
        """


class Wanted(Protocol):
    """Whether a file that is being put somewhere is still wanted; what it raises ends that, and leaves no trace."""

    def look(self) -> None:
        """Raise if it is not; to be asked a few times a second."""

    def commit(self) -> None:
        """Raise if it is not; from now on it is too late for that."""


class _Always:
    """For whoever waits until it is done."""

    def look(self) -> None:
        """Let it go on."""

    def commit(self) -> None:
        """Let it go on."""


ALWAYS: Wanted = _Always()


class Files(Source, Protocol):
    """An object store, a folder, or the web."""

    def size(self, file: FileName) -> int | None:
        """Return a file's size in bytes, None where its holder does not tell."""

    def fetch(self, file: FileName, target: Path, *, limit_bytes: int | None = None) -> int:
        """Copy a file to ``target``, or only its beginning; return the number of bytes."""

    def store(self, file: FileName, source: Path, wanted: Wanted = ALWAYS) -> None:
        """Put a file there, whole or not at all; one of the same name is replaced."""


class DataFailed(Exception):
    """Connected data could not be read or written.

    ``code`` is one of ``data_unreachable``, ``data_access_denied``, ``data_not_found``, ``data_type_unsupported``,
    ``data_mismatch`` (rows do not fit the table), ``data_failed``, ``data_invalid`` (a property or name is missing or
    malformed: ``field``).
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
