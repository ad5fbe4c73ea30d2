"""What came too late for recalls, counted again only once anything has changed in the messages that it may be of."""

import threading

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.recalls.selection import Selection
from ledger.store.campaigns.campaigns import Changes, changes_of
from ledger.store.recalls import late
from ledger.store.recalls.recalls import Recall

# Of so many recalls it is known that nothing came.
MOST_KNOWN = 10_000


class LateMessages:
    """Counts them; safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._nothing_came: dict[int, Changes] = {}

    def count(self, connection: Connection, recall: Recall) -> int:
        """Return how many messages are late for a recall: of its selection, and not seen by its plan."""
        changes = changes_of(connection, Selection.from_json(recall.selection).campaigns)
        with self._lock:
            if self._nothing_came.get(recall.id) == changes:
                return 0
        now = self._clock.now()
        if late.has_others(connection, recall, now):
            return late.count_late(connection, recall, now)
        with self._lock:
            while len(self._nothing_came) >= MOST_KNOWN:
                del self._nothing_came[next(iter(self._nothing_came))]
            self._nothing_came[recall.id] = changes
        return 0
