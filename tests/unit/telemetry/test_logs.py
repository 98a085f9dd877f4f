from __future__ import annotations

import contextvars
import json
import logging
from datetime import datetime

from gristmill.telemetry import scope
from gristmill.telemetry.logs import EventFormatter, JsonFormatter


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


def test_a_json_line_holds_all_of_an_event_and_its_traceback() -> None:
    try:
        int("broken")
    except ValueError as error:
        what = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("gristmill.api", logging.ERROR, __file__, 1, "request.broken", (), what)
    vars(record).update(path="/v2/spaces", status=500, at=datetime(2026, 11, 29))  # noqa: DTZ001 - anything may come

    line = JsonFormatter().format(record)
    told = json.loads(line)
    assert "\n" not in line
    assert datetime.fromisoformat(told.pop("time")).tzinfo is not None
    assert told.pop("traceback").endswith("ValueError: invalid literal for int() with base 10: 'broken'")
    assert told == {
        "level": "ERROR",
        "logger": "gristmill.api",
        "event": "request.broken",
        "path": "/v2/spaces",
        "status": 500,
        "at": "2026-11-29 00:00:00",
    }


def test_an_event_tells_whose_it_is_unless_it_says_so_itself() -> None:
    def lines() -> tuple[str, str]:
        scope.begin_request("q1")
        with scope.of_run("r1"):
            return _line("content.kept"), _line("run.gone", run="r2")

    kept, gone = contextvars.copy_context().run(lines)
    assert kept.endswith("content.kept request=q1 run=r1")
    assert gone.endswith("run.gone run=r2 request=q1")
    assert _line("loop.failed").endswith("loop.failed")
