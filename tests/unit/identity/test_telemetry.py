from __future__ import annotations

import logging
from datetime import datetime

from gristmill.telemetry import EventFormatter


def _line(event: str, **fields: object) -> str:
    record = logging.LogRecord("gristmill.engine", logging.INFO, __file__, 1, event, (), None)
    vars(record).update(fields)
    return EventFormatter().format(record)


def test_an_event_is_one_line_with_time_level_name_and_fields() -> None:
    moment, rest = _line("run.claimed", run="r1", slot=2).split(" ", 1)

    assert datetime.fromisoformat(moment).tzinfo is not None
    assert rest == "INFO gristmill.engine run.claimed run=r1 slot=2"


def test_a_field_can_forge_neither_a_line_nor_another_field() -> None:
    line = _line("space.made", space='x admin=true\n2026 "INFO"')

    assert "\n" not in line
    assert line.endswith(r'space="x admin=true\n2026 \"INFO\""')


def test_a_traceback_follows_on_its_own_lines() -> None:
    try:
        int("broken")
    except ValueError as error:
        what = (ValueError, error, error.__traceback__)
        record = logging.LogRecord("gristmill.api", logging.ERROR, __file__, 1, "request.broken", (), what)

    first, *others = EventFormatter().format(record).splitlines()
    assert first.endswith("ERROR gristmill.api request.broken")
    assert others[-1] == "ValueError: invalid literal for int() with base 10: 'broken'"
