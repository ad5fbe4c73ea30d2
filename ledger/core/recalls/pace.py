"""The shared pace as arithmetic: when the next call may leave, and how the rate falls and comes back.

Slots are evenly spaced, a little further apart than the limit asks, so that calls which the network pushes together
by up to SLACK_SECONDS still arrive as at most the allowed number in any one second.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

SLACK_SECONDS = 0.03
LOWEST_SHARE = 0.05
RECOVERY_SHARE = 0.01
# Of the whole rate a refusal may be a mere accident of the way; below it, somebody else uses the rate too.
FIRST_FALL, FURTHER_FALL = 0.75, 0.5
# Nobody reserves so far ahead; a slot beyond it was written by a clock that has been set back since.
FURTHEST_SLOT = timedelta(seconds=1.5)
# The longest that anybody is asked to wait; what reaches beyond it was written by such a clock as well.
LONGEST_BLOCK = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The state that all processes share for one app and API; `share` of the allowed rate is in use, 0 to 1."""

    next_at: datetime | None = None
    share: float = 1.0
    blocked_until: datetime | None = None


def reserve(pace: Pace, now: datetime, calls_per_second: float) -> tuple[datetime, Pace]:
    """Return the moment at which one more call may leave, and the pace after it."""
    blocked_until = pace.blocked_until
    if blocked_until is not None and blocked_until - now > LONGEST_BLOCK + FURTHEST_SLOT:
        blocked_until = None
    slot = now if blocked_until is None else max(now, blocked_until)
    furthest = slot + FURTHEST_SLOT + _spacing(calls_per_second * LOWEST_SHARE)
    if pace.next_at is not None and pace.next_at <= furthest:
        slot = max(slot, pace.next_at)
    next_at = slot + _spacing(calls_per_second * pace.share)
    return slot, replace(pace, next_at=next_at, blocked_until=blocked_until)


def _spacing(calls_per_second: float) -> timedelta:
    return timedelta(seconds=(1 + SLACK_SECONDS) / calls_per_second)


def departures(pace: Pace, now: datetime, calls_per_second: float) -> Iterator[datetime]:
    """Yield when calls would leave one after the other from now on, were each answered well."""
    slot = now
    while True:
        slot, after = reserve(pace, slot, calls_per_second)
        yield slot
        pace = recovered(after, 1)


def seconds_for(pace: Pace, calls: int, now: datetime, calls_per_second: float) -> float:
    """Return how long so many calls take from now on, were each answered well: from the share in use at present."""
    if calls <= 0:
        return 0.0
    seconds = max((pace.blocked_until - now).total_seconds(), 0.0) if pace.blocked_until is not None else 0.0
    while calls > 0 and pace.share < 1:
        seconds += _spacing(calls_per_second * pace.share).total_seconds()
        pace, calls = recovered(pace, 1), calls - 1
    return seconds + calls * _spacing(calls_per_second).total_seconds()


def throttled(pace: Pace, now: datetime, wait_seconds: float) -> Pace:
    """Lower the rate, first by a quarter and then by half, and hold every call back for a while.

    What is refused while calls are held back had left before: it says nothing of the rate that was chosen since.
    """
    is_held_back = pace.blocked_until is not None and pace.blocked_until > now
    fall = 1 if is_held_back else FIRST_FALL if pace.share >= 1 else FURTHER_FALL
    share = max(pace.share * fall, LOWEST_SHARE)
    return replace(blocked(pace, now + timedelta(seconds=wait_seconds)), share=share)


def blocked(pace: Pace, until: datetime) -> Pace:
    """Hold every call back until a moment, at the same rate afterwards."""
    return replace(pace, blocked_until=until if pace.blocked_until is None else max(until, pace.blocked_until))


def unblocked(pace: Pace) -> Pace:
    """Hold calls back no longer: somebody knows that the reason is gone."""
    return replace(pace, blocked_until=None)


def shifted(pace: Pace, by: timedelta) -> Pace:
    """Return a pace in the time of another clock."""
    return replace(
        pace,
        next_at=pace.next_at + by if pace.next_at else None,
        blocked_until=pace.blocked_until + by if pace.blocked_until else None,
    )


def recovered(pace: Pace, calls: int) -> Pace:
    """Find the way back up, a little for each call that went well."""
    return pace if pace.share >= 1 else replace(pace, share=min(1.0, pace.share + RECOVERY_SHARE * calls))
