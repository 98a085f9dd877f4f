"""What an attempt takes over from the one before: ledger and staged files, so that no row is scored twice."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from gristmill.domain.run import REPEATABLE_KINDS
from gristmill.engine import kept_rows
from gristmill.launch import done_rows
from gristmill.launch.boxes import GIVEN
from gristmill.service.claims import Assignment
from gristmill.service.context import Context
from gristmill_runner import protocol

_log = logging.getLogger("gristmill.engine")


def take_over(context: Context, assignment: Assignment, directory: Path) -> None:
    """Give a staged run directory what the newest earlier attempt left, or else what the repaired run did.

    Where that fails, the run begins from its beginning.
    """
    if assignment.spec.kind not in REPEATABLE_KINDS:
        return
    try:
        found = next((place for place in _earlier(directory) if _has_ledger(place)), None)
        if found is not None:
            done_rows.copy(found, directory)
            _log.info("run.resumed", extra={"run": assignment.run.id, "attempt": assignment.run.attempt})
        elif assignment.spec.kept_rows is not None:
            _lay_out(context, assignment, directory)
    except OSError:
        _log.exception("run.not_resumed", extra={"run": assignment.run.id})
        shutil.rmtree(directory / protocol.STAGED, ignore_errors=True)
        (directory / protocol.LEDGER).unlink(missing_ok=True)


def trim(directory: Path) -> None:
    """Leave of a run directory what another attempt takes over, and the log; nothing, where there is no ledger."""
    if directory.is_symlink() or not _has_ledger(directory):
        shutil.rmtree(directory, ignore_errors=True)
        return
    for entry in directory.iterdir():
        if entry.name in {protocol.LEDGER, protocol.STAGED, protocol.LOG}:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


def attempt_of(directory: Path) -> tuple[str, str]:
    """Return run and fence of the attempt that a directory is of, also while it is on its way out of a box."""
    run_id, _, fence = directory.name.removesuffix(GIVEN).rpartition(".")
    return run_id, fence


def remove(directory: Path) -> None:
    """Remove a run directory, or the link in its place while it is in the box of a child."""
    if directory.is_symlink():
        directory.unlink(missing_ok=True)
    shutil.rmtree(directory, ignore_errors=True)


def _earlier(directory: Path) -> list[Path]:
    """Return the directories of the run's earlier attempts, the newest first."""
    run_id, fence = attempt_of(directory)
    if int(fence) <= 1:
        return []
    beside = ((attempt_of(place), place) for place in directory.parent.iterdir())
    found = [
        (int(number), place)
        for (name, number), place in beside
        if name == run_id and number.isdecimal() and int(number) < int(fence)
    ]
    return [place for _, place in sorted(found, reverse=True)]


def _has_ledger(place: Path) -> bool:
    # Of a server that died, the directory may still be in the box of its child, and a link in its place.
    return kept_rows.rows_done(place / protocol.LEDGER) > 0


def _lay_out(context: Context, assignment: Assignment, target: Path) -> None:
    kept = assignment.spec.kept_rows
    files = {file.name: file.content_key for file in kept.files} if kept else {}
    ledger = files.pop(protocol.LEDGER)

    def of_content(key: str) -> Callable[[Path], None]:
        return lambda path: context.content.materialize(key, path)

    done_rows.fill(target, {name: of_content(key) for name, key in files.items()})
    context.content.materialize(ledger, target / protocol.LEDGER)
