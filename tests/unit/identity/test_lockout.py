from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gristmill.domain.lockout import (
    FIRST_WAIT,
    FORGIVEN_EVERY,
    FORGOTTEN_AFTER,
    FREE_FAILURES,
    FREE_FROM_ADDRESS,
    LONGEST_WAIT,
    Lockout,
    failed_again,
    failed_again_from,
    shared_address,
)

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


def test_an_address_has_more_mistakes_and_is_forgiven_one_a_minute() -> None:
    found = None
    for _ in range(FREE_FROM_ADDRESS - 1):
        found = failed_again_from(found, "192.0.2.1", now=NOW)
    assert found
    assert not found.holds(NOW)
    assert failed_again_from(found, "192.0.2.1", now=NOW).locked_until == NOW + FIRST_WAIT
    later = failed_again_from(found, "192.0.2.1", now=NOW + 9 * FORGIVEN_EVERY)
    assert (later.failures, later.locked_until) == (FREE_FROM_ADDRESS - 9, None)
    assert failed_again_from(found, "192.0.2.1", now=NOW + FORGOTTEN_AFTER).failures == 1


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a client of tests", "a client of tests"),
    ],
)
def test_who_has_a_network_of_addresses_has_no_more_guesses(address: str, shared: str) -> None:
    assert shared_address(address) == shared
