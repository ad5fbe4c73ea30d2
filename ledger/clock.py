"""Time as a value: the one place that reads the machine's clock, and the rule that every time is aware and UTC."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from .errors import NaiveTimeError, UnreadableTimeError


class Clock(Protocol):
    """What services ask for the time; `now` is aware UTC, sleeps are in seconds."""

    def now(self) -> datetime:
        """Return the present moment, aware and in UTC."""

    def monotonic(self) -> float:
        """Return the seconds since some moment: they pass evenly, whatever somebody sets the clock to."""

    def sleep(self, seconds: float) -> None:
        """Return after about `seconds`; at once when that is not positive."""


# By less than this do the clocks of machines differ, or is one set: what one of them saw later may look earlier.
CLOCKS_DIFFER = timedelta(hours=1)
# Linux stops the other one while a machine sleeps, but time has passed.
_EVEN = getattr(time, "CLOCK_BOOTTIME", None)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the machine's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds since this machine started, the same for all its processes; those asleep count."""
        return time.clock_gettime(_EVEN) if _EVEN is not None else time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep on the machine's clock."""
        if seconds > 0:
            time.sleep(seconds)


class AlignedClock:
    """The machine's clock, set right by another one: machines that share a database share its time.

    Once it has been, it goes on evenly from there, whatever somebody sets the machine's clock to.
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._zero: datetime | None = None

    def align(self, ask: Callable[[], datetime]) -> None:
        """Ask the other clock for its time, and keep to it; the answer is taken for the middle of the asking."""
        before = self._base.monotonic()
        theirs = ask()
        self.keep_to(theirs, (before + self._base.monotonic()) / 2)

    def keep_to(self, theirs: datetime, monotonic: float) -> None:
        """Keep to what the other clock showed when this machine's even one showed so many seconds."""
        self._zero = theirs - timedelta(seconds=monotonic)

    def now(self) -> datetime:
        """Return the other clock's time in UTC; the machine's own as long as nobody has asked for it."""
        zero = self._zero
        return self._base.now() if zero is None else zero + timedelta(seconds=self._base.monotonic())

    def monotonic(self) -> float:
        """Return the seconds that pass on the machine."""
        return self._base.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep on the machine's clock."""
        self._base.sleep(seconds)


class FakeClock:
    """A clock that moves only when told to, or by the sleeps of those who use it; safe to share between threads."""

    def __init__(self, start: datetime) -> None:
        self._now = as_utc(start)
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the set time."""
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Move the time forward instead of waiting."""
        if seconds > 0:
            self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        """Let time pass; a negative step is a clock that was set back."""
        with self._lock:
            self._now += by
            self._passed += max(by.total_seconds(), 0.0)

    def set(self, by: timedelta) -> None:
        """Set the clock forward or back, while no time passes."""
        with self._lock:
            self._now += by


def as_utc(moment: datetime) -> datetime:
    """Return `moment` in UTC; raise NaiveTimeError without a zone, UnreadableTimeError beyond the years 1 to 9999."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise NaiveTimeError(moment.isoformat())
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise UnreadableTimeError(moment.isoformat()) from None


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time with any offset into UTC; raise NaiveTimeError or UnreadableTimeError."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UnreadableTimeError(text) from None
    return as_utc(moment)


def format_time(moment: datetime) -> str:
    """Write an aware time as RFC 3339 in UTC, as in 2026-03-01T02:00:00Z."""
    if moment.tzinfo is UTC:
        # As nearly all are; a check of the history writes millions of them.
        return f"{moment.isoformat()[:-6]}Z"
    return as_utc(moment).isoformat().replace("+00:00", "Z")
