"""Cron expressions: what is read, and that everything else is refused with the part that is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.schedule.oracle import utc

from gristmill.domain.cron import MOST_CHARACTERS, parse_cron
from gristmill.domain.errors import Invalid
from gristmill.domain.schedule import Schedule
from gristmill.domain.tick import ticks

_TEXTS = st.text(alphabet="0123456789*/,-?LWJANMONSU# ", max_size=20)
_PARTS = st.from_regex(r"(\*|\d{1,2}(-\d{1,2})?|L|\?|MON)(/\d)?(,\d)?", fullmatch=True)


@pytest.mark.parametrize(
    ("field", "text", "values"),
    [
        ("minute", "*/20", (0, 20, 40)),
        ("minute", "50/5", (50, 55)),
        ("minute", "1,5-9/2,58", (1, 5, 7, 9, 58)),
        ("hour", "0-3,22", (0, 1, 2, 3, 22)),
        ("day", "?", tuple(range(1, 32))),
        ("month", "jan-MAR,Dec", (1, 2, 3, 12)),
        ("weekday", "MON-FRI", (1, 2, 3, 4, 5)),
        ("weekday", "7", (0,)),
        ("weekday", "5-7", (0, 5, 6)),
        ("weekday", "SAT-SUN", (0, 6)),
        ("weekday", "*/2", (0, 2, 4, 6)),
    ],
)
def test_fields_are_read(field: str, text: str, values: tuple[int, ...]) -> None:
    parts = {"minute": "0", "hour": "0", "day": "*", "month": "*", "weekday": "*"} | {field: text}
    assert getattr(parse_cron(" ".join(parts.values())), field).values == values


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("60 * * * *", "minute '60'"),
        ("0 24 * * *", "hour '24'"),
        ("0 0 0 * *", "day of month '0'"),
        ("0 0 * 13 *", "month '13'"),
        ("0 0 * * 8", "day of week '8'"),
        ("0 0 * * MO", "day of week 'MO'"),
        ("0 0 * FOO *", "month 'FOO'"),
        ("*/0 * * * *", "minute '*/0'"),
        ("*/60 * * * *", "minute '*/60'"),
        ("0 20-4 * * *", "hour '20-4'"),
        ("0 0 * * FRI-MON", "day of week 'FRI-MON'"),
        ("1,,2 * * * *", "minute ''"),
        ("-1 * * * *", "minute ''"),
        ("0 0 L-3 * *", "day of month 'L'"),
        ("0 0 15W * *", "day of month '15W'"),
        ("0 0 * * 5L", "day of week '5L'"),
        ("0 0 * * 5#3", "day of week '5#3'"),
        ("? * * * *", "minute '?'"),
        ("² * * * *", "minute '²'"),
        ("0 0 30 FEB *", "day of month '30'"),
        ("0 0 31 4,6,9,11 *", "day of month '31'"),
        ("30 3 21 13 1 ? 2019", "second '30'"),
        ("0 3 21 ? * 2-6", "day of week '2-6'"),
        ("0 3 21 13 1 ? 1815", "year '1815'"),
        ("0 9 * *", "4 fields"),
        ("", "0 fields"),
        ("0 0 0 0 0 0 0 0", "8 fields"),
        ("@daily", "1 fields"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_part(expression: str, part: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_cron(expression)
    assert refusal.value.field == "schedule"
    assert part in refusal.value.message


@given(st.one_of(_TEXTS, st.lists(_PARTS, min_size=5, max_size=7).map(" ".join)))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        cron = parse_cron(text)
    except Invalid:
        return
    assert cron.minute.values
    assert cron.last_day or cron.day.values


def test_a_very_long_expression_is_refused_before_it_is_read() -> None:
    with pytest.raises(Invalid, match=str(MOST_CHARACTERS)):
        parse_cron(",".join(["1"] * MOST_CHARACTERS) + " * * * *")


def test_the_quartz_form_runs_once_in_its_year() -> None:
    sample = Schedule(repetition=parse_cron("0 3 21 13 1 ? 2019"))
    assert ticks(sample, utc("2018-01-01"), 5) == [utc("2019-01-13 21:03")]
    assert ticks(sample, utc("2020-01-01"), 5) == []
    weekdays = Schedule(repetition=parse_cron("0 0 9 ? * MON-FRI"))
    assert ticks(weekdays, utc("2026-11-20 09:00"), 2) == [utc("2026-11-23 09:00"), utc("2026-11-24 09:00")]


def test_a_year_without_the_day_is_refused_by_the_schedule() -> None:
    with pytest.raises(Invalid, match="never run"):
        Schedule(repetition=parse_cron("0 0 0 29 FEB ? 2019"))


def test_a_day_and_a_weekday_that_are_both_named_match_either() -> None:
    either = Schedule(repetition=parse_cron("0 0 13 * FRI"))
    assert ticks(either, utc("2026-11-06 12:00"), 3) == [utc("2026-11-13"), utc("2026-11-20"), utc("2026-11-27")]
    assert ticks(either, utc("2026-12-11 12:00"), 1) == [utc("2026-12-13")]
    both = Schedule(repetition=parse_cron("0 0 */2 * FRI"))
    assert ticks(both, utc("2026-11-01"), 3) == [utc("2026-11-13"), utc("2026-11-27"), utc("2026-12-11")]


def test_the_last_day_follows_the_months() -> None:
    last = Schedule(repetition=parse_cron("0 6 L 1-4 *"))
    days = [tick.strftime("%m-%d") for tick in ticks(last, utc("2028-01-01"), 5)]
    assert days == ["01-31", "02-29", "03-31", "04-30", "01-31"]
    middle_too = Schedule(repetition=parse_cron("0 6 15,L * *"))
    assert [tick.day for tick in ticks(middle_too, utc("2026-02-01"), 4)] == [15, 28, 15, 31]


def test_the_rarest_day_is_found_across_a_century() -> None:
    leap = Schedule(repetition=parse_cron("0 0 29 2 *"))
    assert ticks(leap, utc("2096-03-01"), 1) == [utc("2104-02-29")]
