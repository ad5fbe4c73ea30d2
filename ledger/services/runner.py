"""Running a recall: commit the intent, call out, commit the outcome, until every item has ended.

Any number of runners, in any number of processes, may run the same recall: the queue is in the database.
"""

import os
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Protocol
from uuid import uuid4

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.message import AppName, Chat, Route
from ledger.core.pace import reserve
from ledger.core.plan import KEYS_PER_CALL, next_call
from ledger.core.quota import month_of
from ledger.core.recall import Status
from ledger.core.reply import Answer, NoAnswer
from ledger.errors import LedgerError
from ledger.services.settler import Settler, Unsent
from ledger.settings import Settings
from ledger.store import calls, history, items, paces, recalls
from ledger.store.database import Database

# How far ahead slots are reserved: enough to fill one transaction at high rates, little enough to stop promptly.
LOOKAHEAD = timedelta(milliseconds=150)
# A thread that wakes later than this has lost its slot: sending now could crowd the second that it falls into.
LATEST_AFTER_SLOT = timedelta(milliseconds=250)
LEASE_BEYOND_TIMEOUT = timedelta(seconds=20)
LONGEST_NAP_SECONDS = 1.0


class Calls(Protocol):
    """Whoever makes one recall call; raises LedgerError when somebody must mend something first."""

    def recall(self, route: Route, keys: Sequence[str]) -> Answer | NoAnswer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one look at the queue gave: calls to make, when to look again, and whether the recall goes on."""

    calls: Sequence[calls.Call]
    look_again_at: datetime
    goes_on: bool


class Runner:
    """Makes the calls of recalls."""

    def __init__(
        self,
        database: Database,
        caller: Calls,
        clock: Clock,
        settings: Settings,
        executor: Executor,
        *,
        random: Random | None = None,
    ) -> None:
        self._database, self._caller, self._clock, self._settings = database, caller, clock, settings
        self._executor = executor
        self._margin = timedelta(seconds=settings.margin_seconds)
        self._lease = timedelta(seconds=settings.http_timeout_seconds) + LEASE_BEYOND_TIMEOUT
        self._settler = Settler(database, clock, random or Random())  # noqa: S311  (spreads retries, guards nothing)
        self._owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"

    def run(self, recall_id: int, on_progress: Callable[[], None] = lambda: None) -> None:
        """Work on a recall until it has ended, or somebody paused or cancelled it."""
        with self._database.read() as connection:
            apis = calls.apis_of(connection, recall_id)
        flying: dict[Future[Answer | NoAnswer | Unsent], calls.Call] = {}
        try:
            while True:
                claim = self._claim(recall_id, apis, self._settings.calls_in_flight - len(flying))
                for call in claim.calls:
                    flying[self._executor.submit(self._make, call)] = call
                if not flying and not claim.goes_on:
                    return
                self._settle_some(flying, claim)
                on_progress()
        finally:
            # Whatever interrupts us, what has left is waited for and written down.
            self._settle_all(flying)

    def _settle_some(self, flying: dict[Future[Answer | NoAnswer | Unsent], calls.Call], claim: Claim) -> None:
        nap = min(max((claim.look_again_at - self._clock.now()).total_seconds(), 0.0), LONGEST_NAP_SECONDS)
        if not flying:
            self._clock.sleep(nap)
            return
        full = len(flying) >= self._settings.calls_in_flight or not claim.goes_on
        done, _ = wait(flying, timeout=None if full else nap, return_when=FIRST_COMPLETED)
        self._settler.settle([(flying.pop(future), future.result()) for future in done])

    def _settle_all(self, flying: dict[Future[Answer | NoAnswer | Unsent], calls.Call]) -> None:
        if flying:
            wait(flying)
            self._settler.settle([(call, future.result()) for future, call in flying.items()])

    def _claim(self, recall_id: int, apis: Sequence[tuple[AppName, Chat]], free: int) -> Claim:
        now = self._clock.now()
        claimed: list[calls.Call] = []
        again = now + timedelta(seconds=LONGEST_NAP_SECONDS)
        with self._database.write() as connection:
            recall = recalls.get(connection, recall_id)
            calls.give_up_lost(connection, recall_id, now)
            if recall.status is not Status.RUNNING:
                return Claim(calls=(), look_again_at=now, goes_on=False)
            for app, chat in apis:
                late = items.expire(connection, recall_id, app, chat, now)
                history.append(connection, history.ended_entries(recall_id, recall.actor, "expired", late, now))
            for app, chat in apis:
                opened, next_slot = self._open(connection, recall_id, app, chat, free - len(claimed), now)
                claimed += opened
                again = min(again, next_slot - LOOKAHEAD)
            if claimed or calls.has_unended(connection, recall_id):
                return Claim(calls=claimed, look_again_at=max(again, now), goes_on=True)
            recalls.change(connection, recall_id, status=Status.FINISHED, finished_at=now)
            entry = history.Entry(at=now, event="finished", actor=recall.actor, recall_id=recall_id, detail={})
            history.append(connection, [entry])
        return Claim(calls=(), look_again_at=now, goes_on=False)

    def _open(
        self, connection: Connection, recall_id: int, app: AppName, chat: Chat, free: int, now: datetime
    ) -> tuple[list[calls.Call], datetime]:
        """Open the calls whose turn comes soon; return them, and when the next slot is."""
        idle_until = now + timedelta(seconds=LONGEST_NAP_SECONDS)
        if free <= 0:
            return [], idle_until
        pace = paces.lock_pace(connection, app, chat)
        opened: list[calls.Call] = []
        while True:
            slot, pace_after = reserve(pace, now, self._settings.rate_of(app))
            if slot > now + LOOKAHEAD or len(opened) >= free:
                break
            found = calls.waiting_in_next_lane(connection, recall_id, app, chat, now, KEYS_PER_CALL)
            if found is None:
                slot = idle_until
                break
            route, waiting = found
            chosen = next_call(waiting, now=now, margin=self._margin)
            lease = slot + self._lease
            opened.append(
                calls.open_call(
                    connection, recall_id, route, chosen, owner=self._owner, slot_at=slot, lease_until=lease
                )
            )
            pace = pace_after
        if opened:
            paces.save_pace(connection, app, chat, pace)
            paces.count_usage(connection, app, month_of(now), len(opened))
        return opened, slot

    def _make(self, call: calls.Call) -> Answer | NoAnswer | Unsent:
        """Wait for the slot and make the call; runs in a thread of its own and touches no database."""
        self._clock.sleep((call.slot_at - self._clock.now()).total_seconds())
        if self._clock.now() > call.slot_at + LATEST_AFTER_SLOT:
            return Unsent(why="this process was held up beyond its slot")
        try:
            return self._caller.recall(call.route, [item.process_query_key for item in call.items])
        except LedgerError as error:
            return Unsent(why=str(error), error=error)
