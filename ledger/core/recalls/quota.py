"""The organisation's monthly quota of API calls: which month a call belongs to, and what a plan leaves of it."""

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import TypedDict

# The API's pages give no zone for the month; its operator and its price list are Chinese.
QUOTA_ZONE = timezone(timedelta(hours=8))
# So much of it used, and somebody should know.
MUCH_OF_THE_QUOTA = 0.9
FORECAST_AFTER = timedelta(days=1)


class QuotaLevel(StrEnum):
    """How much of the month's calls is left."""

    ENOUGH = "enough"
    SHORT = "short"  # a large recall may not fit in any more
    USED_UP = "used_up"  # recalls end in the middle


class Quota(TypedDict):
    """Calls of the month: the allowed number, those used before, what is left after a plan,
    and how many should be left."""

    limit: int
    used: int
    after: int
    reserve: int


def bounds_of(moment: datetime) -> tuple[datetime, datetime]:
    """Return the first moment of a call's month, and of the next."""
    first = moment.astimezone(QUOTA_ZONE).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first, (first + timedelta(days=32)).replace(day=1)


def month_of(moment: datetime) -> str:
    """Return the month in which a call counts, as in 2026-03."""
    return f"{moment.astimezone(QUOTA_ZONE):%Y-%m}"


def forecast(used: int, now: datetime) -> int | None:
    """Return what a month comes to that goes on as it has gone; None on its first day, when that says nothing."""
    first, following = bounds_of(now)
    passed = now - first
    return round(used * ((following - first) / passed)) if passed >= FORECAST_AFTER else None


def quota(limit: int, used: int, calls: int, reserve: int) -> Quota:
    """Say what a plan of so many calls leaves; negative when the quota does not cover it."""
    return Quota(limit=limit, used=used, after=limit - used - calls, reserve=reserve)


def level_of(used: int, limit: int, reserve: int) -> QuotaLevel:
    """Say whether enough of the month's calls is left, of which so many are to be kept."""
    if used >= limit:
        return QuotaLevel.USED_UP
    return QuotaLevel.SHORT if used >= min(limit * MUCH_OF_THE_QUOTA, limit - reserve) else QuotaLevel.ENOUGH
