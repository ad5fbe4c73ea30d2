"""The purge: what is past its window goes, in bounded transactions; unfinished recalls and history keep their facts."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.access.actors import WORKER
from ledger.core.deadline import WINDOW
from ledger.core.json_value import JsonValue
from ledger.core.recalls.quota import month_of
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.corrections import corrections
from ledger.store.database import Database
from ledger.store.events import elsewhere
from ledger.store.events.message_events import purge_events
from ledger.store.faults import repeated
from ledger.store.readers import read_counts
from ledger.store.recalls import plans, usage
from ledger.store.recording.keyless import purge_traces
from ledger.store.recording.messages import purge_index, purge_messages

ROWS_PER_TRANSACTION = 1000
# On SQLite, others wait for as long as a transaction takes: as many rows as are deleted, and committed, in this time.
# Half as much would halve their wait, and cost twice the work.
TRANSACTION_SECONDS = 0.012
FEWEST_ROWS, MOST_INDEX_ROWS = 50, 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Purged(JsonValue):
    """How many messages were deleted."""

    purged: int


class Purger:
    """Deletes what can no longer be recalled."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, freeze: Callable[[], None] = lambda: None
    ) -> None:
        self._database, self._clock, self._freeze = database, clock, freeze
        self._plan_valid = timedelta(seconds=settings.plan_valid_seconds)

    def run_once(self) -> Purged:
        """Delete all messages past their deadline, and plans that nobody ran; note in the history how many."""
        # What recalls have yet to copy must not go, and not keep others from going either.
        self._freeze()
        now = self._clock.now()
        purged = self._delete(partial(self._purge_messages, now), ROWS_PER_TRANSACTION)
        self._purge_traces(now)
        # A message is recorded within its 24 hours, or never; what was pushed of it came after it was sent.
        self._delete(lambda connection, rows: purge_events(connection, now - WINDOW, rows), ROWS_PER_TRANSACTION)
        # An hour of the index goes when none of its messages can be recalled any more.
        hour = int((now - WINDOW).timestamp()) // 3600
        self._delete(lambda connection, rows: purge_index(connection, hour, rows), MOST_INDEX_ROWS)
        self._delete_plans(now - self._plan_valid)
        with self._database.write() as connection:
            read_counts.forget_orphans(connection)
            elsewhere.forget_orphans(connection)
        if purged:
            with self._database.write() as connection:
                history.append(connection, [self._entry("purged", {"messages": purged})])
        return Purged(purged=purged)

    def _delete(self, some: Callable[[Connection, int], int], most: int) -> int:
        """Delete some rows after the other, so few on SQLite that others hardly wait; return how many went."""
        deleted, rows = 0, min(most, ROWS_PER_TRANSACTION) if self._database.is_sqlite else most
        while True:
            gone, seconds = self._delete_some(some, rows)
            deleted += gone
            if gone < rows:
                return deleted
            if self._database.is_sqlite:
                wanted = int(rows * TRANSACTION_SECONDS / max(seconds, 1e-6))
                rows = min(max(wanted, rows // 2, FEWEST_ROWS), rows * 2, most)
            self._database.let_others_write()

    @repeated
    def _delete_some(self, some: Callable[[Connection, int], int], rows: int) -> tuple[int, float]:
        """Delete so many rows; return how many went, and in how many seconds."""
        with self._database.write() as connection:
            # The work itself, which on SQLite is done by this thread: neither its disk nor a busy machine.
            begun = time.thread_time()
            gone = some(connection, rows)
        return gone, time.thread_time() - begun

    def _purge_messages(self, now: datetime, connection: Connection, rows: int) -> int:
        sent_at = purge_messages(connection, now, rows, self._plan_valid)
        usage.count_purged_sends(connection, _by_month(sent_at))
        return len(sent_at)

    def _entry(self, event: str, detail: Mapping[str, Any]) -> history.Entry:
        return history.Entry(at=self._clock.now(), event=event, actor=WORKER, recall_id=None, detail=detail)

    def _purge_traces(self, now: datetime) -> None:
        """Delete what tells of sends without a key, once nobody could recall them any more anyway."""
        while self._purge_some_traces(now) == ROWS_PER_TRANSACTION:
            self._database.let_others_write()

    @repeated
    def _purge_some_traces(self, now: datetime) -> int:
        with self._database.write() as connection:
            sent_at = purge_traces(connection, now - WINDOW, ROWS_PER_TRANSACTION)
            usage.count_purged_sends(connection, _by_month(sent_at))
            return len(sent_at)

    def _delete_plans(self, planned_before: datetime) -> None:
        """Delete plans that nobody ran in their time, and what is left of those whose maker went away."""
        with self._database.write() as connection:
            given_up = plans.give_up(connection, planned_before)
            if given_up:
                history.append(connection, [self._entry("plans_given_up", {"plans": given_up})])
            if unsent := corrections.give_up(connection, planned_before):
                history.append(connection, [self._entry("correction_plans_given_up", {"corrections": unsent})])
        more = True
        while more:
            with self._database.write() as connection:
                more = plans.delete_incomplete(connection, planned_before, ROWS_PER_TRANSACTION)
            if more:
                self._database.let_others_write()


def _by_month(sent_at: Sequence[datetime]) -> Counter[str]:
    """Count sends by the month in which they count; its zone is whole hours from UTC, and hours are few."""
    months: Counter[str] = Counter()
    for hour, sends in Counter(moment.replace(minute=0, second=0, microsecond=0) for moment in sent_at).items():
        months[month_of(hour)] += sends
    return months
