"""Campaigns counted for many who look again and again, however long counting takes.

Where counting is quick, everybody gets what is true now. Where it is not, they get the last count, which says of when
it is, and counting takes but a share of the time.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from ledger.clock import Clock
from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.errors import DatabaseError, DatabaseUnavailableError

Line = TypeVar("Line")
Counting = Callable[[Bounds], Sequence[Line]]

QUICK_SECONDS = 0.05
# For so long one waits for a count that should be quick, or that is the first; for others, not even so long.
PATIENCE_SECONDS, IMPATIENCE_SECONDS = 2.0, 0.1
LARGEST_SHARE = 0.2
# A count of longer ago is none.
LONGEST_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCount(Generic[Line]):
    """What was counted, and when."""

    at: datetime
    lines: Sequence[Line]


class CampaignCounts(Generic[Line]):
    """Counts campaigns, or what there is of each; safe to share between threads."""

    def __init__(self, count: Counting[Line], clock: Clock) -> None:
        self._count_now, self._clock = count, clock
        self._lock = threading.Lock()
        self._counters: dict[Bounds, _Counter[Line]] = {}

    def read(self, bounds: Bounds = EVERYTHING) -> CampaignCount[Line] | None:
        """Return the campaigns within bounds; None while they are being counted for the first time.

        Raise DatabaseError when they cannot be counted.
        """
        with self._lock:
            counter = self._counters.setdefault(bounds, _Counter(self._count_now, self._clock, bounds))
        return counter.read()


class _Counter(Generic[Line]):
    """Counts within bounds: one count at a time, in a thread of its own."""

    def __init__(self, count: Counting[Line], clock: Clock, bounds: Bounds) -> None:
        self._count_now, self._clock, self._bounds = count, clock, bounds
        self._lock = threading.Lock()
        self._running: threading.Event | None = None
        self._count: CampaignCount[Line] | None = None
        self._error: DatabaseError | None = None
        self._ended, self._took = 0.0, 0.0

    def read(self) -> CampaignCount[Line] | None:
        with self._lock:
            age = time.monotonic() - self._ended
            known = self._count if age < LONGEST_SECONDS else None
            is_slow = self._took > QUICK_SECONDS
            if known is not None and is_slow and age < self._took / LARGEST_SHARE:
                return known
            if self._running is None:
                self._running = threading.Event()
                threading.Thread(target=self._run, args=(self._running,), name="ledger-counts", daemon=True).start()
            running = self._running
        is_done = running.wait(IMPATIENCE_SECONDS if known is not None and is_slow else PATIENCE_SECONDS)
        if not is_done:
            return known
        if self._error is not None:
            raise self._error
        return self._count

    def _run(self, done: threading.Event) -> None:
        started, at = time.monotonic(), self._clock.now()
        count: CampaignCount[Line] | None = None
        error: DatabaseError | None = DatabaseUnavailableError("campaigns could not be counted: the log says more")
        try:
            count, error = CampaignCount(at=at, lines=self._count_now(self._bounds)), None
        except DatabaseError as raised:
            error = raised
        finally:
            with self._lock:
                self._ended = time.monotonic()
                self._took = self._ended - started
                self._count, self._error, self._running = count, error, None
            done.set()
