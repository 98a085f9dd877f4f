"""What an HTTP status says about another attempt, and when that may be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gristmill.deliver.http_status import MOST_RETRY_AFTER_SECONDS, is_permanent, retry_after_seconds

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass(status: int) -> None:
    assert not is_permanent(status)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 410, 413, 422])
def test_what_will_stay(status: int) -> None:
    assert is_permanent(status)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("99999999999999", MOST_RETRY_AFTER_SECONDS),
        ("9" * 400, MOST_RETRY_AFTER_SECONDS),
        ("Mon, 23 Nov 2026 22:05:00 GMT", 300),
        ("Mon, 23 Nov 2026 21:05:00 GMT", 0),
        ("Mon, 23 Nov 2099 22:05:00 GMT", MOST_RETRY_AFTER_SECONDS),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("nan", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_and_bounded(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, now=NOW) == seconds
