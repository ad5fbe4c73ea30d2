"""How many pushes of the month are left: of others as the database counts them, and our own as they come.

Each process numbers the pushes of each app and month: the highest number that was written is how many there were, so
that none counts twice, however often the spool is replayed.
"""

import threading
from collections import Counter
from uuid import uuid4

from ledger.clock import Clock
from ledger.core.recalls.quota import month_of
from ledger.store.database import Database
from ledger.store.events.message_events import used_pushes


class PushBudget:
    """Shared by all connections of a process; safe to share between threads."""

    def __init__(self, database: Database, clock: Clock, limit: int) -> None:
        self._database, self._clock, self.limit = database, clock, limit
        self.source = uuid4().hex
        self._lock = threading.Lock()
        self._month: str | None = None
        self._others, self._own = 0, Counter[str]()
        # Before, nobody knows what other processes have used.
        self.is_known = False

    def look(self) -> None:
        """Ask the database how many others have used; raise DatabaseError."""
        month = month_of(self._clock.now())
        with self._database.read() as connection:
            others = used_pushes(connection, month, but_for=self.source)
        with self._lock:
            self._turn_over()
            self._others, self.is_known = others, True

    def number(self, app: str) -> int:
        """Count a push that has come; return which of the month it is for this app, here."""
        with self._lock:
            self._turn_over()
            self._own[app] += 1
            return self._own[app]

    @property
    def is_left(self) -> bool:
        """Say whether any of the month's pushes are left."""
        with self._lock:
            self._turn_over()
            return self._others + self._own.total() < self.limit

    def _turn_over(self) -> None:
        """Begin anew with the month, also while the database is away."""
        month = month_of(self._clock.now())
        if self._month != month:
            self._month, self._others, self._own = month, 0, Counter()
