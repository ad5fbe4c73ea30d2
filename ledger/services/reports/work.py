"""Work: for how long a recall was worked at, which pauses and waits are no part of."""

from datetime import datetime

from sqlalchemy import Connection

from ledger.core.recalls.course import runs_of, working_seconds
from ledger.store.recalls import course


def work_of(connection: Connection, recall_id: int, now: datetime) -> float | None:
    """Return for how long one recall was worked at, in seconds; None when the history does not say (any more)."""
    runs = runs_of(course.moves_of(connection, recall_id))
    return working_seconds(runs, course.calls_by_second(connection, recall_id), now) if runs else None
