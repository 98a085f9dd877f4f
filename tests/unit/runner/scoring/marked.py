"""A model that does what the rows say: it is stored with this file beside it, and loaded from there."""

from __future__ import annotations

import math
import os
import signal
from typing import Any

FINE, RAISES, CRASHES, EXITS, ABORTS = range(5)


class Marked:
    """Doubles ``n``; a row without it, or whose ``act`` says so, raises, or ends the process."""

    def predict(self, rows: Any) -> list[float]:
        found = []
        for n, act in zip(rows["n"].tolist(), rows["act"].tolist(), strict=True):
            if act == CRASHES:
                os.kill(os.getpid(), signal.SIGSEGV)
            if act == ABORTS:
                os.kill(os.getpid(), signal.SIGABRT)
            if act == EXITS:
                os._exit(3)
            if act == RAISES or math.isnan(n):
                raise ValueError(f"I do not take {n}")
            found.append(2 * n)
        return found
