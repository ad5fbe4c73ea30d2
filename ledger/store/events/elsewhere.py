"""Rows of `recalled_elsewhere`: messages that other hands have taken back, and what told of it."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from ledger.core.events.elsewhere import READ_STATUS, ToldGone, cause_of_event
from ledger.core.recalls.recall import Outcome
from ledger.core.recording.message import UNKNOWN, Chat
from ledger.store.dialects import insert_into
from ledger.store.recalls.holding import is_recalled
from ledger.store.recording.selecting import among
from ledger.store.schema import message_events, messages, recall_items, recalled_elsewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignElsewhere:
    """A message of a campaign that other hands have taken back, and not we as well; when it could be recalled until."""

    campaign: str | None
    robot_code: str
    deadline: datetime


def told_gone(connection: Connection) -> Iterator[ToldGone]:
    """Yield the messages that events say are recalled, and that no recall of ours ever asked for."""
    events: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for event in connection.execute(_recall_events()):
        events[event.process_query_key].append(event)
    # Begun with the few that something is said of: joined, all messages would be gone through.
    for row in _unmarked(connection, messages.c.process_query_key, sorted(events)):
        told = [event for event in events[row.process_query_key] if _is_of(event.robot_code, row.robot_code)]
        if told:
            yield _told(row, {event.user_id for event in told}, cause_of_event(told[-1].event_id))


def answered_gone(connection: Connection, ids: Collection[int]) -> list[ToldGone]:
    """Return those of some messages, which DingTalk's read status says are recalled, that no recall of ours asked for.

    It is to be asked in the transaction that writes them down: an answer that came before a recall of ours was claimed
    cannot be of that.
    """
    return [_told(row, (), READ_STATUS) for row in _unmarked(connection, messages.c.id, sorted(ids))]


def mark(connection: Connection, gone: Sequence[ToldGone], now: datetime) -> list[ToldGone]:
    """Write messages down as recalled elsewhere; return those that nobody else has written down.

    Nothing is left of them to vanish by itself.
    """
    rows = [
        {
            "message_id": one.message_id,
            "robot_code": one.robot_code,
            "process_query_key": one.process_query_key,
            "found_at": now,
            "cause": one.cause,
        }
        for one in sorted({one.message_id: one for one in gone}.values(), key=lambda one: one.message_id)
    ]
    adding = insert_into(connection, recalled_elsewhere).on_conflict_do_nothing()
    statement = adding.returning(recalled_elsewhere.c.message_id)
    new = {number for row in rows for number in connection.scalars(statement, row)}
    these = among(messages.c.id, sorted(new), is_sqlite=connection.dialect.name == "sqlite")
    connection.execute(update(messages).where(these, messages.c.expires_at.is_not(None)).values(expires_at=None))
    first = {one.message_id: one for one in reversed(gone)}
    return [first[number] for number in sorted(new)]


def marked(connection: Connection) -> frozenset[int]:
    """Return the numbers of all messages that are recalled elsewhere."""
    return frozenset(connection.scalars(select(recalled_elsewhere.c.message_id)))


def is_elsewhere() -> ColumnElement[bool]:
    """Say whether a message is recalled elsewhere."""
    return exists().where(recalled_elsewhere.c.message_id == messages.c.id)


def of_campaigns(connection: Connection, robots: Collection[str]) -> list[CampaignElsewhere]:
    """Return what is recalled elsewhere of campaigns, and by no recall of ours too; of some robots or of all."""
    columns = messages.c
    ours = exists().where(recall_items.c.message_id == columns.id, is_recalled(recall_items))
    # An expression, so that SQLite cannot read all messages and look each up among the few that there are.
    theirs = recalled_elsewhere.c.message_id + 0
    statement = (
        select(func.coalesce(columns.campaign, "").label("campaign"), columns.robot_code, columns.deadline)
        .join_from(recalled_elsewhere, messages, columns.id == theirs)
        .where(~ours)
    )
    if robots:
        statement = statement.where(columns.robot_code.in_(sorted(robots)))
    return [CampaignElsewhere(**row._mapping) for row in connection.execute(statement)]


def of_recall(connection: Connection, recall_id: int) -> list[str]:
    """Return the keys of a recall's items that other hands have taken back, and not that recall."""
    columns = recall_items.c
    statement = select(columns.process_query_key).join_from(
        recall_items, recalled_elsewhere, recalled_elsewhere.c.message_id == columns.message_id
    )
    theirs = (columns.recall_id == recall_id, columns.outcome.is_distinct_from(Outcome.RECALLED))
    return list(connection.scalars(statement.where(*theirs).order_by(columns.id)))


def forget_orphans(connection: Connection) -> None:
    """Delete what was written down of messages that are purged."""
    there = exists().where(messages.c.id == recalled_elsewhere.c.message_id)
    connection.execute(delete(recalled_elsewhere).where(~there))


def _recall_events() -> Select[Any]:
    columns = message_events.c
    named = (columns.process_query_key, columns.robot_code, columns.user_id, columns.event_id)
    return select(*named).where(columns.kind == literal_column("'recall'")).order_by(columns.id)


def _is_of(robot_of_event: str | None, robot: str) -> bool:
    """Say whether an event may be of a message of a robot: a send that named none has none to be compared with."""
    return robot_of_event is None or robot in (robot_of_event, UNKNOWN)


def _unmarked(connection: Connection, by: Column[Any], values: Sequence[Any]) -> Sequence[Any]:
    """Return some messages that are not written down yet, and that no recall of ours ever asked for."""
    if not values:
        return []
    columns, item = messages.c, recall_items.c
    asked = exists().where(item.message_id == columns.id, or_(item.attempts > 0, item.call_id.is_not(None)))
    named = (columns.id, columns.robot_code, columns.process_query_key, columns.chat, columns.recipients)
    these = among(by, values, is_sqlite=connection.dialect.name == "sqlite")
    return connection.execute(select(*named).where(these, ~is_elsewhere(), ~asked).order_by(columns.id)).all()


def _told(row: Any, users: Collection[str | None], cause: str) -> ToldGone:
    return ToldGone(
        message_id=row.id,
        robot_code=row.robot_code,
        process_query_key=row.process_query_key,
        chat=Chat(row.chat),
        recipients=tuple(row.recipients),
        users=users,
        cause=cause,
    )
