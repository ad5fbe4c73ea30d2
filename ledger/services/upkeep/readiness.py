"""Readiness: what the ledger lacks to do its work, in words that may be shown to anybody."""

from ledger.clock import Clock
from ledger.errors import DatabaseError
from ledger.services.upkeep import disks
from ledger.services.upkeep.chores import HEARTBEAT, HEARTBEAT_STOPPED
from ledger.settings import Settings
from ledger.store import migrate, shape
from ledger.store.database import Database
from ledger.store.schema import REVISION
from ledger.store.upkeep import chores, fitness


def lacks(database: Database, clock: Clock, settings: Settings) -> dict[str, str]:
    """Return what is missing, by name, each with what to do; nothing when the work can be done."""
    return disks.troubles(settings, database) or _of_database(database, clock, settings)


def _of_database(database: Database, clock: Clock, settings: Settings) -> dict[str, str]:
    try:
        found = migrate.current(database)
        if found != REVISION:
            state = f"its tables are of version {found}, not {REVISION}" if found else "it has no tables"
            return {"migrations": f"{state}: run `ledger db upgrade` with the newest version"}
        # An SQLite file would have to be locked for that, which may take a while.
        keeps = settings.history_days is None
        if not database.is_sqlite and fitness.troubles_of(database, keeps_for_ever=keeps):
            return {"database": "it cannot be written by this role: `ledger doctor` says more"}
        with database.read() as connection:
            if shape.troubles_of(connection):
                return {"database": "its tables are not as they were made: `ledger doctor` says more"}
            heartbeat = chores.last_done(connection, HEARTBEAT)
    except DatabaseError:
        return {"database": "it does not answer: `ledger doctor` says more"}
    if heartbeat is None:
        return {"scheduler": "no worker has ever been at work: start `ledger worker`, or `ledger serve` with its own"}
    age = clock.now() - heartbeat
    if age > HEARTBEAT_STOPPED:
        return {"scheduler": f"no worker was seen for {age.total_seconds():.0f} s: start one, or look at its log"}
    return {}
