"""Closing: what was in flight when its recall was cancelled, and got lost, ends; whoever looks next sees to it."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.recall import Status
from ledger.errors import DatabaseUnavailableError
from ledger.services import owner
from ledger.store import calls, history, items, recalls
from ledger.store.database import Database


class Closer:
    """Ends what nobody answers for any more."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def run_once(self) -> None:
        """End what was lost of cancelled recalls; who only looks on may do without it for once."""
        with suppress(DatabaseUnavailableError):
            now = self._clock.now()
            with self._database.read() as connection:
                flying = calls.in_flight_of_cancelled(connection)
                dead = owner.surely_gone({name for name, _ in flying})
            if any(name in dead or lease_until <= now for name, lease_until in flying):
                with self._database.write() as connection:
                    entries = [
                        entry
                        for recall_id in sorted(calls.give_up_lost(connection, now, dead))
                        for entry in end_if_cancelled(connection, recall_id, now)
                    ]
                    history.append(connection, entries)


def end_if_cancelled(connection: Connection, recall_id: int, now: datetime) -> list[history.Entry]:
    """End what waits again although its recall was cancelled while it was in flight; return what history says of it.

    The lock is taken after the items were let go, so that a cancellation comes either before, and is seen here, or
    after, and sees them.
    """
    recall = recalls.get(connection, recall_id, lock=True)
    if recall.status is not Status.CANCELLED:
        return []
    left = items.cancel(connection, recall_id, now)
    return history.ended_entries(recall_id, recall.actor, "cancelled", left, now)
