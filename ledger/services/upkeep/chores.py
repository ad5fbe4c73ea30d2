"""Chores: things that one worker at a time does now and then, whichever of them comes first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.store.database import Database
from ledger.store.upkeep import chores

# The chore that shows that some worker lives: nothing is done but to note when.
HEARTBEAT = "heartbeat"
HEARTBEAT_EVERY = timedelta(seconds=10)
# So old, and no worker is at work any more.
HEARTBEAT_STOPPED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something to do: not sooner than `every` after the last time, and by nobody else before `lease` is over."""

    name: str
    every: timedelta
    lease: timedelta
    action: Callable[[], object]


class Chores:
    """Does chores on behalf of one worker; its leases end by a clock that nobody sets, `lease_now`."""

    def __init__(
        self, database: Database, clock: Clock, owner: str, lease_now: Callable[[Connection], datetime]
    ) -> None:
        self._database, self._clock, self._owner, self._lease_now = database, clock, owner, lease_now

    def do(self, chore: Chore) -> bool:
        """Do a chore when it is due and nobody else is at it; say whether it was done."""
        with self._database.write() as connection:
            lease = chores.Lease(owner=self._owner, begins=self._lease_now(connection), lasts=chore.lease)
            if not chores.take(connection, chore.name, lease, now=self._clock.now(), every=chore.every):
                return False
        chore.action()
        with self._database.write() as connection:
            chores.release(connection, chore.name, self._owner, self._lease_now(connection), now=self._clock.now())
        return True
