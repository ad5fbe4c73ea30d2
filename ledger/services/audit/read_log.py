"""Who reads the audit over HTTP is noted beside the history, so that readings do not drown what was done.

No answer waits for it: readings are gathered in memory and written together, some seconds later. Whoever is killed
loses the last of these. While the database is away they wait; of too many the oldest are given up, which the log says.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from ledger.core.audit.reads import Read, kept_filters, users_of
from ledger.errors import DatabaseError
from ledger.store.audit import audit_reads, commitments
from ledger.store.database import Database

FLUSH_SECONDS = 2.0
MOST_WAITING = 10_000

log = logging.getLogger(__name__)


class ReadLog:
    """Takes readings from any thread, and writes them. `flush` may be called by anybody, at any time."""

    def __init__(self, opened: Callable[[], Database]) -> None:
        self._opened = opened
        self._lock, self._flushing = threading.Lock(), threading.Lock()
        self._waiting: list[Read] = []
        self._is_noted, self._is_stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, read: Read) -> None:
        """Take a reading, whose filters are values by name as they were given."""
        with self._lock:
            self._waiting.append(read)
            given_up = len(self._waiting) - MOST_WAITING
            if given_up > 0:
                del self._waiting[:given_up]
        if given_up > 0:
            log.warning("%s readings of the audit are not noted: the database has been away for too long", given_up)
        self._is_noted.set()

    def flush(self) -> int:
        """Write what waits; return how many rows that was. Raise DatabaseError, and then it goes on waiting."""
        with self._flushing:
            with self._lock:
                some = list(self._waiting)
            if not some:
                return 0
            alike = _together(some)
            with self._opened().write() as connection:
                users = {user for one in alike for user in users_of(one.filters)}
                known = commitments.to_write(connection).of(users) if users else {}
                audit_reads.lock(connection)
                kept = [replace(one, filters=kept_filters(one.filters, known)) for one in alike]
                audit_reads.add(connection, kept)
            with self._lock:
                written = set(map(id, some))
                self._waiting = [one for one in self._waiting if id(one) not in written]
            return len(kept)

    def start(self) -> None:
        """Write what is noted from now on, some seconds later."""
        if self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="ledger-reads", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return once all is written that can be."""
        self._is_stopping.set()
        self._is_noted.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._is_stopping.clear()
        with suppress(DatabaseError):
            self.flush()

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            self._is_noted.wait()
            self._is_stopping.wait(FLUSH_SECONDS)
            self._is_noted.clear()
            try:
                self.flush()
            except DatabaseError as error:
                log.debug("readings of the audit wait: %s", error)
                self._is_noted.set()


def _together(reads: list[Read]) -> list[Read]:
    """Return readings with those that are alike as one: a page that looks again each second is not many."""
    found: dict[tuple[object, ...], Read] = {}
    for one in reads:
        alike = (one.actor, one.route, one.recall_id, tuple(sorted(one.filters.items())))
        before = found.get(alike)
        found[alike] = (
            one if before is None else replace(before, rows=before.rows + one.rows, times=before.times + one.times)
        )
    return list(found.values())
