"""Claiming: one look at the queue decides which calls leave next, and writes that down before they do.

Every runner looks at all running recalls whose apps it can call for, so that the nearest deadline goes first whichever
process took the recall in hand, and recalls whose process went away go on.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from math import inf

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import WORKER
from ledger.core.recalls.fair_turn import choose
from ledger.core.recalls.recall import Status
from ledger.core.recording.message import AppName
from ledger.dingtalk.departure import IDLE_SECONDS
from ledger.services.recalls.pacing import leases
from ledger.services.recalls.pacing.pace_clock import PaceClock
from ledger.services.recalls.running.api_slots import LOOKAHEAD, Api, ApiSlots
from ledger.services.recalls.running.call_loop import BETWEEN_LOOKS, LONGEST_NAP, Claim
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.faults import repeated
from ledger.store.recalls import calls, endings, queue, recalls

# After so long a rest some connections are closed by the time that a call would take them.
REST = timedelta(seconds=IDLE_SECONDS - 1)

log = logging.getLogger(__name__)


class Claimer:
    """Opens calls for the apps it was made for, on behalf of one owner."""

    def __init__(self, database: Database, clock: Clock, pace_clock: PaceClock, settings: Settings, owner: str) -> None:
        self._database, self._clock, self._settings, self._owner = database, clock, settings, owner
        self._pace_clock = pace_clock
        self._margin = timedelta(seconds=settings.margin_seconds)
        self._lease = leases.lease_of(settings)
        self._apis: dict[int, Sequence[Api]] = {}
        self._activations: dict[int, datetime | None] = {}
        self._served: dict[int, int] = {}
        self._served_apis: dict[Api, int] = {}
        # How long the last claim took, and when that was.
        self._lead = timedelta(0)
        self._claimed_at = -inf
        self._grace = leases.LeaseGrace()

    @repeated
    def claim(
        self, apps: frozenset[AppName], free: int, dead_owners: Sequence[str] = (), held: Collection[int] = ()
    ) -> Claim[calls.Call]:
        """Open up to `free` calls of running recalls that use the given apps only, and end what needs no call.

        What calls this process holds, whose answers it waits for or has, is not lost, however old they are.
        """
        begun = self._clock.monotonic()
        entries: list[history.Entry] = []
        with self._database.write() as connection:
            self._pace_clock.look(connection, may_write=True)
            now = self._clock.now()
            by = leases.time_of_leases(self._pace_clock, self._lease) if self._grace.may_judge(begun) else None
            entries += leases.give_up_lost(connection, now, dead_owners, leases_by=by, held=held)
            running = self._running(connection, apps)
            for recall in running:
                entries += self._expire(connection, recall, now)
            claimed, next_slots = self._open(connection, running, free)
            early = (LOOKAHEAD + self._lead).total_seconds()
            again = min([begun + LONGEST_NAP.total_seconds(), *(slot - early for slot in next_slots)])
            at_work = {call.recall_id for call in claimed}
            ended = [recall for recall in running if recall.id not in at_work and self._finish(connection, recall, now)]
            entries += [_finished(recall, now) for recall in ended]
            history.append(connection, entries)
        self._grace.reached(self._clock.monotonic())
        for recall in ended:
            log.info("recall %s finished", recall.id, extra={"facts": {"recall": recall.id}})
        if claimed:
            self._claimed_at = self._clock.monotonic()
            self._lead = min(timedelta(seconds=self._claimed_at - begun), LONGEST_NAP)
        going_on = frozenset(recall.id for recall in running) - {recall.id for recall in ended}
        again = max(again, begun + BETWEEN_LOOKS.total_seconds())
        is_freezing = any(recall.unfrozen_items or recall.unfrozen_skips for recall in running)
        return Claim(calls=claimed, look_again_at=again, going_on=going_on, is_freezing=is_freezing)

    def _running(self, connection: Connection, apps: frozenset[AppName]) -> list[recalls.Recall]:
        running = recalls.listed(connection, statuses=[Status.RUNNING])
        for recall in running:
            # A retry may have brought back an API that had nothing left before.
            if recall.id not in self._apis or self._activations[recall.id] != recall.activated_at:
                self._apis[recall.id] = queue.apis_of(connection, recall.id)
                self._activations[recall.id] = recall.activated_at
        return [recall for recall in running if all(app in apps for app, _ in self._apis[recall.id])]

    def _expire(self, connection: Connection, recall: recalls.Recall, now: datetime) -> list[history.Entry]:
        by = recall.runs_for
        late = [one for api in self._apis[recall.id] for one in endings.expire(connection, recall.id, *api, now, by)]
        return history.ended_entries(recall.id, by, "expired", late, now)

    def _open(
        self, connection: Connection, running: Sequence[recalls.Recall], free: int
    ) -> tuple[list[calls.Call], list[float]]:
        """Open the calls whose turn comes soon; return them, and the next slots for which anything waits."""
        # Every process locks paces in the same order.
        counters = {
            api: self._counter(connection, api, running, free)
            for api in sorted({api for recall in running for api in self._apis[recall.id]})
        }
        drafts: list[calls.Draft] = []
        while len(drafts) < free:
            waiting = {api: deadline for api, counter in counters.items() if (deadline := counter.deadline) is not None}
            api = choose(waiting, self._served_apis)
            if api is None:
                break
            draft = counters[api].take(self._served, self._margin, self._lease)
            if draft is not None:
                self._served[draft.recall_id] = self._served.get(draft.recall_id, 0) + 1
                self._served_apis[api] = self._served_apis.get(api, 0) + 1
                drafts.append(draft)
        next_slots = [slot for counter in counters.values() if (slot := counter.close()) is not None]
        run_by = {recall.id: recall.runs_for for recall in running}
        return calls.open_calls(connection, drafts, self._owner, run_by) if drafts else [], next_slots

    def _counter(self, connection: Connection, api: Api, running: Sequence[recalls.Recall], free: int) -> ApiSlots:
        return ApiSlots(
            connection,
            api,
            [recall.id for recall in running if api in self._apis[recall.id]],
            self._clock,
            self._pace_clock,
            lead=self._lead,
            calls_per_second=self._settings.rate_of(api[0]),
            free=free,
            is_rested=self._clock.monotonic() - self._claimed_at > REST.total_seconds(),
        )

    def _finish(self, connection: Connection, recall: recalls.Recall, now: datetime) -> bool:
        if queue.has_unended(connection, recall.id):
            return False
        # A retry may have come between the look and the lock: look again under it.
        recalls.get(connection, recall.id, lock=True)
        return not queue.has_unended(connection, recall.id) and recalls.finish(connection, recall.id, now)


def _finished(recall: recalls.Recall, now: datetime) -> history.Entry:
    return history.Entry(at=now, event="finished", actor=WORKER, recall_id=recall.id, detail={})
