"""What `messages` holds, counted by campaign; made for a million of them.

All messages are read once, and beside them only the items that were recalled lately: to ask of each message whether
some item recalled it would take ten times as long.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, Text, and_, case, cast, exists, func, select, true

from ledger.clock import CLOCKS_DIFFER
from ledger.core.campaign import CampaignLine
from ledger.core.deadline import WINDOW
from ledger.core.message import Chat
from ledger.core.recall import Outcome
from ledger.store.schema import messages, recall_items


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recalled:
    """How many messages of a campaign are recalled, and how many of those are inside their window."""

    all: int = 0
    open: int = 0


def count_campaigns(connection: Connection, now: datetime, robots: Collection[str] = ()) -> list[CampaignLine]:
    """Return what the ledger holds (of some robots, or of all), a line a campaign, soonest deadline first.

    Ended ones come last.
    """
    columns, within = messages.c, _within(robots)
    is_open = columns.deadline > now
    statement = (
        select(
            # Not the bare column: SQLite would go through its index, and look each message up.
            func.coalesce(columns.campaign, None).label("campaign"),
            func.count().label("messages"),
            func.sum(columns.recipient_count).label("recipients"),
            func.sum(case((_is_to_nobody_known(), 1), else_=0)).label("recipients_unknown"),
            func.sum(case((is_open, 1), else_=0)).label("open"),
            func.min(case((is_open, columns.deadline))).label("first_deadline"),
            func.max(case((is_open, columns.deadline))).label("last_deadline"),
        )
        .where(within)
        .group_by("campaign")
    )
    recalled = _count_recalled(connection, now, within)
    lines = []
    for row in connection.execute(statement):
        gone = recalled.get(row.campaign, _Recalled())
        first, last = row.first_deadline, row.last_deadline
        if gone.open:
            first, last = _span(connection, row.campaign, now, within) if row.open > gone.open else (None, None)
        lines.append(
            CampaignLine(
                campaign=row.campaign,
                messages=row.messages,
                recipients=row.recipients,
                recipients_unknown=row.recipients_unknown,
                recallable=row.open - gone.open,
                recalled=gone.all,
                first_deadline=first,
                last_deadline=last,
            )
        )
    ended = [line for line in lines if line.first_deadline is None]
    open_ones = [line for line in lines if line.first_deadline is not None]
    open_ones.sort(key=lambda line: (line.first_deadline, line.campaign or ""))
    return open_ones + sorted(ended, key=lambda line: line.campaign or "")


def count_recipients_unknown(connection: Connection) -> int:
    """Return how many messages the ledger holds of which nobody can say whom they reached."""
    statement = select(func.count()).select_from(messages).where(_is_to_nobody_known())
    return connection.scalar(statement) or 0


def _is_to_nobody_known() -> ColumnElement[bool]:
    """Say that a one-on-one message names nobody, neither whom it reached nor whom it missed."""
    columns = messages.c
    names_nobody = and_(columns.recipient_count == 0, cast(columns.undelivered, Text) == "{}")
    return and_(columns.chat == Chat.ONE_TO_ONE, names_nobody)


def _within(robots: Collection[str]) -> ColumnElement[bool]:
    return messages.c.robot_code.in_(sorted(robots)) if robots else true()


def _count_recalled(connection: Connection, now: datetime, within: ColumnElement[bool]) -> dict[str | None, _Recalled]:
    """Count the recalled messages that are still there; none was recalled before the oldest of them was sent."""
    oldest: datetime | None = connection.scalar(select(func.min(messages.c.deadline)))
    if oldest is None:
        return {}
    columns = recall_items.c
    lately = and_(columns.outcome == Outcome.RECALLED, columns.finished_at > oldest - WINDOW - CLOCKS_DIFFER)
    ids: FromClause = select(columns.message_id).where(lately).distinct().subquery()
    statement = (
        select(
            messages.c.campaign,
            func.count().label("all"),
            func.sum(case((messages.c.deadline > now, 1), else_=0)).label("open"),
        )
        .join_from(ids, messages, messages.c.id == ids.c.message_id)
        .where(within)
        .group_by(messages.c.campaign)
    )
    return {row.campaign: _Recalled(all=row.all, open=row.open) for row in connection.execute(statement)}


def _span(
    connection: Connection, campaign: str | None, now: datetime, within: ColumnElement[bool]
) -> tuple[datetime | None, datetime | None]:
    """Return the first and the last deadline of the messages of a campaign that can be recalled."""
    columns = messages.c
    recalled = exists().where(recall_items.c.message_id == columns.id, recall_items.c.outcome == Outcome.RECALLED)
    mine = columns.campaign.is_(None) if campaign is None else columns.campaign == campaign
    # In the order of an index, so that it ends at the first that is found.
    statement = select(columns.deadline).where(mine, columns.deadline > now, within, ~recalled).limit(1)
    first = connection.scalar(statement.order_by(columns.deadline))
    last = connection.scalar(statement.order_by(columns.deadline.desc()))
    return first, last
