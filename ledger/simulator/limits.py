"""What the gateway counts: calls in a sliding second, calls of a month, and calls that get an address banned."""

from collections import defaultdict, deque
from datetime import datetime, timedelta, timezone

SECOND = timedelta(seconds=1)
CHINA = timezone(timedelta(hours=8))


class SlidingWindow:
    """The times of the calls of the last `span`; two calls exactly `span` apart do not share a window."""

    __slots__ = ("_span", "_times")

    def __init__(self, span: timedelta) -> None:
        self._span = span
        self._times: deque[datetime] = deque()

    def count(self, now: datetime) -> int:
        """Return how many calls stand in the window that ends now."""
        oldest = now - self._span
        while self._times and self._times[0] <= oldest:
            self._times.popleft()
        return len(self._times)

    def add(self, now: datetime) -> int:
        """Note a call and return how many stand in the window with it."""
        self._times.append(now)
        return self.count(now)


class MonthlyQuota:
    """Calls of each organisation in the calendar months of China's time."""

    def __init__(self) -> None:
        self._used: defaultdict[tuple[str, str], int] = defaultdict(int)

    def used(self, organisation: str, now: datetime) -> int:
        """Return how many calls the organisation has made in this month."""
        return self._used[organisation, month_of(now)]

    def spend(self, organisation: str, now: datetime) -> None:
        """Note one call."""
        self._used[organisation, month_of(now)] += 1

    def all_used(self) -> list[dict[str, str | int]]:
        """Return every organisation and month with its calls."""
        return [{"organisation": org, "month": month, "used": used} for (org, month), used in self._used.items()]


class AddressBans:
    """Addresses that call too often are shut out for a while."""

    def __init__(self) -> None:
        self._windows: dict[str, SlidingWindow] = {}
        self._until: dict[str, datetime] = {}

    def arrive(self, address: str, now: datetime, calls: int, window: timedelta, ban: timedelta) -> None:
        """Note a call; from `calls` within `window` on, the address is banned for `ban`."""
        seen = self._windows.setdefault(address, SlidingWindow(window))
        if seen.add(now) >= calls and not self.is_banned(address, now):
            self._until[address] = now + ban

    def is_banned(self, address: str, now: datetime) -> bool:
        """Tell whether the address is shut out now."""
        until = self._until.get(address)
        return until is not None and now < until


def month_of(now: datetime) -> str:
    """Return the month on a calendar in China, as in 2026-03."""
    return now.astimezone(CHINA).strftime("%Y-%m")
