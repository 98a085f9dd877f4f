"""The rows that a model had scored when its run did not complete, kept as content for a run that goes on from there."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gristmill.domain.row_totals import RowTotals
from gristmill.domain.run_spec import KeptRows, ResultFile
from gristmill.engine import progress_file
from gristmill.launch import done_rows
from gristmill.service.context import Context
from gristmill_runner import protocol

_log = logging.getLogger("gristmill.engine")
_MIME = "application/octet-stream"
_MOST_LINE_BYTES = 16 * 2**20


def keep(context: Context, directory: Path) -> KeptRows | None:
    """Move ledger and staged files into the content store; None where no row was done, or they cannot be had."""
    ledger = directory / protocol.LEDGER
    done, total = rows_done(ledger), _total(directory)
    if not done:
        return None
    try:
        kept = [_kept(context, path) for path in (ledger, *done_rows.staged(directory / protocol.STAGED))]
    except OSError:
        # A run must end, also when what it had done cannot be kept.
        _log.exception("run.rows_not_kept", extra={"directory": directory.name})
        return None
    return KeptRows(files=tuple(kept), rows_done=done, rows_total=total)


def rows_done(ledger: Path) -> int:
    """Return how many rows a ledger speaks of; it ends at the first line that is not whole."""
    return sum(line["scored"] + line["rejected"] for line in _chunks(ledger))


def totals(directory: Path) -> RowTotals | None:
    """Return the rows of a run that was ended before it could tell of them: what its ledger speaks of has been done."""
    chunks = list(_chunks(directory / protocol.LEDGER))
    scored, rejected = (sum(chunk[name] for chunk in chunks) for name in ("scored", "rejected"))
    total = _total(directory)
    if total is None or total < scored + rejected:
        return None
    not_attempted = total - scored - rejected
    return RowTotals(read=total, scored=scored, rejected=rejected, not_attempted=not_attempted)


def _total(directory: Path) -> int | None:
    total = (progress_file.newest(directory) or {}).get("rows_total")
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None


def _chunks(ledger: Path) -> Iterator[dict[str, Any]]:
    try:
        file = protocol.open_plain(ledger)
    except OSError:
        return
    with file:
        while (line := file.readline(_MOST_LINE_BYTES)).endswith(b"\n"):
            try:
                chunk = json.loads(line)
            except ValueError:
                return
            if not isinstance(chunk, dict):
                return
            if all(isinstance(chunk.get(name), int) for name in ("scored", "rejected")):
                yield chunk


def committed_at(ledger: Path, *, since: datetime) -> Iterator[tuple[datetime, int]]:
    """Yield when each chunk was committed since a moment, and its rows; those of earlier attempts are before it."""
    last = since
    for chunk in _chunks(ledger):
        at = chunk.get("at")
        if isinstance(at, float) and math.isfinite(at) and last.timestamp() <= at <= time.time():
            last = datetime.fromtimestamp(at, UTC)
            yield last, chunk["scored"] + chunk["rejected"]


def _kept(context: Context, path: Path) -> ResultFile:
    stored = context.content.put_file(path)
    return ResultFile(name=path.name, mime=_MIME, size=stored.size, content_key=stored.key)
