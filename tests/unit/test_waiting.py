"""Why a run waits: reason, place and probable start."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from itertools import product

from gristmill.domain.waiting import Lane, waiting

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
HALF_DONE = NOW - timedelta(seconds=30)


def lane(*working: tuple[str, datetime | None], recent: tuple[float, ...] = (60.0,), workers: int = 1) -> Lane:
    return Lane(max_running=2, working=working, recent_seconds=recent, workers=workers)


def test_a_full_lane_names_who_works_and_estimates_slot_by_slot() -> None:
    full = lane(("a", HALF_DONE), ("b", NOW))
    third = waiting(full, ahead=2, now=NOW)
    assert third.reason == "2 of 2 runs of this lane work: a, b."
    assert third.place == 3
    assert third.estimated_start == NOW + timedelta(seconds=90)
    assert waiting(full, ahead=0, now=NOW).estimated_start == NOW + timedelta(seconds=30)


def test_the_next_one_of_a_free_lane_starts_now() -> None:
    found = waiting(lane(("a", NOW)), ahead=0, now=NOW)
    assert (found.place, found.estimated_start) == (1, NOW)
    assert found.reason.startswith("It is next")


def test_without_workers_or_history_nothing_is_promised() -> None:
    nobody = waiting(lane(workers=0), ahead=0, now=NOW)
    assert (nobody.estimated_start, "No worker is up" in nobody.reason) == (None, True)
    assert waiting(lane(recent=()), ahead=5, now=NOW).estimated_start is None


def test_a_run_that_is_overdue_does_not_promise_the_past() -> None:
    late = lane(("a", NOW - timedelta(hours=1)), ("b", NOW - timedelta(hours=1)))
    assert waiting(late, ahead=0, now=NOW).estimated_start == NOW


def test_the_estimate_for_any_place_is_that_of_slots_simulated_one_by_one() -> None:
    for ahead, slots, seconds in product(range(12), (1, 2, 5), (0.0, 60.0)):
        since = [NOW - timedelta(seconds=20 * number) for number in range(4)]
        crowded = Lane(max_running=slots, working=[("r", at) for at in since], recent_seconds=[seconds], workers=1)
        free_at = [max(NOW, at + timedelta(seconds=seconds)) for at in since] + [NOW] * (slots - len(since))
        heapq.heapify(free_at)
        for _ in range(ahead):
            heapq.heapreplace(free_at, free_at[0] + timedelta(seconds=seconds))
        assert waiting(crowded, ahead=ahead, now=NOW).estimated_start == free_at[0]
