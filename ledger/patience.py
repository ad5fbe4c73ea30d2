"""Patience: trying again while something is away, for a while. Whoever waits for a database does it here.

tenacity and stamina do the same on the machine's own clock; here it is an argument, so that tests need not sleep.
"""

import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ledger.clock import Clock, SystemClock
from ledger.errors import DatabaseUnavailableError, LedgerError

T = TypeVar("T")

# A database is back when something goes well that began so long after the last failure.
CALM_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to try again after the first failure, how often, and after which errors; times are in seconds.

    At least once it is tried, and once more when the time is over.
    """

    seconds: float
    every_seconds: float
    on: type[LedgerError] = DatabaseUnavailableError
    clock: Clock = field(default_factory=SystemClock)

    def retrying(self, action: Callable[[], T]) -> T:
        """Return what an action returns as soon as it does; raise its error when the patience is over."""
        until: float | None = None
        while True:
            try:
                return action()
            except self.on as error:
                until = self._until(until, error)
            self.clock.sleep(self.every_seconds)

    async def retrying_async(
        self, action: Callable[[], Awaitable[T]], sleep: Callable[[float], Awaitable[None]] | None = None
    ) -> T:
        """Do the same without holding up an event loop; it sleeps by asyncio unless told otherwise."""
        from asyncio import sleep as asyncio_sleep

        until: float | None = None
        while True:
            try:
                return await action()
            except self.on as error:
                until = self._until(until, error)
            await (sleep or asyncio_sleep)(self.every_seconds)

    def _until(self, until: float | None, error: LedgerError) -> float:
        """Return when the patience is over, which begins with the first failure; raise the error when it is."""
        now = self.clock.monotonic()
        until = now + self.seconds if until is None else until
        if now >= until:
            raise error
        return until


class OutageLog:
    """Tells once that the database is away, and once that it is back, however many threads find it so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None
        self._failed_at = 0.0
        self._start_anew()
        start_anew = weakref.WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (method := start_anew()) and method())

    @property
    def is_on(self) -> bool:
        """Say whether somebody was told that the database is away, and nobody yet that it is back."""
        return self._since is not None

    def observe(self, action: Callable[[], T], *, asks_always: bool = True) -> T:
        """Do something with the database and note how that goes; `asks_always` when it cannot go well without it."""
        begun = self._clock.monotonic()
        try:
            done = action()
        except DatabaseUnavailableError as error:
            self.note_away(error)
            raise
        if asks_always:
            self.note_back(begun)
        return done

    def note_away(self, error: LedgerError) -> None:
        """Note that the database cannot be used."""
        with self._lock:
            self._failed_at = self._clock.monotonic()
            if self._since is None:
                self._since = self._failed_at
                log.warning("the database is away: what is recorded waits in the spool, and recalls wait: %s", error)

    def note_back(self, begun: float) -> None:
        """Note that something went well that cannot without the database, and at which monotonic second it began."""
        if self._since is None:
            return
        with self._lock:
            # What began before may have had its turn before as well, and a database that goes lets some through yet.
            if self._since is None or begun < self._failed_at + CALM_SECONDS:
                return
            away, self._since = self._clock.monotonic() - self._since, None
            log.warning("the database is back, after %.0f s", away, extra={"facts": {"seconds": round(away, 1)}})

    def _start_anew(self) -> None:
        # A signal handler may note something in the middle of a note of its own thread.
        self._lock = threading.RLock()
