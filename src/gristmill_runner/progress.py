"""Tells the worker how far a run is, at most a few times a second."""

from __future__ import annotations

import json
import time
from pathlib import Path

_INTERVAL_SECONDS = 0.2


class Progress:
    """Appends ``{"rows_done", "rows_total"}`` lines; ``rows_total`` is None where nobody can know it beforehand.

    A ``unit`` other than rows stands in each line. What else is known of the progress is in ``more``.
    """

    def __init__(self, path: Path, rows_total: int | None, *, unit: str = "rows") -> None:
        self._file = path.open("w", encoding="ascii", buffering=1)
        self._rows_total = rows_total
        self._unit = {} if unit == "rows" else {"unit": unit}
        self._due = 0.0
        self.rows_done = 0
        self.more: dict[str, int] = {}

    def advance(self, rows: int) -> None:
        """Count rows that are done."""
        self.rows_done += rows
        if time.monotonic() >= self._due:
            self._tell()

    def close(self) -> None:
        """Tell the last figure."""
        self._tell()
        self._file.close()

    def _tell(self) -> None:
        self._due = time.monotonic() + _INTERVAL_SECONDS
        line = {"rows_done": self.rows_done, "rows_total": self._rows_total, **self._unit, **self.more}
        self._file.write(json.dumps(line) + "\n")
