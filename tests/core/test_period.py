"""Moments, moved no further than there are any."""

from datetime import UTC, datetime, timedelta

from ledger.core.period import moved

FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_moment_is_moved_and_stops_at_the_first_and_the_last_that_there_is() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert moved(noon, DAY) == datetime(2026, 7, 2, 12, tzinfo=UTC)
    assert moved(noon, -DAY) == datetime(2026, 6, 30, 12, tzinfo=UTC)
    assert (moved(LAST, DAY), moved(LAST - DAY / 2, DAY)) == (LAST, LAST)
    assert (moved(FIRST, -DAY), moved(FIRST + DAY / 2, -DAY)) == (FIRST, FIRST)
