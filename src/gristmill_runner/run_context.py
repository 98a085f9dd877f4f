"""What a kind is given: the run directory, its specification, and the shelf on which what was loaded stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from gristmill_runner.failure import RunFailed
from gristmill_runner.limits import has_children
from gristmill_runner.protocol import Result, Spec

WORK = "work"  # the current directory, HOME and TMPDIR of user code, below the run directory
K = TypeVar("K", bound="Kept")
Identity = tuple[Any, ...]
_FILES_LOOKED_AT = 200


class Kept(Protocol):
    """What may be kept besides a loaded asset: processes that have loaded it."""

    @property
    def pids(self) -> Sequence[int]:
        """The numbers of the processes."""

    @property
    def has_strays(self) -> bool:
        """Whether there may be other processes than those."""

    @property
    def peak_bytes(self) -> int:
        """The most memory that one of them held."""

    @property
    def cpu_seconds(self) -> float:
        """Their processor time in this run, beyond that of this process's children that have ended."""

    def close(self) -> None:
        """End them."""


@dataclass
class Shelf:
    """Keeps the one asset that this process loaded last, or had loaded, as long as its files are the same files."""

    processes: Kept | None = None
    _identity: Identity | None = None
    _asset: Any = None

    def get(self, path: Path, load: Callable[[], Any]) -> Any:  # noqa: ANN401 - a model is whatever was pickled
        """Return the asset at ``path``, loading it unless it is the one at hand."""
        identity = _identity(path)
        if identity != self._identity:
            self._clear()
            self._asset = load()
            self._identity = identity
        return self._asset

    def processes_of(self, path: Path, make: Callable[[], K]) -> K:
        """Return what keeps processes for the asset at ``path``, making it unless it is at hand."""
        kept: K = self.get(path, make)
        self.processes = kept
        return kept

    def has_strays(self) -> bool:
        """Tell whether processes are left that no one keeps."""
        if self.processes is None:
            return has_children()
        return self.processes.has_strays and has_children(but=self.processes.pids)

    def _clear(self) -> None:
        if self.processes is not None:
            self.processes.close()
        self.processes = self._identity = self._asset = None


@dataclass(frozen=True)
class Run:
    """One run directory at work. ``so_far`` is told of a run also where it does not complete."""

    directory: Path
    spec: Spec
    shelf: Shelf = field(default_factory=Shelf)
    so_far: Result = field(default_factory=Result)

    @property
    def asset(self) -> Path:
        """Where the asset lies; a relative path counts from the run directory."""
        path = self.spec.get("asset_path")
        if not path:
            raise RunFailed("asset_missing", "the run names no asset")
        asset = self.directory / path
        if not asset.exists():
            raise RunFailed("asset_missing", f"the asset is not at {asset}")
        return asset


def _identity(path: Path) -> Identity:
    inside = (file for file in sorted(path.rglob("*")) if file.is_file() and file.suffix != ".pyc")
    files = [path] if path.is_file() else itertools.islice(inside, _FILES_LOOKED_AT)
    stats = [file.stat() for file in files]
    return tuple((stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns) for stat in stats)
