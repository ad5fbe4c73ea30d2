"""Shared fates: keys that left together in a call that nobody answered were mostly all recalled by it, or none was.

Asked again together, they may be refused as a whole, for DingTalk may know a recalled key no more. Cutting such a call
down to single keys takes two calls a key, and ends with what a few of them tell: every "no" to a key in doubt is
`unknown`. So one key is asked by itself, then one from the other end; when both are refused, the others are left
`unknown` without being asked. Any other answer says that the fate was not shared: the others are asked, and cut as
usual.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.reply import Reading
from ledger.core.recalls.settle import AskedItem

# So many keys, each refused by itself, speak for the others of their call.
ENOUGH_REFUSED = 2
# Fewer are as quickly asked one by one.
FEWEST_KEYS = 3
# What is held back until others have been asked is asked at least so long before its deadline, whatever became of them.
TIME_TO_ASK = timedelta(minutes=10)


class NextAsk(StrEnum):
    """What becomes of the keys that are held back, after one of them was asked by itself."""

    ONE = "one"  # one more is asked by itself
    TOGETHER = "together"  # they are asked together, and cut when that is refused
    NONE = "none"  # nobody can say


def is_shared(items: Sequence[AskedItem], reading: Reading) -> bool:
    """Say whether a refused call holds keys of one fate, none of which the refusal names."""
    calls = {item.asked_with for item in items}
    return len(items) >= FEWEST_KEYS and len(calls) == 1 and None not in calls and not reading.suspects


def held_until(items: Sequence[AskedItem], now: datetime) -> datetime | None:
    """Return until when the others wait for the one that is asked by itself; None when there is no time for that."""
    moment = min(item.deadline for item in items) - TIME_TO_ASK
    return moment if moment > now else None


def next_ask(reading: Reading, refused_alone: int) -> NextAsk:
    """Decide by the answer to a key asked by itself; so many of its fate, itself included, were refused like it."""
    refused = reading.code is not None and [one.outcome for one in reading.keys.values()] == [Outcome.REFUSED]
    if not refused:
        return NextAsk.TOGETHER
    return NextAsk.NONE if refused_alone >= ENOUGH_REFUSED else NextAsk.ONE
