"""What waits for one API, as one look at the queue sees it: read in few statements, handed out call by call."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.core.deadline import is_past
from ledger.core.message import AppName, Chat, Route
from ledger.core.plan import KEYS_PER_CALL, next_call
from ledger.core.settle import Asked
from ledger.core.turn import Head, choose
from ledger.store import calls

Waiting = tuple[Route, Sequence[Asked]]


class Queue:
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
            each: deque(calls.heads(connection, each, *api, now, first_slot, limit)) for each in sorted(recall_ids)
        }
        self._lanes: dict[tuple[int, int], Waiting | None] = {}
        self._taken: set[int] = set()
        # Some of what was read ran out of time between two slots: there may be more than was read.
        self.has_dropped = False

    def deadlines(self, slot: datetime) -> dict[int, datetime]:
        """Return, of each recall with something that may leave in a slot, the nearest deadline; slots only go on."""
        heads = {recall_id: self._head(recall_id, slot) for recall_id in self._heads}
        return {recall_id: head.deadline for recall_id, head in heads.items() if head is not None}

    def take(
        self, slot: datetime, served: Mapping[int, int], margin: timedelta
    ) -> tuple[int, Route, Sequence[Asked]] | None:
        """Return the recall whose turn it is, and what its call in a slot asks; None when nothing waits."""
        recall_id = choose(self.deadlines(slot), served)
        head = None if recall_id is None else self._head(recall_id, slot)
        if recall_id is None or head is None:
            return None
        lane = (recall_id, head.lane)
        if lane not in self._lanes:
            read = calls.waiting_in_lane(self._connection, *lane, self._now, self._first_slot, self._most_items)
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
