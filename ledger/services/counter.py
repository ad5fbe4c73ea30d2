"""One API during one look at the queue: the slots that come soon, and what waits for them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.message import AppName, Chat
from ledger.core.pace import Pace, reserve
from ledger.core.quota import month_of
from ledger.services.queue import Queue
from ledger.store import calls, paces, usage

# How far ahead slots are reserved: enough to fill one transaction at high rates, little enough to stop promptly.
LOOKAHEAD = timedelta(milliseconds=150)

Api = tuple[AppName, Chat]


class Counter:
    """Holds the pace of one API, locked, until the transaction ends, and fills its next slots."""

    def __init__(
        self,
        connection: Connection,
        api: Api,
        recall_ids: Sequence[int],
        clock: Clock,
        *,
        lead: timedelta,
        calls_per_second: float,
        free: int,
    ) -> None:
        self._connection, self._api = connection, api
        before = paces.lock_pace(connection, *api)
        # Others may have held the pace for a while.
        self._now = clock.now()
        self._turns = _turns(before, self._now + lead, calls_per_second, free)
        self._used = 0
        slots = len(self._turns) - 1
        self._queue = (
            Queue(connection, api, recall_ids, now=self._now, first_slot=self._turns[0][0], most_calls=slots)
            if slots
            else None
        )

    @property
    def deadline(self) -> datetime | None:
        """The nearest deadline of what may leave in the next slot; None when no slot is left, or nothing waits."""
        if self._queue is None or self._used == len(self._turns) - 1:
            return None
        return min(self._queue.deadlines(self._turns[self._used][0]).values(), default=None)

    def take(self, served: Mapping[int, int], margin: timedelta, lease: timedelta) -> calls.Draft | None:
        """Fill the next slot with the call whose turn it is; None when nothing can be had."""
        slot = self._turns[self._used][0]
        taken = self._queue.take(slot, served, margin) if self._queue is not None else None
        if taken is None:
            self._queue = None
            return None
        self._used += 1
        recall_id, route, asked = taken
        return calls.Draft(recall_id=recall_id, route=route, items=asked, slot_at=slot, lease_until=slot + lease)

    def close(self) -> datetime | None:
        """Write down which slots were used; return the next one, or None when nothing waits for it."""
        if self._used:
            paces.save_pace(self._connection, *self._api, self._turns[self._used - 1][1])
            usage.count_usage(self._connection, self._api[0], month_of(self._now), self._used)
        next_slot = self._turns[self._used][0]
        if self._used == len(self._turns) - 1 or (self._queue is not None and self._queue.has_dropped):
            return next_slot
        return next_slot if self.deadline is not None else None


def _turns(pace: Pace, soonest: datetime, calls_per_second: float, free: int) -> list[tuple[datetime, Pace]]:
    """Return the slots that come soon, each with the pace after it, and the first slot that is for later.

    `soonest` is when a call can leave: a slot that is over before its call is written down would be lost.
    """
    turns: list[tuple[datetime, Pace]] = []
    while True:
        slot, pace = reserve(pace, soonest, calls_per_second)
        turns.append((slot, pace))
        if slot > soonest + LOOKAHEAD or len(turns) > free:
            return turns
