"""The newest line of a run's progress file: words of user code, read as such."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from gristmill_runner import protocol

_MOST_BYTES = 4096


def newest(directory: Path) -> dict[str, Any] | None:
    """Return the newest whole line that tells of rows, None where there is none yet."""
    try:
        with protocol.open_plain(directory / protocol.PROGRESS) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _MOST_BYTES))
            lines = file.read().split(b"\n")[:-1]
        found = json.loads(lines[-1]) if lines else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "rows_done" in found else None
