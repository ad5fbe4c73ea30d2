"""Readiness: what the ledger lacks to do its work, in words that may be shown to anybody."""

from ledger.clock import Clock
from ledger.errors import DatabaseError
from ledger.services.upkeep.chores import HEARTBEAT, HEARTBEAT_STOPPED
from ledger.store import chores, migrate
from ledger.store.database import Database
from ledger.store.schema import REVISION


def lacks(database: Database, clock: Clock) -> dict[str, str]:
    """Return what is missing, by name, each with what to do; nothing when the work can be done."""
    try:
        found = migrate.current(database)
        if found != REVISION:
            state = f"its tables are of version {found}, not {REVISION}" if found else "it has no tables"
            return {"migrations": f"{state}: run `ledger db upgrade` with the newest version"}
        with database.read() as connection:
            heartbeat = chores.last_done(connection, HEARTBEAT)
    except DatabaseError:
        return {"database": "it does not answer: `ledger doctor` says more"}
    if heartbeat is None:
        return {"scheduler": "no worker has ever been at work: start `ledger worker`, or `ledger serve` with its own"}
    age = clock.now() - heartbeat
    if age > HEARTBEAT_STOPPED:
        return {"scheduler": f"no worker was seen for {age.total_seconds():.0f} s: start one, or look at its log"}
    return {}
