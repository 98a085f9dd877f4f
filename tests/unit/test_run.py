"""The life of a run: any history of events keeps to the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.run import (
    ACTIVE,
    FINAL,
    MAX_ATTEMPTS,
    TRANSITIONS,
    IllegalTransition,
    RunEvent,
    RunState,
    next_state,
    worker_gone,
)


@given(st.lists(st.sampled_from(RunEvent), max_size=40))
def test_no_history_leaves_a_final_state(events: list[RunEvent]) -> None:
    state = RunState.QUEUED
    for event in events:
        if (state, event) in TRANSITIONS:
            assert state not in FINAL
            state = next_state(state, event)
        else:
            with pytest.raises(IllegalTransition, match=str(event)):
                next_state(state, event)


def test_every_state_but_the_final_ones_has_a_way_out_and_every_state_is_reached() -> None:
    assert {state for state, _ in TRANSITIONS} == set(RunState) - FINAL
    assert {*TRANSITIONS.values(), RunState.QUEUED} == set(RunState)
    assert ACTIVE | FINAL | {RunState.QUEUED} == set(RunState)


def test_every_active_state_can_be_lost_and_given_back_and_canceling_never_goes_on() -> None:
    for state in ACTIVE:
        assert (state, RunEvent.LOST) in TRANSITIONS
        assert (state, RunEvent.RETURNED) in TRANSITIONS
    assert next_state(RunState.CANCELING, RunEvent.RETURNED) is RunState.CANCELED
    assert next_state(RunState.CANCELING, RunEvent.ERRED) is RunState.CANCELED


def test_user_code_that_ran_is_not_repeated_unasked_and_models_are_a_few_times() -> None:
    assert worker_gone(state=RunState.RUNNING, kind="function", attempt=1) is RunEvent.LOST
    assert worker_gone(state=RunState.STARTING, kind="function", attempt=1) is RunEvent.RETURNED
    assert worker_gone(state=RunState.RUNNING, kind="model", attempt=1) is RunEvent.RETURNED
    # D7: what kills its workers again and again is not handed out for ever.
    assert worker_gone(state=RunState.RUNNING, kind="model", attempt=MAX_ATTEMPTS) is RunEvent.LOST
