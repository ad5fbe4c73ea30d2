"""The organisation's monthly quota of API calls: which month a call belongs to, and what a plan leaves of it."""

from datetime import datetime, timedelta, timezone
from typing import TypedDict

# The API's pages give no zone for the month; its operator and its price list are Chinese.
QUOTA_ZONE = timezone(timedelta(hours=8))


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


def quota(limit: int, used: int, calls: int, reserve: int) -> Quota:
    """Say what a plan of so many calls leaves; negative when the quota does not cover it."""
    return Quota(limit=limit, used=used, after=limit - used - calls, reserve=reserve)
