"""Environments by what is in them: each is built once, appears whole, is never changed, and goes when it is not used.

<key>           the environment, read-only          <key>.lock      held alone to build or remove, together to use
<key>.*.draft   a build at work, and its .inputs    <key>.log       what uv said while it built
<key>.failed    why the last build failed           <key>.json      the recipe, for people who look
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from gristmill.domain.environment import Recipe
from gristmill.launch.build import BuildFailed, BuildStopped, LayOut, Watch, build
from gristmill.launch.build_log import BuildLog, Tell
from gristmill.launch.environments import Environment, built
from gristmill.launch.file_lock import FileLock
from gristmill.launch.interpreters import Interpreter, Interpreters
from gristmill.launch.read_only import make_read_only, remove_read_only

_LOOK_SECONDS = 0.1
_NAME_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Hold:
    """An environment in use: it is not removed before this is left."""

    environment: Environment
    _lock: FileLock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which environment a run wants, how users' own files get to its build, and who hears of it and may stop it."""

    recipe: Recipe
    lay_out: LayOut
    tell: Tell
    stopped: Callable[[], bool]


class EnvironmentStore:
    """The environments below ``root``, for any number of threads and processes at once.

    A build takes at most ``build_seconds``; one that failed is not tried again for ``retry_seconds``.
    """

    def __init__(
        self, root: Path, interpreters: Interpreters, *, build_seconds: float = 1800.0, retry_seconds: float = 60.0
    ) -> None:
        self._root = root
        self._interpreters = interpreters
        self._build_seconds = build_seconds
        self._retry_seconds = retry_seconds
        self._known: dict[Path, tuple[int, Environment]] = {}

    def hold(self, wish: Wish) -> Hold:
        """Return the environment of a recipe, after building it or waiting for whoever builds it.

        Raises:
            PythonMissing: this machine has no interpreter of its version.
            BuildFailed: it cannot be built.
            BuildStopped: the wish was given up meanwhile.

        """
        interpreter = self._interpreters.find(wish.recipe.python_version)
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = self._root / wish.recipe.key(interpreter.identity)
        log = BuildLog(_beside(directory, ".log"), wish.tell)
        while True:
            lock = _in_use(directory) or self._built(directory, interpreter, wish, log)
            if lock is not None:
                log.end()
                return Hold(self._environment(directory), lock)
            if not directory.exists():
                log.follow()
            if wish.stopped():
                raise BuildStopped
            time.sleep(_LOOK_SECONDS)

    @property
    def versions(self) -> list[str]:
        """The versions of Python for which interpreters are registered."""
        return self._interpreters.versions

    def remove_unused(self, *, older_than_seconds: float) -> int:
        """Remove the environments that no run has used for so long; return how many went."""
        removed = 0
        for path in self._root.glob("*.lock"):
            lock = FileLock(path)
            if lock.age_seconds() < older_than_seconds or not lock.take(shared=False):
                continue
            try:
                if lock.age_seconds() >= older_than_seconds:
                    removed += _remove(path.with_suffix(""))
            finally:
                lock.release()
        return removed

    def _built(self, directory: Path, interpreter: Interpreter, wish: Wish, log: BuildLog) -> FileLock | None:
        """Build the environment unless somebody else is at it; return the lock of its users."""
        lock = FileLock(_beside(directory, ".lock"))
        if directory.exists() or not lock.take(shared=False):
            return None
        try:
            if not directory.exists():
                self._build(directory, interpreter, wish, log)
        finally:
            lock.release()
        return _in_use(directory)

    def _build(self, directory: Path, interpreter: Interpreter, wish: Wish, log: BuildLog) -> None:
        self._refuse_failed(directory, log)
        _sweep(directory)
        log.begin(f"Building the software environment with Python {wish.recipe.python_version}.\n")
        _beside(directory, ".json").write_text(json.dumps(wish.recipe.document(), indent=1), encoding="utf-8")
        draft = _beside(directory, f".{uuid.uuid4().hex}.draft")
        watch = Watch(seconds=self._build_seconds, stopped=wish.stopped, meanwhile=log.follow)
        try:
            build(wish.recipe, interpreter, draft, lay_out=wish.lay_out, log=log.path, watch=watch)
            make_read_only(draft)
            draft.rename(directory)
        except BuildFailed as failure:
            _beside(directory, ".failed").write_text(str(failure), encoding="utf-8")
            raise
        finally:
            log.end()
            _sweep(directory)

    def _refuse_failed(self, directory: Path, log: BuildLog) -> None:
        """Give the failure of a moment ago again: whoever waited for that build need not build the same."""
        failed = _beside(directory, ".failed")
        if not failed.exists():
            return
        if time.time() - failed.stat().st_mtime < self._retry_seconds:
            log.follow()
            raise BuildFailed(failed.read_text(encoding="utf-8"))
        failed.unlink()

    def _environment(self, directory: Path) -> Environment:
        """Return what was built, which is looked at once; another build in the same place is another directory."""
        inode = directory.stat().st_ino
        known = self._known.get(directory)
        if known is None or known[0] != inode:
            version = next(directory.glob("lib/python3.*")).name.removeprefix("python")
            name = f"py{version}-{directory.name[:_NAME_CHARACTERS]}"
            known = self._known[directory] = (inode, built(name, directory))
        return known[1]


def _in_use(directory: Path) -> FileLock | None:
    """Return the lock of the users of an environment that is there, and note that it is used."""
    lock = FileLock(_beside(directory, ".lock"))
    if directory.exists() and lock.take(shared=True):
        if directory.exists():
            lock.touch()
            return lock
        lock.release()
    return None


def _beside(directory: Path, ending: str) -> Path:
    return directory.with_name(directory.name + ending)


def _sweep(directory: Path) -> None:
    """Remove what builders left that were killed, stopped or done."""
    for ending in (".*.draft", ".*.inputs"):
        for left in directory.parent.glob(directory.name + ending):
            remove_read_only(left)


def _remove(directory: Path) -> int:
    """Remove an environment and what lies beside it; a rename first, so that nobody sees half of it."""
    there = directory.exists()
    if there:
        directory.rename(_beside(directory, f".{uuid.uuid4().hex}.draft"))
    _sweep(directory)
    for ending in (".log", ".json", ".failed", ".lock"):
        _beside(directory, ending).unlink(missing_ok=True)
    return int(there)
