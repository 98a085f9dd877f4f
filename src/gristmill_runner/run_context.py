"""What a kind is given: the run directory, its specification, and the shelf on which a loaded asset stays."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed
from gristmill_runner.protocol import Spec

WORK = "work"  # the current directory, HOME and TMPDIR of user code, below the run directory
Identity = tuple[Any, ...]
_FILES_LOOKED_AT = 200


@dataclass
class Shelf:
    """Keeps the one asset that this process loaded last, as long as its files are the same files."""

    _identity: Identity | None = None
    _asset: Any = None

    def get(self, path: Path, load: Callable[[], Any]) -> Any:  # noqa: ANN401 - a model is whatever was pickled
        """Return the asset at ``path``, loading it unless it is the one at hand."""
        identity = _identity(path)
        if identity != self._identity:
            self._identity = self._asset = None
            self._asset = load()
            self._identity = identity
        return self._asset


@dataclass(frozen=True)
class Run:
    """One run directory at work."""

    directory: Path
    spec: Spec
    shelf: Shelf = field(default_factory=Shelf)

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
