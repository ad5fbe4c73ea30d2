"""The month in which a call counts, and what a plan leaves of it."""

from datetime import UTC, datetime

import pytest

from ledger.core.quota import month_of, quota


@pytest.mark.parametrize(
    ("moment", "month"),
    [
        (datetime(2026, 2, 28, 15, 59, 59, tzinfo=UTC), "2026-02"),
        (datetime(2026, 2, 28, 16, 0, tzinfo=UTC), "2026-03"),
        (datetime(2026, 12, 31, 16, 0, tzinfo=UTC), "2027-01"),
    ],
)
def test_the_month_ends_at_midnight_in_china(moment: datetime, month: str) -> None:
    assert month_of(moment) == month


def test_a_plan_beyond_the_quota_leaves_less_than_nothing() -> None:
    assert quota(5000, 100, 50, 10) == {"limit": 5000, "used": 100, "after": 4850, "reserve": 10}
    assert quota(5000, 4990, 50, 10)["after"] == -40
