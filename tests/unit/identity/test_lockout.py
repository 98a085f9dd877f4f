from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gristmill.domain.lockout import FIRST_WAIT, FORGOTTEN_AFTER, FREE_FAILURES, LONGEST_WAIT, Lockout, failed_again

NOW = datetime(2026, 11, 28, 20, 0, tzinfo=UTC)


def after(failures: int) -> Lockout:
    found = None
    for _ in range(failures):
        found = failed_again(found, "eve", now=NOW)
    assert found
    return found


def test_a_few_mistakes_cost_nothing() -> None:
    assert not after(FREE_FAILURES - 1).holds(NOW)


def test_each_further_mistake_doubles_the_wait_up_to_the_longest() -> None:
    waits = [after(FREE_FAILURES + more).locked_until for more in range(7)]
    assert waits == [NOW + min(FIRST_WAIT * 2**more, LONGEST_WAIT) for more in range(7)]
    assert after(5_000).locked_until == NOW + LONGEST_WAIT


def test_it_holds_until_its_time_and_no_longer() -> None:
    locked = after(FREE_FAILURES)
    assert locked.holds(NOW + FIRST_WAIT - timedelta(seconds=1))
    assert not locked.holds(NOW + FIRST_WAIT)


def test_mistakes_of_the_day_before_are_forgotten() -> None:
    assert failed_again(after(FREE_FAILURES), "eve", now=NOW + FORGOTTEN_AFTER).failures == 1
