"""Every fault of a run is told, once, by every way."""

from __future__ import annotations

import pytest

from gristmill.service import events
from tests.engine.conftest import Works
from tests.engine.told.faults import FAULTS
from tests.engine.told.watched import (
    HOOK,
    MAIL,
    SLACK,
    notify,
    recorded,
    watch,
)
from tests.make_outlets import RecordingOutlets, unavailable


@pytest.mark.parametrize("fault", FAULTS)
def test_n1_each_fault_is_told_once_by_mail_webhook_and_slack(
    works: Works, outlets: RecordingOutlets, fault: str
) -> None:
    """The receivers are down at first, and every step is taken by another notifier than the one before."""
    happen, kind = FAULTS[fault]
    outlets.failures = {HOOK: [unavailable(), unavailable()], MAIL: [unavailable("421 busy")], SLACK: [unavailable()]}
    watched, context = watch(works, slack=True), works.shop.context
    happen(watched)
    for _ in range(3):
        events.sound_alarms(context)
        notify(context)
        notify(context)
        works.clock.advance(minutes=4)
    of_kind = [event_id for event_id, recorded_kind in recorded(context) if recorded_kind is kind]
    assert len(of_kind) == 1
    for target in (HOOK, MAIL, SLACK):
        assert outlets.ids(target).count(of_kind[0]) == 1
        assert len(outlets.ids(target)) == len(set(outlets.ids(target)))
    message = next(message for _, message in outlets.told if message.event_id == of_kind[0])
    assert (message.kind, message.title.split(":")[0]) == (str(kind), "nightly")


def test_n2_out_of_memory_is_told_as_a_failure_with_its_cause(works: Works, outlets: RecordingOutlets) -> None:
    watched = watch(works, types={"success": True, "failure": True})
    FAULTS["out of memory"][0](watched)
    notify(works.shop.context)
    (message,) = [message for target, message in outlets.told if target == HOOK]
    assert (message.kind, message.document["state"], message.title) == ("failed", "failed", "nightly: failed")
    assert message.document["cause"]["code"] == "out_of_memory"
    assert "Cause: out_of_memory" in message.text
