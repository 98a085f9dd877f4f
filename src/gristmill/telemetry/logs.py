"""Named events as lines on standard error, for people (``key=value``) or for programs (JSON).

Events are logged with the standard library: ``log.info("run.claimed", extra={"run": run.id})``. The request and the run
that the thread is at are added by themselves (`scope.py`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from gristmill.telemetry import scope

_LOGGER = "gristmill"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def configure(level: str, stream: TextIO, *, form: str = "text") -> None:
    """Write the events of this process from ``level`` up to ``stream``, and only warnings of the libraries.

    ``form`` is text or json.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else EventFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(_LOGGER).setLevel(level.upper())


class EventFormatter(logging.Formatter):
    """One line an event; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        words = [_moment(record), record.levelname, record.name, record.getMessage()]
        line = " ".join([*words, *(f"{name}={_value(value)}" for name, value in _fields(record).items())])
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One line an event, a JSON object, the traceback in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": _moment(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


def _moment(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    """Return what the event brings, and whose it is where it does not say so itself."""
    own = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    return {**own, **{name: value for name, value in scope.fields().items() if name not in own}}


def _value(value: object) -> str:
    text = str(value)
    # Quoted where it would break the line or the pairs apart: a log line must not be forged by a name.
    return text if text.isprintable() and text and not set(text) & set(' "=') else json.dumps(text)
