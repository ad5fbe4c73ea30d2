"""Which ledger a history is of: its first entry, which no other one has."""

from sqlalchemy import Connection

from ledger.services.reports import start_check
from ledger.store.audit import history, history_starts


def first_digest(connection: Connection) -> str:
    """Return the digest of the first entry that there ever was, also when it has left; nothing where nobody knows."""
    if history_starts.latest(connection).entries:
        return str(start_check.told_of(connection).get("first") or "")
    return history.first_digest(connection)
