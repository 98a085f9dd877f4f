"""What a job wants to be told, when an attempt is made again, and what messages say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain import channel, message
from gristmill.domain.channel import ChannelType
from gristmill.domain.delivery import MAIL, MOST_ATTEMPTS, Attempt, Delivery, DeliveryState, settled
from gristmill.domain.email_address import is_address
from gristmill.domain.errors import Invalid
from gristmill.domain.event import Event, EventKind, kind_of
from gristmill.domain.notification import (
    ASKED_BY,
    Notification,
    NotificationType,
    alarm_at,
    read_notification,
    receivers,
)
from gristmill.domain.run import RunState

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
TYPES = st.dictionaries(st.sampled_from([str(name) for name in NotificationType]), st.booleans())


def happened(kind: EventKind, **document: Any) -> Event:
    return Event(subject="s", kind=kind, space_id="space", job_id="job", run_id="run", at=NOW, document=document)


def test_every_kind_says_what_asks_for_it_and_has_words_for_it() -> None:
    assert set(ASKED_BY) == set(EventKind)
    for kind in EventKind:
        event = happened(kind, job_name="nightly", minutes=5)
        assert message.title(event).startswith("nightly: ")
        assert message.title(event) in message.text(event)


@given(TYPES, st.sampled_from(EventKind))
def test_a_kind_is_told_exactly_where_one_of_its_types_is_on(types: dict[str, bool], kind: EventKind) -> None:
    asking = {wanted for wanted in ASKED_BY[kind] if types.get(wanted)}
    assert Notification(types=types).asks_for(kind, rejected=1) == bool(asking)
    # Without a rejected row, rows_rejected alone asks for nothing.
    assert Notification(types=types).asks_for(kind) == bool(asking - {NotificationType.ROWS_REJECTED})


@given(TYPES, st.lists(st.uuids().map(str), unique=True), st.none() | st.integers(1, 999))
def test_wishes_come_back_from_their_document(types: dict[str, bool], channels: list[str], minutes: int | None) -> None:
    wanted = Notification(types=types, channels=channels, long_running_minutes=minutes)
    assert Notification.of(wanted.document()) == Notification(
        types=types, channels=channels or (), long_running_minutes=minutes
    )


def test_a_warning_is_no_success_and_changes_of_no_interest_are_no_events() -> None:
    assert kind_of(RunState.COMPLETED) is EventKind.SUCCEEDED
    assert kind_of(RunState.COMPLETED, warned=True) is EventKind.WARNED
    assert [kind_of(state) for state in (RunState.QUEUED, RunState.STARTING, RunState.CANCELING)] == [None] * 3


def test_an_alarm_that_is_not_asked_for_is_off() -> None:
    asked = {"long_running": True, "long_running_minutes": 7}
    assert alarm_at(asked, EventKind.LONG_RUNNING, NOW) == NOW + timedelta(minutes=7)
    assert alarm_at(asked, EventKind.NOT_STARTED, NOW) is None
    assert alarm_at({**asked, "long_running": False}, EventKind.LONG_RUNNING, NOW) is None
    with pytest.raises(Invalid, match="long_running_minutes"):
        read_notification({"types": {"long_running": True}})


def test_a_broken_schedule_reaches_those_who_can_mend_it_asked_for_or_not() -> None:
    audience = {"owner_id": "o", "scheduler_id": "s", "notification": {"success": True, "channels": ["c"]}}
    reached = receivers(happened(EventKind.SCHEDULE_BROKEN), audience)
    assert (reached.always, reached.asked, reached.channels) == (["o", "s"], (), ())
    audience["notification"] = {"refused": True, "channels": ["c"], "recipients": ["a@example.com", "u"]}
    reached = receivers(happened(EventKind.TICK_REFUSED), audience)
    assert (list(reached.asked), list(reached.addresses), list(reached.channels)) == (["u"], ["a@example.com"], ["c"])
    # Notes on what was not delivered go nowhere else, or they would never end.
    reached = receivers(happened(EventKind.UNDELIVERED), audience)
    assert (reached.always, reached.asked, reached.addresses, reached.channels) == (["o"], (), (), ())


def delivery(attempts: int) -> Delivery:
    return Delivery(id="d", event_id="e", target="c", channel_id="c", attempts=attempts, next_attempt_at=NOW)


@given(st.lists(st.floats(0, 1), min_size=MOST_ATTEMPTS - 1, max_size=MOST_ATTEMPTS - 1))
def test_ten_attempts_within_about_a_day_each_later_than_the_one_before(chances: list[float]) -> None:
    failed = Attempt(at=NOW, milliseconds=1, error="503")
    now = NOW
    for number, chance in enumerate(chances, start=1):
        after = settled(delivery(number), failed, now, chance=chance)
        assert after.next_attempt_at
        assert after.next_attempt_at > now
        now = after.next_attempt_at
    assert timedelta(hours=15) < now - NOW < timedelta(hours=26)
    last = settled(delivery(MOST_ATTEMPTS), failed, now, chance=0.5)
    assert (last.state, last.next_attempt_at) == (DeliveryState.FAILED, None)


def test_what_fails_for_good_ends_and_what_asks_for_time_gets_some() -> None:
    ended = settled(delivery(1), Attempt(at=NOW, milliseconds=1, error="410", permanent=True), NOW, chance=0)
    assert ended.state is DeliveryState.FAILED
    asked = Attempt(at=NOW, milliseconds=1, error="429", retry_after_seconds=600)
    assert settled(delivery(1), asked, NOW, chance=0).next_attempt_at == NOW + timedelta(minutes=10)
    for_ever = Attempt(at=NOW, milliseconds=1, error="429", retry_after_seconds=1e9)
    waits = settled(delivery(1), for_ever, NOW, chance=0).next_attempt_at
    assert waits
    assert waits < NOW + timedelta(hours=8)


def test_addresses_share_the_mail_server_and_channels_are_each_their_own() -> None:
    assert Delivery(id="d", event_id="e", target="a@example.com").sink == MAIL
    assert Delivery(id="d", event_id="e", target="a@example.com", channel_id="c").sink == MAIL
    assert Delivery(id="d", event_id="e", target="c", channel_id="c").sink == "c"


def test_a_message_says_what_why_when_and_what_to_do() -> None:
    cause = {"code": "killed", "message": "It was ended by a signal."}
    event = happened(
        EventKind.FAILED,
        job_name="nightly\r\nBcc: x",
        run_name="run 7",
        space_name="sales",
        cause=cause,
        started_at="2026-03-29T00:10:00+00:00",
        finished_at="2026-03-29T01:10:00+00:00",
        rows={"read": 10, "scored": 7},
    )
    text = message.text(event, zone="Europe/Berlin", public_url="https://g.example/")
    assert message.title(event) == "nightly Bcc: x: failed"
    for part in (
        "It was ended by a signal.",
        "Space: sales",
        "Run: run 7",
        "Cause: killed",
        "Rows: 10 read, 7 scored",
        "Started: 2026-03-29 01:10:00 Europe/Berlin",
        # The clocks went forward in between.
        "Finished: 2026-03-29 03:10:00 Europe/Berlin",
        "do the run again",
        "https://g.example/v2/jobs/job/runs/run?space_id=space",
    ):
        assert part in text
    assert "UTC" in message.text(event)
    assert len(message.title(happened(EventKind.FAILED, job_name="x" * 999))) <= 200


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("ann@example.com", True),
        ("ann+jobs@localhost", True),
        ("jürgen@exämple.de", True),
        ("ann", False),
        ("ann@", False),
        ("@example.com", False),
        ("a@b@c", False),
        ("a b@example.com", False),
        ("a@example.com\n", False),
        ("Ann <ann@example.com>", False),
        ("a@example.com,b@example.com", False),
        ("x" * 65 + "@example.com", False),
    ],
)
def test_an_address_is_told_by_its_looks(text: str, fits: bool) -> None:
    assert is_address(text) == fits


@pytest.mark.parametrize(
    ("kind", "url", "shown"),
    [
        (ChannelType.WEBHOOK, "https://u:p@example.com:8443/a/b?c=d", "https://example.com:8443/..."),
        (ChannelType.WEBHOOK, "http://[2001:db8::1]/x", "http://[2001:db8::1]/..."),
        (ChannelType.APPRISE, "slack://token-a/token-b/#room", "slack://..."),
    ],
)
def test_what_may_be_secret_in_a_url_is_not_shown(kind: ChannelType, url: str, shown: str) -> None:
    assert channel.shown(kind, channel.read_settings(kind, {"url": url})) == {"url": shown}
