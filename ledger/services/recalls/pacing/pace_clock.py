"""The time by which calls leave and their leases end: it passes evenly, and is that of all who share a database.

On one machine, all count from the moment at which its even clock showed zero, as the first of them wrote it down: a
wall clock that is set, or differs, moves nothing. Several machines go by the clock of their PostgreSQL server, and by
their own even ones between two looks at it; each notices by itself when the server's was set.

What was written before the server's clock was set cannot be told from what was written after. Whoever notices waits:
for a moment with reserving slots, and for as long as a lease lasts with taking calls from others, so that a clock set
forward takes none from who lives. Set back, it leaves those of the dead to them for so much longer: nothing is asked
twice for it, and a process of the same machine sees at once that they are dead.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from ledger.clock import AlignedClock, Clock
from ledger.services.recalls.pacing.leases import MACHINE
from ledger.store import machine_clocks

# What a look at the server's clock may be wrong by, beyond half of the time that it took.
TOLERANCE_SECONDS = 0.05
STEP_SECONDS = 0.5
# Nobody reserves so far ahead: what was reserved before the server's clock was set has left after so long, and a whole
# second lies between it and what comes after.
HELD_AFTER_STEP_SECONDS = 2.5

log = logging.getLogger(__name__)


def _this_boot() -> str:
    """Name the run of this machine's even clock; containers share it with their machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return MACHINE.partition("/")[0]


class PaceClock:
    """Safe to share between threads; `look` has to come first. With `ask_server`, the server's time is shared."""

    def __init__(self, clock: Clock, ask_server: Callable[[Connection], datetime] | None = None) -> None:
        self._clock, self._ask_server = clock, ask_server
        self._boot = _this_boot()
        self._zero, self._is_agreed = self._own_zero(), False
        self._held_until = 0.0
        self._set_at: float | None = None

    def look(self, connection: Connection, *, may_write: bool) -> None:
        """Look, inside a transaction, at the time that is shared."""
        if self._ask_server is not None:
            self._look_at_server(connection, self._ask_server)
        elif not self._is_agreed:
            self._look_at_others(connection, may_write=may_write)

    def now(self) -> datetime:
        """Return the present moment, as all reckon it."""
        return self._zero + timedelta(seconds=self._clock.monotonic())

    def seen(self, connection: Connection, *, may_write: bool = False) -> datetime:
        """Look, and return the present moment."""
        self.look(connection, may_write=may_write)
        return self.now()

    def wall_of(self, connection: Connection, moment: datetime) -> datetime:
        """Return a moment as the wall clock shows it, for people."""
        self.look(connection, may_write=False)
        return moment + self.to_wall

    def is_even_for(self, span: timedelta) -> bool:
        """Say whether nobody has set the clock for so long, as far as this process has seen."""
        return self._set_at is None or self._clock.monotonic() >= self._set_at + span.total_seconds()

    @property
    def held_until(self) -> datetime | None:
        """Until when nothing may be reserved, since a clock was set; None when there is nothing to wait for."""
        left = self._held_until - self._clock.monotonic()
        return self.now() + timedelta(seconds=left) if left > 0 else None

    def monotonic_of(self, moment: datetime) -> float:
        """Return a moment as seconds of this machine's even clock."""
        return (moment - self._zero).total_seconds()

    @property
    def to_wall(self) -> timedelta:
        """What a moment lacks to be one of the wall clock, by which deadlines are told."""
        return self._clock.now() - self.now()

    def _own_zero(self) -> datetime:
        return self._clock.now() - timedelta(seconds=self._clock.monotonic())

    def _look_at_others(self, connection: Connection, *, may_write: bool) -> None:
        zero = machine_clocks.zero_of(connection, self._boot)
        # What is written here counts only once its transaction has ended well: the next look sees.
        self._is_agreed = zero is not None
        if zero is None:
            zero = self._own_zero()
            if may_write:
                machine_clocks.agree_on(connection, self._boot, zero)
                zero = machine_clocks.zero_of(connection, self._boot) or zero
        self._zero = zero

    def _look_at_server(self, connection: Connection, ask: Callable[[Connection], datetime]) -> None:
        before = self._clock.monotonic()
        theirs = ask(connection)
        after = self._clock.monotonic()
        middle = (before + after) / 2
        wrong_by = (theirs - timedelta(seconds=middle) - self._zero).total_seconds()
        if self._is_agreed and abs(wrong_by) <= (after - before) / 2 + TOLERANCE_SECONDS:
            return
        if self._is_agreed and abs(wrong_by) > STEP_SECONDS:
            self._held_until, self._set_at = after + HELD_AFTER_STEP_SECONDS, after
            log.warning("the database server's clock was set by %.1f s: calls wait for a moment", wrong_by)
        self._zero, self._is_agreed = theirs - timedelta(seconds=middle), True
        if isinstance(self._clock, AlignedClock):
            self._clock.keep_to(theirs, middle)
