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
from ledger.core.pace import Pace, reserve
from ledger.core.quota import month_of
from ledger.core.recall import Status
from ledger.services.queue import Queue
from ledger.settings import Settings
from ledger.store import calls, history, items, paces, recalls, usage
from ledger.store.database import Database

# How far ahead slots are reserved: enough to fill one transaction at high rates, little enough to stop promptly.
LOOKAHEAD = timedelta(milliseconds=150)
# Looks are so far apart that, at high rates, each opens many calls in one transaction.
BETWEEN_LOOKS = timedelta(milliseconds=50)
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
        # How long the last claim took.
        self._lead = timedelta(0)

    def claim(self, apps: frozenset[AppName], free: int, dead_owners: Sequence[str] = ()) -> Claim:
        """Open up to `free` calls of running recalls that use the given apps only, and end what needs no call."""
        claimed: list[calls.Call] = []
        entries: list[history.Entry] = []
        with self._database.write() as connection:
            now = self._clock.now()
            again = now + LONGEST_NAP
            for recall_id in calls.give_up_lost(connection, now, dead_owners):
                entries += self._end_if_cancelled(connection, recall_id, now)
            running = self._running(connection, apps)
            for recall in running:
                entries += self._expire(connection, recall, now)
            for api in sorted({api for recall in running for api in self._apis[recall.id]}):
                mine = [recall.id for recall in running if api in self._apis[recall.id]]
                opened, next_slot = self._open(connection, api, mine, free - len(claimed))
                claimed += opened
                again = min(again, next_slot - LOOKAHEAD - self._lead)
            at_work = {call.recall_id for call in claimed}
            ended = [recall for recall in running if recall.id not in at_work and self._finish(connection, recall, now)]
            entries += [_finished(recall, now) for recall in ended]
            history.append(connection, entries)
        if claimed:
            self._lead = min(self._clock.now() - now, LONGEST_NAP)
        going_on = frozenset(recall.id for recall in running) - {recall.id for recall in ended}
        return Claim(calls=claimed, look_again_at=max(again, now + BETWEEN_LOOKS), going_on=going_on)

    def _end_if_cancelled(self, connection: Connection, recall_id: int, now: datetime) -> list[history.Entry]:
        """What was in flight when its recall was cancelled, and got lost, waits for nobody."""
        recall = recalls.get(connection, recall_id, lock=True)
        if recall.status is not Status.CANCELLED:
            return []
        ended = items.cancel(connection, recall_id, now)
        return history.ended_entries(recall_id, recall.actor, "cancelled", ended, now)

    def _running(self, connection: Connection, apps: frozenset[AppName]) -> list[recalls.Recall]:
        running = recalls.listed(connection, statuses=[Status.RUNNING])
        for recall in running:
            # A retry may have brought back an API that had nothing left before.
            if recall.id not in self._apis or self._activations[recall.id] != recall.activated_at:
                self._apis[recall.id] = calls.apis_of(connection, recall.id)
                self._activations[recall.id] = recall.activated_at
        return [recall for recall in running if all(app in apps for app, _ in self._apis[recall.id])]

    def _expire(self, connection: Connection, recall: recalls.Recall, now: datetime) -> list[history.Entry]:
        late = [one for api in self._apis[recall.id] for one in items.expire(connection, recall.id, *api, now)]
        return history.ended_entries(recall.id, recall.actor, "expired", late, now)

    def _open(
        self, connection: Connection, api: Api, recall_ids: Sequence[int], free: int
    ) -> tuple[list[calls.Call], datetime]:
        """Open the calls whose turn comes soon; return them, and when the next slot is."""
        app, chat = api
        before = paces.lock_pace(connection, app, chat)
        # Others may have held the pace for a while.
        now = self._clock.now()
        turns = self._turns(before, now, self._settings.rate_of(app), free)
        drafts = self._drafts(connection, api, recall_ids, [slot for slot, _ in turns[:-1]], now)
        if drafts:
            paces.save_pace(connection, app, chat, turns[len(drafts) - 1][1])
            usage.count_usage(connection, app, month_of(now), len(drafts))
        is_empty = len(drafts) < len(turns) - 1
        opened = calls.open_calls(connection, drafts, self._owner) if drafts else []
        return opened, now + LONGEST_NAP if is_empty else turns[-1][0]

    def _turns(self, pace: Pace, now: datetime, calls_per_second: float, free: int) -> list[tuple[datetime, Pace]]:
        """Return the slots that come soon, each with the pace after it, and the first slot that is for later."""
        turns: list[tuple[datetime, Pace]] = []
        # A slot that is over before its call is written down would be lost.
        soonest = now + self._lead
        while True:
            slot, pace = reserve(pace, soonest, calls_per_second)
            turns.append((slot, pace))
            if slot > soonest + LOOKAHEAD or len(turns) > free:
                return turns

    def _drafts(
        self, connection: Connection, api: Api, recall_ids: Sequence[int], slots: Sequence[datetime], now: datetime
    ) -> list[calls.Draft]:
        """Fill slots with what waits, as far as it goes."""
        drafts: list[calls.Draft] = []
        if not slots:
            return drafts
        queue = Queue(connection, api, recall_ids, now=now, most_calls=len(slots))
        for slot in slots:
            taken = queue.take(self._served, self._margin)
            if taken is None:
                break
            recall_id, route, asked = taken
            self._served[recall_id] = self._served.get(recall_id, 0) + 1
            lease = slot + self._lease
            drafts.append(calls.Draft(recall_id=recall_id, route=route, items=asked, slot_at=slot, lease_until=lease))
        return drafts

    def _finish(self, connection: Connection, recall: recalls.Recall, now: datetime) -> bool:
        if calls.has_unended(connection, recall.id):
            return False
        # A retry may have come between the look and the lock: look again under it.
        recalls.get(connection, recall.id, lock=True)
        return not calls.has_unended(connection, recall.id) and recalls.finish(connection, recall.id, now)


def _finished(recall: recalls.Recall, now: datetime) -> history.Entry:
    return history.Entry(at=now, event="finished", actor=recall.actor, recall_id=recall.id, detail={})
