"""Rows of `messages`: known or purged. How they come in, are selected and counted by campaign is next door."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

from sqlalchemy import (
    Connection,
    delete,
    exists,
    func,
    literal,
    select,
    tuple_,
)

from ledger.core.access.bounds import EVERYTHING, Bounds
from ledger.store.events.message_events import purge_events_of
from ledger.store.recalls import plan_messages
from ledger.store.recalls.holding import is_held
from ledger.store.recording.selecting import among, in_bounds
from ledger.store.schema import message_recipients, messages, recall_items, recalls


def count_known_keys(connection: Connection, keys: Collection[str], bounds: Bounds = EVERYTHING) -> int:
    """Return how many of these keys the ledger has messages of, as far as they are within bounds."""
    known = among(messages.c.process_query_key, sorted(keys), is_sqlite=connection.dialect.name == "sqlite")
    statement = select(func.count(messages.c.process_query_key.distinct())).where(known)
    statement = statement.where(*in_bounds(bounds, messages))
    return connection.scalar(statement) or 0


def purge_messages(connection: Connection, now: datetime, limit: int, plan_valid: timedelta) -> list[datetime]:
    """Delete up to `limit` messages past their deadline that nothing needs any more; return their send times.

    An unfinished recall needs what it holds, and a plan that may still run what it saw.
    """
    columns = messages.c
    held = exists().where(
        recall_items.c.message_id == columns.id,
        recalls.c.id == recall_items.c.recall_id,
        is_held(recall_items, recalls),
    )
    due = select(columns.id).where(columns.deadline <= now, ~held)
    needed_from = plan_messages.needed_from(connection, now, plan_valid)
    if needed_from is not None:
        due = due.where(columns.deadline < needed_from)
    due = due.order_by(columns.deadline).limit(limit)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    gone = delete(messages).where(columns.id.in_(due)).returning(columns.sent_at, columns.process_query_key)
    rows = connection.execute(gone).all()
    if rows:
        purge_events_of(connection, [row.process_query_key for row in rows])
    return [row.sent_at for row in rows]


def purge_index(connection: Connection, before_hour: int, limit: int) -> int:
    """Delete up to `limit` rows of whole hours from the index of recipients that SQLite needs; return how many.

    `before_hour` counts hours since 1970; every message of the hours before it must be gone or past its deadline.
    """
    if connection.dialect.name == "postgresql":
        return 0
    columns = message_recipients.c
    key = (columns.sent_hour, columns.user_id, columns.message_id)
    is_due = columns.sent_hour < before_hour
    next_one = connection.execute(select(*key).where(is_due).order_by(*key).limit(1).offset(limit)).one_or_none()
    # All up to a key, in their order: to look each of them up would take twice as long. Nothing is said of the hour
    # beside it, or SQLite would go through all that is due.
    upto = is_due if next_one is None else tuple_(*key) < tuple_(*(literal(value) for value in next_one))
    return connection.execute(delete(message_recipients).where(upto)).rowcount


def any_robot_of(connection: Connection, is_wanted: Callable[[str], bool]) -> str | None:
    """Return some robot of the recorded messages that fits, or None."""
    robots = connection.scalars(select(messages.c.robot_code).distinct().limit(1000))
    return next((robot for robot in robots if is_wanted(robot)), None)
