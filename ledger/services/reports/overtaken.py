"""Which waiting plans cannot run as they were shown: another recall has taken some of their messages meanwhile."""

import threading

from sqlalchemy import Connection

from ledger.store.recalls import overtaken
from ledger.store.recalls.overtaken import OthersSince
from ledger.store.recalls.recalls import Recall

# Of so many plans it is known that nothing was taken.
MOST_KNOWN = 1000


class OvertakenPlans:
    """Looks for who has overtaken a plan, again only once another recall went on; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._untouched: dict[int, OthersSince] = {}

    def by(self, connection: Connection, plan: Recall) -> int | None:
        """Return another recall that has recalled a message of a plan, or is at one; None for none."""
        others = overtaken.others_since(connection, plan)
        with self._lock:
            if not others.count or self._untouched.get(plan.id) == others:
                return None
        found = overtaken.overtaken_by(connection, plan)
        if found is None:
            with self._lock:
                while len(self._untouched) >= MOST_KNOWN:
                    del self._untouched[next(iter(self._untouched))]
                self._untouched[plan.id] = others
        return found
