"""How long the history is kept, and what keeps it from leaving when its time has come."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger.core.check_up import Check, ok, warning
from ledger.settings import Settings
from ledger.store.audit import history_starts
from ledger.store.audit.history_starts import Old

# A recall may have begun before what has to stay, and end after it.
PATIENCE = timedelta(days=2)


def look(name: str, connection: Connection, settings: Settings, now: datetime) -> Check:
    """Say how long recalls and history are kept, and how much has left."""
    days = settings.history_days
    left = history_starts.latest(connection).entries
    gone = f"; {left:,} entries have left" if left else ""
    if days is None:
        return ok(name, f"kept for ever (LEDGER_HISTORY_DAYS){gone}")
    before = now - timedelta(days=days)
    held = history_starts.holding_up(connection, Old(before=before, now=now), before - PATIENCE)
    if held is not None:
        what = f"recall {held[0]} ({held[1]}) is not done, and keeps all that came after it"
        fix = f"end it, review it or `ledger unstick {held[0]}`"
        return warning(name, f"kept for {days:,} days{gone}, but {what}: {fix}", kept_days=days)
    return ok(name, f"kept for {days:,} days{gone}", kept_days=days)
