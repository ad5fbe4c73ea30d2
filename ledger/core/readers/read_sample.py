"""Which messages are asked who has read them: drawn by lot, the same lot each time, so that asking again goes on.

The place of a message in the lot comes from its number alone. So the first of a selection are a random sample of it,
whoever asks and however often it is interrupted; and the first of a part of it are a random sample of that part.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from math import ceil, floor
from typing import Protocol, TypeVar

from ledger.core.json_value import JsonValue
from ledger.core.readers.read_share import AskedMessage, share_of
from ledger.core.readers.read_status import READERS_PER_PAGE, SendStatus
from ledger.core.recalls.quota import Quota

# What the history says: that somebody asks, and what was answered, message by message.
ASKED, ANSWERED = "reads_asked", "reads_answered"
# Enough for five points each way, were all people of a message to read alike.
LARGEST_DEFAULT = 400
# What may be spent without a word of it: so much of what the month has left above the reserve.
SHARE_OF_LEFT = 0.05
# What was answered so lately is not asked again; of a recalled message nobody reads any more.
FRESH = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReading:
    """How many people had read a message, and had not (None: it tells of readers alone), when it was asked."""

    asked_at: datetime
    status: str | None
    read: int
    unread: int | None

    def is_fresh(self, now: datetime) -> bool:
        """Say whether asking again would hardly say more."""
        return self.status == SendStatus.RECALLED or abs(now - self.asked_at) < FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPrice(JsonValue):
    """What asking costs: of so many `messages` a `sample` is drawn, of which so many are `known` from just now.

    A call tells of at most 200 readers of a conversation, so that it may take more than `calls` where `is_least`.
    `too_late` are past the time in which they can be asked, `unconfigured` of robots that no app is configured for.
    """

    messages: int
    sample: int
    known: int
    calls: int
    is_least: bool
    quota: Quota
    too_late: int = 0
    unconfigured: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownSize(JsonValue):
    """Messages of which nobody knows how many people they reached, so that they are in no share."""

    messages: int = 0
    asked: int = 0
    read: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReport(JsonValue):
    """Who has read it: of `messages` so many were `asked` and answered, of `unknown` nobody could say.

    `read` and `unread` are people of those that were asked, a person counting for each message. The share of all of
    them, 0 to 1, lies between `share_low` and `share_high`, with 95 % confidence, or certainly when it `is_exact`; both
    are None where nothing is known. `calls` were made now. `told` are the readers of all messages whom events have
    named, where the ledger listens to them: at least so many had read it, whoever was asked.
    """

    messages: int
    asked: int
    unknown: int
    read: int
    unread: int
    share_low: float | None
    share_high: float | None
    is_exact: bool
    calls: int
    of_unknown_size: UnknownSize
    too_late: int = 0
    unconfigured: int = 0
    recall_id: int | None = None
    told: int = 0


class Numbered(Protocol):
    """A message by its number."""

    @property
    def message_id(self) -> int:
        """Its number."""


Message = TypeVar("Message", bound=Numbered)


def percents(low: float | None, high: float | None) -> tuple[str, str] | None:
    """Return a range of shares in percent, as people read it: rounded outwards, and one value in tenths.

    Only nobody is 0, and only everybody is 100.
    """
    if low is None or high is None:
        return None
    if low == high:
        tenths = min(max(round(low * 1000), int(low > 0)), 1000 - int(low < 1))
        return (f"{tenths / 10:g}",) * 2
    return str(floor(low * 100)), str(ceil(high * 100))


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeReading(JsonValue):
    """How many people lost messages of a recall before they had read them, as far as somebody asked.

    Of `people` in so many `messages` that were recalled, `read` had read them when DingTalk was asked last. When that
    was before the recall, more may have read them since: then what is left `is_most`. Of messages `of_unknown_size`
    readers alone are known; of `not_known` messages nobody asked, or nothing was answered.
    """

    messages: int
    people: int
    read: int
    share: float | None
    is_most: bool
    of_unknown_size: int
    readers_of_unknown_size: int
    not_known: int
    asked_at: datetime


def before_reading(known: Iterable[KnownReading], recalled: int) -> BeforeReading | None:
    """Add up what is known of some of the messages that a recall took back; None when nothing is."""
    every = list(known)
    if not every:
        return None
    sized = [one for one in every if one.unread is not None]
    unsized = [one for one in every if one.unread is None]
    read, unread = sum(one.read for one in sized), sum(one.unread or 0 for one in sized)
    return BeforeReading(
        messages=len(sized),
        people=read + unread,
        read=read,
        share=unread / (read + unread) if read + unread else None,
        is_most=any(one.status != SendStatus.RECALLED for one in sized),
        of_unknown_size=len(unsized),
        readers_of_unknown_size=sum(one.read for one in unsized),
        not_known=recalled - len(every),
        asked_at=max(one.asked_at for one in every),
    )


def drawn(messages: Iterable[Message]) -> list[Message]:
    """Return messages in the order of the lot."""
    return sorted(messages, key=lambda one: blake2b(str(one.message_id).encode(), digest_size=8).digest())


def usual_sample(messages: int, left: int) -> int:
    """Return how many messages are asked unless somebody says how many; `left` calls may be spent above the reserve."""
    return min(messages, LARGEST_DEFAULT, max(int(left * SHARE_OF_LEFT), 0))


def least_calls(known: KnownReading | None) -> int:
    """Return how many calls a message takes at least: a page for each 200 of the readers that are known of."""
    return 1 if known is None else max(1, -(-known.read // READERS_PER_PAGE))


@dataclass(frozen=True, slots=True, kw_only=True)
class SampledMessage:
    """A message of the whole selection: how many people it reached, and what is known of it.

    Of a conversation, nobody may ever know how many (None); of a one-on-one message without recorded recipients (0),
    its answer says so.
    """

    people: int | None
    known: KnownReading | None

    @property
    def size(self) -> int:
        """How many people count, which DingTalk knows better than whoever recorded it."""
        known = self.known
        return max(self.people or 0, 1) if known is None or known.unread is None else known.read + known.unread


def report_of(
    sample: Sequence[SampledMessage], others: Sequence[SampledMessage], *, calls: int, recall_id: int | None = None
) -> ReadReport:
    """Return what a sample says of all, of which `others` were not drawn."""
    asked = [AskedMessage(one.size, one.known.read if one.known else None) for one in sample if one.people is not None]
    rest = [one.people for one in others if one.people is not None]
    people = sum(one.people for one in asked) + sum(rest) if all(rest) else None
    found = share_of(asked, messages=len(asked) + len(rest), people=people)
    answers = [one.known for one in sample if one.known is not None]
    unsized = [one.known for one in sample if one.people is None]
    return ReadReport(
        messages=len(sample) + len(others),
        asked=len(answers),
        unknown=len(sample) - len(answers),
        read=sum(one.read for one in answers),
        unread=sum(one.unread or 0 for one in answers),
        share_low=found[0] if found else None,
        share_high=found[1] if found else None,
        is_exact=found is not None and found[0] == found[1] and not rest,
        calls=calls,
        of_unknown_size=UnknownSize(
            messages=len(unsized) + sum(one.people is None for one in others),
            asked=sum(one is not None for one in unsized),
            read=sum(one.read for one in unsized if one is not None),
        ),
        recall_id=recall_id,
    )
