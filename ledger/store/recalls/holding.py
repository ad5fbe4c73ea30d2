"""What holds a message: the conditions under which some recall is at it, or has left it in doubt."""

from sqlalchemy import ColumnElement, FromClause, and_, func, or_

from ledger.core.recalls.recall import Outcome, Status

AT_WORK = (Status.RUNNING, Status.PAUSED)
# What was asked and may have worked although nobody said so: a "no" to a second ask proves nothing.
DOUBTFUL = (Outcome.UNKNOWN, Outcome.PARTIAL)


def is_recalled(items: FromClause) -> ColumnElement[bool]:
    """Say whether an item is recalled, where items are found by their message; no index of outcomes has this.

    Of a recall that has just begun, statistics say that none of its items has ended. PostgreSQL would take an index of
    those that have for empty, and read all of it for each message.
    """
    return func.coalesce(items.c.outcome, "") == Outcome.RECALLED


def has_ended(items: FromClause) -> ColumnElement[bool]:
    """Say whether an item has ended, where items are found by their call; as `is_recalled`, by no index of outcomes."""
    return func.coalesce(items.c.outcome, "") != ""


def is_held(items: FromClause, recalls: FromClause) -> ColumnElement[bool]:
    """Say whether an item has not ended and its recall is at it; what is in flight is so although it was cancelled."""
    return and_(items.c.outcome.is_(None), or_(recalls.c.status.in_(AT_WORK), items.c.call_id.is_not(None)))


def is_taken(items: FromClause, recalls: FromClause) -> ColumnElement[bool]:
    """Say whether an item's message is gone by this recall, or may be soon."""
    return or_(items.c.outcome == Outcome.RECALLED, is_held(items, recalls))
