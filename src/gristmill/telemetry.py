"""Named events as lines on standard error: time, level, event, then ``key=value`` for each field.

Events are logged with the standard library: ``log.info("run.claimed", extra={"run": run.id})``.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

_LOGGER = "gristmill"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(level: str, stream: TextIO) -> None:
    """Write the events of this process from ``level`` up to ``stream``, and only warnings of the libraries."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(_LOGGER).setLevel(level.upper())


class EventFormatter(logging.Formatter):
    """One line an event; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        words = [moment, record.levelname, record.name, record.getMessage()]
        line = " ".join([*words, *(f"{name}={_value(value)}" for name, value in fields.items())])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def _value(value: object) -> str:
    text = str(value)
    # Quoted where it would break the line or the pairs apart: a log line must not be forged by a name.
    return text if text.isprintable() and text and not set(text) & set(' "=') else json.dumps(text)
