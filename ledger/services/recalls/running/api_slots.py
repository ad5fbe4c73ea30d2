"""One API during one look at the queue: the slots that come soon, and what waits for them."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.deadline import is_past
from ledger.core.recalls.fair_turn import Head, choose
from ledger.core.recalls.pace import Pace, blocked, reserve
from ledger.core.recalls.plan import KEYS_PER_CALL, next_call
from ledger.core.recalls.quota import month_of
from ledger.core.recalls.settle import AskedItem
from ledger.core.recording.message import AppName, Chat, Route
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.store.recalls import calls, paces, queue, usage

# How far ahead slots are reserved: enough to fill one transaction at high rates and to connect before the slot comes,
# little enough to stop promptly.
LOOKAHEAD = timedelta(milliseconds=150)

Api = tuple[AppName, Chat]


class ApiSlots:
    """Holds the pace of one API, locked, until the transaction ends, and fills its next slots."""

    def __init__(
        self,
        connection: Connection,
        api: Api,
        recall_ids: Sequence[int],
        clock: Clock,
        pace_clock: PaceClock,
        *,
        lead: timedelta,
        calls_per_second: float,
        free: int,
        is_rested: bool,
    ) -> None:
        self._connection, self._api = connection, api
        before = paces.lock_pace(connection, *api)
        # Others may have held the pace for a while.
        self._now, self._pace_clock, self._to_wall = clock.now(), pace_clock, pace_clock.to_wall
        held_until = pace_clock.held_until
        if held_until is not None:
            before = blocked(before, held_until)
        self._turns = turns(before, pace_clock.now() + lead, calls_per_second, free, is_rested=is_rested)
        self._used = 0
        slots, first_slot = len(self._turns) - 1, self._turns[0][0] + self._to_wall
        self._queue = (
            WaitingItems(connection, api, recall_ids, now=self._now, first_slot=first_slot, most_calls=slots)
            if slots
            else None
        )

    @property
    def deadline(self) -> datetime | None:
        """The nearest deadline of what may leave in the next slot; None when no slot is left, or nothing waits."""
        if self._queue is None or self._used == len(self._turns) - 1:
            return None
        slot = self._turns[self._used][0] + self._to_wall
        return min(self._queue.deadlines(slot).values(), default=None)

    def take(self, served: Mapping[int, int], margin: timedelta, lease: timedelta) -> calls.Draft | None:
        """Fill the next slot with the call whose turn it is; None when nothing can be had."""
        turn = self._turns[self._used][0]
        slot = turn + self._to_wall
        taken = self._queue.take(slot, served, margin) if self._queue is not None else None
        if taken is None:
            self._queue = None
            return None
        self._used += 1
        recall_id, route, asked = taken
        leave_at = self._pace_clock.monotonic_of(turn)
        return calls.Draft(
            recall_id=recall_id, route=route, items=asked, slot_at=slot, leave_at=leave_at, lease_until=turn + lease
        )

    def close(self) -> float | None:
        """Write down which slots were used; return the next one in seconds of the even clock, None when none waits."""
        if self._used:
            paces.save_pace(self._connection, *self._api, self._turns[self._used - 1][1])
            usage.count_usage(self._connection, self._api[0], month_of(self._now), self._used)
        next_slot = self._pace_clock.monotonic_of(self._turns[self._used][0])
        if self._used == len(self._turns) - 1 or (self._queue is not None and self._queue.has_dropped):
            return next_slot
        return next_slot if self.deadline is not None else None


def turns(
    pace: Pace, soonest: datetime, calls_per_second: float, free: int, *, is_rested: bool = False
) -> list[tuple[datetime, Pace]]:
    """Return the slots that come soon, each with the pace after it, and the first slot that is for later.

    `soonest` is when a call can leave: a slot that is over before its call is written down would be lost. After a rest
    the first call leaves as soon as it has a connection, and those behind it need time to get theirs: where it leaves
    late, or they do, a second would see too many.
    """
    turns: list[tuple[datetime, Pace]] = []
    while True:
        slot, pace = reserve(pace, soonest, calls_per_second)
        if is_rested and not turns and pace.next_at is not None:
            pace = replace(pace, next_at=pace.next_at + max(soonest + LOOKAHEAD - slot, timedelta(0)))
        turns.append((slot, pace))
        if slot > soonest + LOOKAHEAD or len(turns) > free:
            return turns


WaitingCall = tuple[Route, Sequence[AskedItem]]


class WaitingItems:
    """The items of some recalls that may be asked now, enough of them for so many calls.

    What cannot leave before its deadline, because no slot comes before it, is no part of it.
    """

    def __init__(
        self,
        connection: Connection,
        api: tuple[AppName, Chat],
        recall_ids: Sequence[int],
        *,
        now: datetime,
        first_slot: datetime,
        most_calls: int,
    ) -> None:
        self._connection, self._now, self._first_slot = connection, now, first_slot
        self._most_items = most_calls * KEYS_PER_CALL
        # Whatever the calls before the last one take, a head is left for it.
        limit = self._most_items - KEYS_PER_CALL + 1
        self._heads = {
            each: deque(queue.heads(connection, each, *api, now, first_slot, limit)) for each in sorted(recall_ids)
        }
        self._lanes: dict[tuple[int, int], WaitingCall | None] = {}
        self._taken: set[int] = set()
        # Some of what was read ran out of time between two slots: there may be more than was read.
        self.has_dropped = False

    def deadlines(self, slot: datetime) -> dict[int, datetime]:
        """Return, of each recall with something that may leave in a slot, the nearest deadline; slots only go on."""
        heads = {recall_id: self._head(recall_id, slot) for recall_id in self._heads}
        return {recall_id: head.deadline for recall_id, head in heads.items() if head is not None}

    def take(
        self, slot: datetime, served: Mapping[int, int], margin: timedelta
    ) -> tuple[int, Route, Sequence[AskedItem]] | None:
        """Return the recall whose turn it is, and what its call in a slot asks; None when nothing waits."""
        recall_id = choose(self.deadlines(slot), served)
        head = None if recall_id is None else self._head(recall_id, slot)
        if recall_id is None or head is None:
            return None
        lane = (recall_id, head.lane)
        if lane not in self._lanes:
            read = queue.waiting_in_lane(self._connection, *lane, self._now, self._first_slot, self._most_items)
            self._lanes[lane] = read
        found = self._lanes[lane]
        if found is None:
            return None
        route, waiting = found
        waiting = [item for item in waiting if not is_past(item.deadline, slot)]
        # What is chosen comes first: it is the nearest to its deadline.
        chosen = next_call(waiting[:KEYS_PER_CALL], now=slot, margin=margin)
        self._taken.update(item.item_id for item in chosen)
        left = waiting[len(chosen) :]
        self._lanes[lane] = (route, left) if left else None
        return (recall_id, route, chosen) if chosen else None

    def _head(self, recall_id: int, slot: datetime) -> Head | None:
        heads = self._heads[recall_id]
        while heads and (heads[0].item_id in self._taken or is_past(heads[0].deadline, slot)):
            self.has_dropped |= heads.popleft().item_id not in self._taken
        return heads[0] if heads else None
