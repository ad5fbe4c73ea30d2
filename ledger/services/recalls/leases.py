"""Leases on calls: who holds one, which holders are surely gone, and what becomes of calls that were lost with them."""

import os
import socket
from collections.abc import Collection, Iterable, Sequence, Set
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from sqlalchemy import Connection

from ledger.clock import Clock
from ledger.core.recall import Status
from ledger.errors import DatabaseUnavailableError
from ledger.store import calls, history, items, recalls
from ledger.store.database import Database


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


class LostCalls:
    """Ends what nobody answers for any more."""

    def __init__(self, database: Database, clock: Clock, held: Set[int]) -> None:
        self._database, self._clock, self._held = database, clock, held

    def run_once(self) -> None:
        """End what was lost of cancelled recalls; who only looks on may do without it for once.

        What this process holds is not lost: a runner waits for its answer, or has it and writes it down.
        """
        with suppress(DatabaseUnavailableError):
            now = self._clock.now()
            with self._database.read() as connection:
                flying = calls.in_flight_of_cancelled(connection)
                dead = surely_gone({name for name, _ in flying})
            if any(name in dead or lease_until <= now for name, lease_until in flying):
                with self._database.write() as connection:
                    history.append(connection, give_up_lost(connection, now, dead, held=frozenset(self._held)))


def give_up_lost(
    connection: Connection,
    now: datetime,
    dead_owners: Sequence[str],
    *,
    by_lease: bool = True,
    held: Collection[int] = (),
) -> list[history.Entry]:
    """Let what is in lost calls wait again, or end with its cancelled recall; return what history says of it.

    Lost are calls of dead owners and, `by_lease`, those whose lease has ended; but none that are `held`.
    """
    lost = calls.give_up_lost(connection, now, dead_owners, by_lease=by_lease, held=held)
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
    left = items.cancel(connection, recall_id, now)
    return history.ended_entries(recall_id, recall.actor, "cancelled", left, now)
