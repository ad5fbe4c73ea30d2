"""The month in which a call counts, and what a plan leaves of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.recalls.quota import QuotaLevel, bounds_of, forecast, level_of, month_of, quota


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


@given(st.datetimes(datetime(2020, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - zone apart
def test_the_bounds_of_a_month_hold_its_calls_and_no_others(moment: datetime) -> None:
    first, after_it = bounds_of(moment)
    assert first <= moment < after_it
    tick = timedelta(microseconds=1)
    months = [month_of(one) for one in (first - tick, first, moment, after_it - tick, after_it)]
    assert months[1] == months[2] == months[3]
    assert months[0] < months[1] < months[4]


def test_a_plan_beyond_the_quota_leaves_less_than_nothing() -> None:
    assert quota(5000, 100, 50, 10) == {"limit": 5000, "used": 100, "after": 4850, "reserve": 10}
    assert quota(5000, 4990, 50, 10)["after"] == -40


@pytest.mark.parametrize(
    ("used", "reserve", "level"),
    [
        (0, 0, QuotaLevel.ENOUGH),
        (4499, 0, QuotaLevel.ENOUGH),
        (4500, 0, QuotaLevel.SHORT),
        (3999, 1000, QuotaLevel.ENOUGH),
        (4000, 1000, QuotaLevel.SHORT),
        (4999, 1000, QuotaLevel.SHORT),
        (5000, 0, QuotaLevel.USED_UP),
        (6000, 1000, QuotaLevel.USED_UP),
        (0, 9000, QuotaLevel.SHORT),
    ],
)
def test_the_quota_runs_short_near_its_end_or_where_calls_are_to_be_kept(
    used: int, reserve: int, level: QuotaLevel
) -> None:
    assert level_of(used, 5000, reserve) is level


def test_a_month_that_goes_on_as_it_has_gone_is_foretold_from_its_second_day_on() -> None:
    first, following = bounds_of(datetime(2026, 4, 10, tzinfo=UTC))
    assert forecast(5, first + timedelta(hours=23)) is None
    assert forecast(100, first + timedelta(days=1)) == 3000
    assert forecast(100, first + timedelta(days=15)) == 200
    assert forecast(100, following - timedelta(seconds=1)) == 100
