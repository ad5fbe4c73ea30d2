"""Which processes have been at work lately, as what they leave in the database tells."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from ledger.store.schema import chores, recall_calls


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenWorker:
    """A process by the name that it gave itself: when it did a chore last, how many of its calls are in flight."""

    owner: str
    seen_at: datetime | None
    calls: int


def seen_workers(connection: Connection, since: datetime) -> list[SeenWorker]:
    """Return who did a chore since a moment, or has calls in flight; who was seen last comes first."""
    done = select(chores.c.owner, func.max(chores.c.done_at).label("at")).where(chores.c.done_at >= since)
    seen = {row.owner: row.at for row in connection.execute(done.group_by(chores.c.owner))}
    open_calls = select(recall_calls.c.owner, func.count().label("calls")).where(recall_calls.c.finished_at.is_(None))
    flying = {row.owner: row.calls for row in connection.execute(open_calls.group_by(recall_calls.c.owner))}
    found = [
        SeenWorker(owner=owner, seen_at=seen.get(owner), calls=flying.get(owner, 0)) for owner in {**seen, **flying}
    ]
    return sorted(found, key=lambda one: (one.seen_at is None, -one.seen_at.timestamp() if one.seen_at else 0.0))
