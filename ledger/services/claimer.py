"""Claiming: one look at the queue decides which calls leave next, and writes that down before they do.

Every runner looks at all running recalls whose apps it can call for, so that the nearest deadline goes first whichever
process took the recall in hand, and recalls whose process went away go on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.message import AppName, Chat
from ledger.core.pace import reserve
from ledger.core.plan import KEYS_PER_CALL, next_call
from ledger.core.quota import month_of
from ledger.core.recall import Status
from ledger.core.turn import choose
from ledger.settings import Settings
from ledger.store import calls, history, items, paces, recalls, usage
from ledger.store.database import Database

# How far ahead slots are reserved: enough to fill one transaction at high rates, little enough to stop promptly.
LOOKAHEAD = timedelta(milliseconds=150)
LEASE_BEYOND_TIMEOUT = timedelta(seconds=20)
LONGEST_NAP = timedelta(seconds=1)

Api = tuple[AppName, Chat]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one look at the queue gave: calls to make, when to look again, and which recalls go on."""

    calls: Sequence[calls.Call]
    look_again_at: datetime
    going_on: frozenset[int]


class Claimer:
    """Opens calls for the apps it was made for, on behalf of one owner."""

    def __init__(self, database: Database, clock: Clock, settings: Settings, owner: str) -> None:
        self._database, self._clock, self._settings, self._owner = database, clock, settings, owner
        self._margin = timedelta(seconds=settings.margin_seconds)
        self._lease = timedelta(seconds=settings.http_timeout_seconds) + LEASE_BEYOND_TIMEOUT
        self._apis: dict[int, Sequence[Api]] = {}
        self._activations: dict[int, datetime | None] = {}
        self._served: dict[int, int] = {}

    def claim(self, apps: frozenset[AppName], free: int, dead_owners: Sequence[str] = ()) -> Claim:
        """Open up to `free` calls of running recalls that use the given apps only, and end what needs no call."""
        now = self._clock.now()
        claimed: list[calls.Call] = []
        again = now + LONGEST_NAP
        with self._database.write() as connection:
            for recall_id in calls.give_up_lost(connection, now, dead_owners):
                self._end_if_cancelled(connection, recall_id, now)
            running = self._running(connection, apps)
            for recall in running:
                self._expire(connection, recall, now)
            for api in sorted({api for recall in running for api in self._apis[recall.id]}):
                mine = [recall.id for recall in running if api in self._apis[recall.id]]
                opened, next_slot = self._open(connection, api, mine, free - len(claimed), now)
                claimed += opened
                again = min(again, next_slot - LOOKAHEAD)
            at_work = {call.recall_id for call in claimed}
            ended = [recall for recall in running if recall.id not in at_work and self._finish(connection, recall, now)]
        going_on = frozenset(recall.id for recall in running) - {recall.id for recall in ended}
        return Claim(calls=claimed, look_again_at=max(again, now), going_on=going_on)

    def _end_if_cancelled(self, connection: Connection, recall_id: int, now: datetime) -> None:
        """What was in flight when its recall was cancelled, and got lost, waits for nobody."""
        recall = recalls.get(connection, recall_id)
        if recall.status is Status.CANCELLED:
            ended = items.cancel(connection, recall_id, now)
            history.append(connection, history.ended_entries(recall_id, recall.actor, "cancelled", ended, now))

    def _running(self, connection: Connection, apps: frozenset[AppName]) -> list[recalls.Recall]:
        running = recalls.listed(connection, statuses=[Status.RUNNING])
        for recall in running:
            # A retry may have brought back an API that had nothing left before.
            if recall.id not in self._apis or self._activations[recall.id] != recall.activated_at:
                self._apis[recall.id] = calls.apis_of(connection, recall.id)
                self._activations[recall.id] = recall.activated_at
        return [recall for recall in running if all(app in apps for app, _ in self._apis[recall.id])]

    def _expire(self, connection: Connection, recall: recalls.Recall, now: datetime) -> None:
        for app, chat in self._apis[recall.id]:
            late = items.expire(connection, recall.id, app, chat, now)
            history.append(connection, history.ended_entries(recall.id, recall.actor, "expired", late, now))

    def _open(
        self, connection: Connection, api: Api, recall_ids: Sequence[int], free: int, now: datetime
    ) -> tuple[list[calls.Call], datetime]:
        """Open the calls whose turn comes soon; return them, and when the next slot is."""
        if free <= 0:
            return [], now + LONGEST_NAP
        app, chat = api
        pace = paces.lock_pace(connection, app, chat)
        opened: list[calls.Call] = []
        while True:
            slot, pace_after = reserve(pace, now, self._settings.rate_of(app))
            if slot > now + LOOKAHEAD or len(opened) >= free:
                break
            call = self._open_one(connection, api, recall_ids, slot, now)
            if call is None:
                slot = now + LONGEST_NAP
                break
            opened.append(call)
            pace = pace_after
        if opened:
            paces.save_pace(connection, app, chat, pace)
            usage.count_usage(connection, app, month_of(now), len(opened))
        return opened, slot

    def _open_one(
        self, connection: Connection, api: Api, recall_ids: Sequence[int], slot: datetime, now: datetime
    ) -> calls.Call | None:
        app, chat = api
        heads = [head for each in recall_ids if (head := calls.head(connection, each, app, chat, now)) is not None]
        head = choose(heads, self._served)
        if head is None:
            return None
        found = calls.waiting_in_lane(connection, head.recall_id, head.lane, now, KEYS_PER_CALL)
        if found is None:
            return None
        route, waiting = found
        self._served[head.recall_id] = self._served.get(head.recall_id, 0) + 1
        chosen = next_call(waiting, now=now, margin=self._margin)
        lease = slot + self._lease
        return calls.open_call(
            connection, head.recall_id, route, chosen, owner=self._owner, slot_at=slot, lease_until=lease
        )

    def _finish(self, connection: Connection, recall: recalls.Recall, now: datetime) -> bool:
        if calls.has_unended(connection, recall.id):
            return False
        if recalls.finish(connection, recall.id, now):
            entry = history.Entry(at=now, event="finished", actor=recall.actor, recall_id=recall.id, detail={})
            history.append(connection, [entry])
        return True
