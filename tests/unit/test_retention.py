"""Retention policies: what is read, what is refused, and what holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.domain.errors import Invalid
from gristmill.domain.retention import FOR_EVER, MOST_DAYS, Retention, expires_at, read_retention, retention_of

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_policy", "read"),
    [
        (None, None),
        ({"amount": 3, "days": None}, {"amount": 3}),
        ({"days": MOST_DAYS, "results": "delete"}, {"days": MOST_DAYS, "results": "delete"}),
        ({"days": 1, "results": None}, {"days": 1}),
    ],
)
def test_a_policy_is_read(given_policy: dict[str, Any] | None, read: dict[str, Any] | None) -> None:
    assert read_retention(given_policy) == read


_NAMES = st.sampled_from(["amount", "days", "results"])
_VALUES = st.integers() | st.sampled_from(["keep", "delete", "", None, 1.5, True])


@given(st.dictionaries(_NAMES, _VALUES))
def test_a_policy_is_refused_with_its_field_or_can_be_applied(policy: dict[str, Any]) -> None:
    """No policy that is taken makes the janitor fail later, however large its numbers."""
    refusal = None
    try:
        read = read_retention(policy)
    except Invalid as error:
        refusal = error
    if refusal:
        assert str(refusal.field).startswith("retention_policy")
        return
    before = retention_of(read, default_days=30).ended_before(NOW)
    assert before is None or before < NOW


def test_the_installations_days_hold_where_the_job_says_nothing() -> None:
    assert retention_of(None, default_days=30) == Retention(days=30)
    assert retention_of({}, default_days=FOR_EVER).keeps_all
    assert retention_of({"amount": 2}, default_days=FOR_EVER) == Retention(amount=2)


@pytest.mark.parametrize(("days", "at"), [(None, None), (-1, None), (0, NOW), (7, NOW + timedelta(days=7))])
def test_a_runs_own_days_count_from_its_end(days: int | None, at: datetime | None) -> None:
    assert expires_at(days, NOW) == at
