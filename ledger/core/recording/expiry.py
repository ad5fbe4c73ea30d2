"""Messages that shall vanish by themselves after a while, as whoever sent them wanted.

Doors inside other people's programs load this file too, where only the standard library is sure to be there.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable
from datetime import datetime, timedelta

# Nobody means more; a larger number is a moment, or milliseconds.
LONGEST_SECONDS = 30 * 86_400.0
KEYS_PER_CALL = 20
# What another recall is at, or no app is configured for, is looked at again after so long.
AGAIN_AFTER = timedelta(minutes=1)


def seconds_of(value: object) -> float | None:
    """Return after how many seconds something shall vanish; None for what is no such number.

    A key must not be lost over it, nor a send be held up: who sees it says that it is left out.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS else None


def expiry_of(wanted: datetime | None, deadline: datetime, now: datetime, margin: timedelta) -> datetime | None:
    """Return when a message is recalled: when that was wanted, while it surely can be; None when it cannot any more."""
    return None if wanted is None or deadline <= now else min(wanted, deadline - margin)


def count_calls(expiring: Iterable[tuple[Hashable, datetime]], window: timedelta) -> int:
    """Return how many calls it takes to recall what expires, by route, when each round gathers what a window holds.

    They come in the order of their moments.
    """
    calls, ends, gathered = 0, None, Counter[Hashable]()
    for route, moment in expiring:
        if ends is None or moment > ends:
            calls += _calls_of(gathered)
            ends, gathered = moment + window, Counter()
        gathered[route] += 1
    return calls + _calls_of(gathered)


def _calls_of(gathered: Counter[Hashable]) -> int:
    return sum(-(-count // KEYS_PER_CALL) for count in gathered.values())
