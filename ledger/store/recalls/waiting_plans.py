"""Plans that wait for a second person, or for their moment, and what of some messages they take; they are few."""

from collections.abc import Collection, Iterator
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from ledger.core.recalls.plan_messages import last_taken
from ledger.core.recalls.recall import AlsoWaiting, Status
from ledger.store.recalls.conditions import is_complete
from ledger.store.schema import approvals, plan_messages, recalls, schedules


def waiting_plans(
    connection: Connection, taken: Collection[int], now: datetime, other_than: int | None = None
) -> Iterator[AlsoWaiting]:
    """Yield the plans that wait and take any of some messages, the oldest first."""
    waits = and_(approvals.c.recall_id.is_not(None), approvals.c.verdict.is_(None), approvals.c.valid_until > now)
    statement = (
        select(recalls.c.id, recalls.c.unfrozen_items, plan_messages.c.taken, schedules.c.run_at, waits.label("waits"))
        .join_from(recalls, plan_messages, plan_messages.c.recall_id == recalls.c.id)
        .outerjoin(approvals, approvals.c.recall_id == recalls.c.id)
        .outerjoin(schedules, schedules.c.recall_id == recalls.c.id)
        .where(recalls.c.status == Status.PLANNED, is_complete(), recalls.c.id != (other_than or 0))
        .where(or_(waits, schedules.c.recall_id.is_not(None)))
        .order_by(recalls.c.id)
    )
    for row in connection.execute(statement):
        # Of each only its numbers are unpacked.
        both = _count_both(taken, last_taken(row.taken, row.unfrozen_items)) if row.unfrozen_items else 0
        if both:
            yield AlsoWaiting(
                recall_id=row.id,
                messages=both,
                waits_for_approval=bool(row.waits),
                scheduled_at=row.run_at,
            )


def _count_both(these: Collection[int], those: Collection[int]) -> int:
    """Count what is in both; of a million, only the fewer are put into a set."""
    fewer, more = sorted((these, those), key=len)
    return sum(map(set(fewer).__contains__, more))
