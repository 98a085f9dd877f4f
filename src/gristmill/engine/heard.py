"""What a worker says is said until the database has heard it: a restart of the database costs no run its outcome."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from gristmill.domain.errors import Conflict, NotFound

_log = logging.getLogger("gristmill.engine")
_PAUSES_SECONDS = (0.1, 0.5, 2.0, 5.0, 10.0)
T = TypeVar("T")


def until_heard(say: Callable[[], T], *, run_id: str, what: str) -> T:
    """Return what ``say`` returns. It may be called again after it took effect, because an answer can be lost.

    Raises:
        Conflict, NotFound: the database has heard it, and refuses.
        Exception: it failed for more than a quarter of a minute.

    """
    for pause_seconds in _PAUSES_SECONDS:
        try:
            return say()
        except (Conflict, NotFound):
            raise
        except Exception:  # noqa: BLE001 - whatever the database has
            _log.exception("run.not_heard", extra={"run": run_id, "what": what})
            time.sleep(pause_seconds)
    return say()
