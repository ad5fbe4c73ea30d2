"""Rows of `messages`: counted by campaign, purged. How they come in, and are selected for a plan, is next door."""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import (
    Connection,
    and_,
    case,
    delete,
    exists,
    func,
    select,
    tuple_,
)

from ledger.core.campaign import CampaignLine
from ledger.core.recall import Outcome
from ledger.store.holding import is_held
from ledger.store.schema import message_recipients, messages, recall_items, recalls
from ledger.store.selecting import among


def count_known_keys(connection: Connection, keys: Collection[str]) -> int:
    """Return how many of these keys the ledger has messages of."""
    known = among(messages.c.process_query_key, sorted(keys), is_sqlite=connection.dialect.name == "sqlite")
    return connection.scalar(select(func.count(messages.c.process_query_key.distinct())).where(known)) or 0


def count_campaigns(
    connection: Connection, now: datetime, robots: Collection[str] = (), *, only: str | None = None
) -> list[CampaignLine]:
    """Return what the ledger holds of some robots or all, a line for each campaign or only one.

    The soonest deadline comes first, ended ones last.
    """
    columns = messages.c
    recalled = exists().where(recall_items.c.message_id == columns.id, recall_items.c.outcome == Outcome.RECALLED)
    rows = select(
        columns.campaign,
        columns.recipient_count,
        columns.deadline,
        case((recalled, 1), else_=0).label("recalled"),
    )
    if robots:
        rows = rows.where(columns.robot_code.in_(robots))
    if only is not None:
        rows = rows.where(columns.campaign == only)
    each = rows.subquery()
    waiting = and_(each.c.recalled == 0, each.c.deadline > now)
    open_deadline = case((waiting, each.c.deadline))
    statement = select(
        each.c.campaign,
        func.count().label("messages"),
        func.sum(each.c.recipient_count).label("recipients"),
        func.sum(case((waiting, 1), else_=0)).label("recallable"),
        func.sum(each.c.recalled).label("recalled"),
        func.min(open_deadline).label("first_deadline"),
        func.max(open_deadline).label("last_deadline"),
    ).group_by(each.c.campaign)
    lines = [CampaignLine(**row._mapping) for row in connection.execute(statement)]
    ended = [line for line in lines if line.first_deadline is None]
    open_ones = [line for line in lines if line.first_deadline is not None]
    open_ones.sort(key=lambda line: (line.first_deadline, line.campaign or ""))
    return open_ones + sorted(ended, key=lambda line: line.campaign or "")


def purge_messages(connection: Connection, now: datetime, limit: int) -> list[datetime]:
    """Delete up to `limit` messages past their deadline that no unfinished recall holds; return their send times."""
    columns = messages.c
    held = exists().where(
        recall_items.c.message_id == columns.id,
        recalls.c.id == recall_items.c.recall_id,
        is_held(recall_items, recalls),
    )
    due = select(columns.id).where(columns.deadline <= now, ~held).order_by(columns.deadline).limit(limit)
    if connection.dialect.name == "postgresql":
        due = due.with_for_update(skip_locked=True)
    return list(connection.scalars(delete(messages).where(columns.id.in_(due)).returning(columns.sent_at)))


def purge_index(connection: Connection, before_hour: int, limit: int) -> int:
    """Delete up to `limit` rows of whole hours from the index of recipients that SQLite needs; return how many.

    `before_hour` counts hours since 1970; every message of the hours before it must be gone or past its deadline.
    """
    if connection.dialect.name == "postgresql":
        return 0
    columns = message_recipients.c
    key = (columns.sent_hour, columns.user_id, columns.message_id)
    due = select(*key).where(columns.sent_hour < before_hour).limit(limit)
    return connection.execute(delete(message_recipients).where(tuple_(*key).in_(due))).rowcount


def any_robot_of(connection: Connection, is_wanted: Callable[[str], bool]) -> str | None:
    """Return some robot of the recorded messages that fits, or None."""
    robots = connection.scalars(select(messages.c.robot_code).distinct().limit(1000))
    return next((robot for robot in robots if is_wanted(robot)), None)
