"""What waits for one API, as one look at the queue sees it: read in few statements, handed out call by call."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.core.message import AppName, Chat, Route
from ledger.core.plan import KEYS_PER_CALL, next_call
from ledger.core.settle import Asked
from ledger.core.turn import Head, choose
from ledger.store import calls

Waiting = tuple[Route, Sequence[Asked]]


class Queue:
    """The items of some recalls that may be asked now, enough of them for so many calls."""

    def __init__(
        self,
        connection: Connection,
        api: tuple[AppName, Chat],
        recall_ids: Sequence[int],
        *,
        now: datetime,
        most_calls: int,
    ) -> None:
        self._connection, self._now, self._most_items = connection, now, most_calls * KEYS_PER_CALL
        # Whatever the calls before the last one take, a head is left for it.
        limit = self._most_items - KEYS_PER_CALL + 1
        self._heads = [deque(calls.heads(connection, each, *api, now, limit)) for each in recall_ids]
        self._lanes: dict[tuple[int, int], Waiting | None] = {}
        self._taken: set[int] = set()

    def take(self, served: Mapping[int, int], margin: timedelta) -> tuple[int, Route, Sequence[Asked]] | None:
        """Return the recall whose turn it is, and what its next call asks; None when nothing waits."""
        head = choose([first for heads in self._heads if (first := self._first(heads)) is not None], served)
        if head is None:
            return None
        lane = (head.recall_id, head.lane)
        if lane not in self._lanes:
            self._lanes[lane] = calls.waiting_in_lane(self._connection, *lane, self._now, self._most_items)
        found = self._lanes[lane]
        if found is None:
            return None
        route, waiting = found
        # What is chosen comes first: it is the nearest to its deadline.
        chosen = next_call(waiting[:KEYS_PER_CALL], now=self._now, margin=margin)
        self._taken.update(item.item_id for item in chosen)
        left = waiting[len(chosen) :]
        self._lanes[lane] = (route, left) if left else None
        return head.recall_id, route, chosen

    def _first(self, heads: deque[tuple[int, Head]]) -> Head | None:
        while heads and heads[0][0] in self._taken:
            heads.popleft()
        return heads[0][1] if heads else None
