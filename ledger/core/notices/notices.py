"""Notices: what somebody hears of without looking, which places hear of it, and when to try again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledger.notice_events import NoticeEvent

# The entries of the history that somebody is told of; what they are of is a recall, or the correction of one.
OF_HISTORY: Mapping[str, NoticeEvent] = {
    "approval_requested": NoticeEvent.APPROVAL_WANTED,
    "paused": NoticeEvent.PAUSED,
    "finished": NoticeEvent.FINISHED,
    "cancel": NoticeEvent.CANCELLED,
    "refused": NoticeEvent.CANCELLED,
    "schedule_missed": NoticeEvent.CANCELLED,
    "break_glass": NoticeEvent.BREAK_GLASS,
    "contradicted": NoticeEvent.CONTRADICTED,
    "correction_approval_requested": NoticeEvent.APPROVAL_WANTED,
    "correction_paused": NoticeEvent.PAUSED,
    "correction_finished": NoticeEvent.FINISHED,
    "correction_cancelled": NoticeEvent.CANCELLED,
    "correction_refused": NoticeEvent.CANCELLED,
}
# The schedule that Standard Webhooks proposes: a receiver that was away for a day has missed nothing.
_AFTER_FAILURE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
LONGEST_WAIT = max(_AFTER_FAILURE)
# The entries that say that the second person did not agree, and why.
REFUSALS = ("refused", "correction_refused")
# Who sends takes a notice for so long; if it dies meanwhile, the next one sends it, perhaps for the second time.
LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing to be told: what happened, when, and its facts as JSON values.

    `uid` is the same at each attempt and at every place, so that a receiver can leave out what comes twice.
    """

    uid: str
    event: NoticeEvent
    at: datetime
    facts: Mapping[str, Any]


def next_try(attempts: int, now: datetime) -> datetime | None:
    """Return when to try again after so many failed attempts; None when it is given up."""
    return now + _AFTER_FAILURE[attempts - 1] if attempts <= len(_AFTER_FAILURE) else None


def places_of(event: NoticeEvent, table: Mapping[str, tuple[str, ...]], every: tuple[str, ...]) -> tuple[str, ...]:
    """Return the places that hear of an event: those its line of the table names, or its line `*`, or all of them.

    A test is for every place.
    """
    if event is NoticeEvent.TEST:
        return every
    return table.get(event, table.get("*", every))
