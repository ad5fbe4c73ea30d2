"""Rows of `messages` that shall vanish by themselves: which are due, and what becomes of that wish.

The moment stands in the row until a recall has been started for it; so nothing is taken twice, and nothing is lost.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal_column, select, true, update

from ledger.core.recording.message import Chat
from ledger.store.recalls.holding import is_recalled
from ledger.store.recording.selecting import among
from ledger.store.schema import messages, recall_items

_BATCH_ROWS = 5000
# SQLite uses a partial index only where the condition says the same.
_SHALL = messages.c.expires_at.is_not(None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiringCampaign:
    """How many messages of a campaign shall vanish by themselves, and when the first of them does."""

    messages: int
    next_at: datetime


def first_due(connection: Connection) -> datetime | None:
    """Return when the first message shall vanish, None for none."""
    first: datetime | None = connection.scalar(select(func.min(messages.c.expires_at)).where(_SHALL))
    return first


def next_due(until: datetime, limit: int) -> ColumnElement[bool]:
    """Say whether a message is one of the first that shall vanish by a moment."""
    due = select(messages.c.id).where(_SHALL, messages.c.expires_at <= until)
    return messages.c.id.in_(due.order_by(messages.c.expires_at, messages.c.id).limit(limit))


def forget_recalled(connection: Connection, until: datetime) -> None:
    """Let those be that are recalled already."""
    _set(connection, _due(until) & _has_item(is_recalled(recall_items)), None)


def forget_missed(connection: Connection, now: datetime) -> int:
    """Let those be whose deadline has passed; return how many of them no recall was ever at."""
    over = and_(_due(now), messages.c.deadline <= now)
    missed = connection.scalar(select(func.count()).select_from(messages).where(over, ~_has_item()))
    _set(connection, over, None)
    return missed or 0


def forget(connection: Connection, ids: Collection[int]) -> None:
    """Let messages be that a recall takes."""
    _set(connection, among(messages.c.id, ids, is_sqlite=connection.dialect.name == "sqlite"), None)


def postpone_some(connection: Connection, ids: Collection[int], again_at: datetime) -> None:
    """Look again later at some that could not be taken."""
    if ids:
        _set(connection, _SHALL & among(messages.c.id, ids, is_sqlite=connection.dialect.name == "sqlite"), again_at)


def postpone(connection: Connection, until: datetime, again_at: datetime) -> None:
    """Look again later at those that could not be taken."""
    _set(connection, _due(until), again_at)


def by_campaign(connection: Connection, robots: Collection[str] = ()) -> dict[str | None, ExpiringCampaign]:
    """Return what shall vanish by itself (of some robots, or of all), by campaign."""
    whose = messages.c.robot_code.in_(sorted(robots)) if robots else true()
    # An expression, so that SQLite reads the index of the few that shall vanish, and not all messages by campaign.
    name = func.coalesce(messages.c.campaign, literal_column("''")).label("name")
    columns = (name, func.count().label("messages"), func.min(messages.c.expires_at).label("next_at"))
    rows = connection.execute(select(*columns).where(_SHALL, whose).group_by(name))
    return {row.name or None: ExpiringCampaign(messages=row.messages, next_at=row.next_at) for row in rows}


def in_order(connection: Connection, until: datetime) -> Iterator[tuple[tuple[str, Chat, str | None], datetime]]:
    """Yield what shall vanish by a moment, the first of it first: its robot, chat and conversation, and when."""
    columns = (messages.c.robot_code, messages.c.chat, messages.c.open_conversation_id, messages.c.expires_at)
    statement = select(*columns).where(_due(until)).order_by(messages.c.expires_at)
    for robot, chat, conversation, moment in connection.execute(statement.execution_options(yield_per=_BATCH_ROWS)):
        yield (robot, Chat(chat), conversation), moment


def _due(until: datetime) -> ColumnElement[bool]:
    return and_(_SHALL, messages.c.expires_at <= until)


def _has_item(condition: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    mine = recall_items.c.message_id == messages.c.id
    return exists().where(mine if condition is None else mine & condition)


def _set(connection: Connection, which: ColumnElement[bool], moment: datetime | None) -> None:
    connection.execute(update(messages).where(which).values(expires_at=moment))
