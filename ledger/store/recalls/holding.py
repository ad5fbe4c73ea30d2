"""What holds a message: the conditions under which some recall is at it, or has left it in doubt."""

from sqlalchemy import ColumnElement, FromClause, and_, or_

from ledger.core.recalls.recall import Outcome, Status

AT_WORK = (Status.RUNNING, Status.PAUSED)
# What was asked and may have worked although nobody said so: a "no" to a second ask proves nothing.
DOUBTFUL = (Outcome.UNKNOWN, Outcome.PARTIAL)


def is_held(items: FromClause, recalls: FromClause) -> ColumnElement[bool]:
    """Say whether an item has not ended and its recall is at it; what is in flight is so although it was cancelled."""
    return and_(items.c.outcome.is_(None), or_(recalls.c.status.in_(AT_WORK), items.c.call_id.is_not(None)))


def is_taken(items: FromClause, recalls: FromClause) -> ColumnElement[bool]:
    """Say whether an item's message is gone by this recall, or may be soon."""
    return or_(items.c.outcome == Outcome.RECALLED, is_held(items, recalls))
