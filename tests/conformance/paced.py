"""A model that takes its time and says what it has scored; it is stored with this file beside it.

Where a file ``held`` lies beside it, each process waits with its third block until that is gone.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

SECONDS = 0.05
HELD = Path(__file__).with_name("held")
_FREE_BLOCKS = 2


class Paced:
    """Doubles ``n``; a row that says so raises."""

    blocks = 0

    def predict(self, rows: Any) -> list[float]:
        time.sleep(SECONDS)
        while self.blocks >= _FREE_BLOCKS and HELD.exists():
            time.sleep(SECONDS)
        self.blocks += 1
        if (rows["act"] == 1).any():
            raise ValueError("I do not take that")
        print("scored", len(rows), os.getpid(), os.getppid())  # noqa: T201 - for the log
        return [2.0 * n for n in rows["n"].tolist()]
