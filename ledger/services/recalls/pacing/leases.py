"""Leases on calls: who holds one, which holders are surely gone, and what becomes of calls that were lost with them."""

import os
import socket
from collections.abc import Collection, Iterable, Sequence, Set
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.recalls.lease import is_over
from ledger.core.recalls.recall import Status
from ledger.errors import DatabaseUnavailableError
from ledger.settings import Settings
from ledger.store.audit import history
from ledger.store.database import Database
from ledger.store.recalls import endings, lost_calls, recalls

if TYPE_CHECKING:
    from ledger.services.recalls.pacing.pace_clock import PaceClock

LEASE_BEYOND_TIMEOUT = timedelta(seconds=20)
GRACE_SECONDS = 5.0


def _machine() -> str:
    """Name the machine so that two containers, or two boots, are never taken for one."""
    parts = [socket.gethostname()]
    for path, is_link in (("/proc/sys/kernel/random/boot_id", False), ("/proc/self/ns/pid", True)):
        try:
            parts.append(str(Path(path).readlink()) if is_link else Path(path).read_text(encoding="ascii").strip())
        except OSError:
            # Not Linux: without proof of being one machine, only the end of a lease tells.
            parts.append(uuid4().hex)
    return "/".join(parts)


MACHINE = _machine()


def own_name() -> str:
    """Return a name that no other process has, now or later."""
    return f"{MACHINE}#{os.getpid()}#{uuid4().hex[:8]}"


def surely_gone(owners: Iterable[str]) -> list[str]:
    """Return the owners that were processes of this machine and live no more."""
    return [owner for owner in owners if _is_gone(owner)]


def _is_gone(owner: str) -> bool:
    machine, _, rest = owner.partition("#")
    pid = rest.partition("#")[0]
    if machine != MACHINE or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def lease_of(settings: Settings) -> timedelta:
    """Return how long a call belongs to who opened it, counted from its slot."""
    return timedelta(seconds=settings.http_timeout_seconds) + LEASE_BEYOND_TIMEOUT


def time_of_leases(pace_clock: "PaceClock", lease: timedelta) -> datetime | None:
    """Return the moment by which to judge leases, once looked at; None when the clock was set just now: none can be."""
    return pace_clock.now() if pace_clock.is_even_for(lease) else None


class LeaseGrace:
    """Says whether whoever lives has had the time to settle its calls: while nobody reaches the database, none can.

    Who waits for it tries every second. Moments are those of the even clock.
    """

    def __init__(self) -> None:
        # When the database was reached last, and since when without a break.
        self._reached_at: float | None = None
        self._reached_since = 0.0

    def may_judge(self, now: float) -> bool:
        """Say whether leases can be judged, the database being reached now."""
        if self._reached_at is None or now - self._reached_at > GRACE_SECONDS:
            self._reached_since = now
        return now - self._reached_since >= GRACE_SECONDS

    def reached(self, now: float) -> None:
        """Note that the database was reached."""
        self._reached_at = now


class LostCalls:
    """Ends what nobody answers for any more."""

    def __init__(
        self, database: Database, clock: Clock, pace_clock: "PaceClock", settings: Settings, held: Set[int]
    ) -> None:
        self._database, self._clock, self._pace_clock = database, clock, pace_clock
        self._lease, self._held = lease_of(settings), held

    def run_once(self) -> None:
        """End what was lost of cancelled recalls; who only looks on may do without it for once.

        What this process holds is not lost: a runner waits for its answer, or has it and writes it down.
        """
        with suppress(DatabaseUnavailableError):
            now = self._clock.now()
            with self._database.read() as connection:
                flying = lost_calls.in_flight_of_cancelled(connection)
                dead = surely_gone({name for name, _ in flying})
                self._pace_clock.look(connection, may_write=False)
            by = time_of_leases(self._pace_clock, self._lease)
            if any(name in dead or (by is not None and is_over(until, by)) for name, until in flying):
                with self._database.write() as connection:
                    lost = give_up_lost(connection, now, dead, leases_by=by, held=frozenset(self._held))
                    history.append(connection, lost)


def give_up_lost(
    connection: Connection,
    now: datetime,
    dead_owners: Sequence[str],
    *,
    leases_by: datetime | None,
    held: Collection[int] = (),
) -> list[history.Entry]:
    """Let what is in lost calls wait again, or end with its cancelled recall; return what history says of it.

    Lost are calls of dead owners and those whose lease has ended, judged by a moment of the pace's clock or not at all;
    but none that are `held`.
    """
    lost = lost_calls.give_up_lost(connection, now, dead_owners, leases_by=leases_by, held=held)
    entries = history.lost_entries(lost, now)
    for recall_id in sorted({one.recall_id for one in lost}):
        entries += end_if_cancelled(connection, recall_id, now)
    return entries


def end_if_cancelled(connection: Connection, recall_id: int, now: datetime) -> list[history.Entry]:
    """End what waits again although its recall was cancelled while it was in flight; return what history says of it.

    The lock is taken after the items were let go, so that a cancellation comes either before, and is seen here, or
    after, and sees them.
    """
    recall = recalls.get(connection, recall_id, lock=True)
    if recall.status is not Status.CANCELLED:
        return []
    left = endings.cancel(connection, recall_id, now, recall.runs_for)
    return history.ended_entries(recall_id, recall.runs_for, "cancelled", left, now)
