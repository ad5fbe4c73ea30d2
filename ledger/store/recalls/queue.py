"""What waits to be asked, nearest deadline first: the queue that every runner looks at."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, String, and_, bindparam, or_, select, tuple_

from ledger.core.recalls.fair_turn import Head
from ledger.core.recalls.settle import AskedItem
from ledger.core.recording.message import AppName, Chat, Route
from ledger.store.recalls import plan_messages
from ledger.store.recalls.asked_items import ASKED, asked_item, route_of
from ledger.store.schema import recall_calls, recall_items

_columns = recall_items.c

_FLYING_APIS = (
    select(recall_calls.c.app, recall_calls.c.chat)
    .where(recall_calls.c.recall_id == bindparam("recall_id"), recall_calls.c.finished_at.is_(None))
    .distinct()
)
_FIRST_WAITING_API = (
    select(_columns.app, _columns.chat)
    .where(_columns.recall_id == bindparam("recall_id"), _columns.outcome.is_(None), _columns.call_id.is_(None))
    .order_by(_columns.app, _columns.chat)
    .limit(1)
)
_NEXT_WAITING_API = _FIRST_WAITING_API.where(
    tuple_(_columns.app, _columns.chat) > tuple_(bindparam("app", type_=String), bindparam("chat", type_=String))
)
_ONE_UNENDED = (
    select(_columns.id).where(_columns.recall_id == bindparam("recall_id"), _columns.outcome.is_(None)).limit(1)
)
_WAIT = and_(
    _columns.deadline > bindparam("first_slot"),
    _columns.recall_id == bindparam("recall_id"),
    _columns.outcome.is_(None),
    _columns.call_id.is_(None),
    or_(_columns.not_before.is_(None), _columns.not_before <= bindparam("now")),
)
_HEADS = (
    select(_columns.id, _columns.lane, _columns.deadline)
    .where(_WAIT, _columns.app == bindparam("app"), _columns.chat == bindparam("chat"))
    .order_by(_columns.deadline, _columns.id)
    .limit(bindparam("most"))
)
_OF_LANE = (
    select(*ASKED)
    .where(_WAIT, _columns.lane == bindparam("lane"))
    .order_by(_columns.deadline, _columns.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def apis_of(connection: Connection, recall_id: int) -> list[tuple[AppName, Chat]]:
    """Return the apps and kinds of chat for which a recall has items that have not ended, in order.

    They are looked up one after the other: reading 100,000 items for two or three would hold up their first call.
    """
    mine = {"recall_id": recall_id}
    found = {(row.app, row.chat) for row in connection.execute(_FLYING_APIS, mine)}
    row = connection.execute(_FIRST_WAITING_API, mine).one_or_none()
    while row is not None:
        found.add((row.app, row.chat))
        row = connection.execute(_NEXT_WAITING_API, {**mine, "app": row.app, "chat": row.chat}).one_or_none()
    found.update(plan_messages.apis_of(connection, recall_id))
    return [(AppName(app), Chat(chat)) for app, chat in sorted(found)]


def heads(
    connection: Connection, recall_id: int, app: AppName, chat: Chat, now: datetime, first_slot: datetime, limit: int
) -> list[Head]:
    """Return the waiting items of a recall that may be asked now and leave in time, nearest deadline first."""
    here = {"recall_id": recall_id, "app": app, "chat": chat, "now": now, "first_slot": first_slot, "most": limit}
    return [Head(item_id=row.id, lane=row.lane, deadline=row.deadline) for row in connection.execute(_HEADS, here)]


def waiting_in_lane(
    connection: Connection, recall_id: int, lane: int, now: datetime, first_slot: datetime, limit: int
) -> tuple[Route, Sequence[AskedItem]] | None:
    """Return a lane's route and its first waiting items, nearest deadline first, locked against other claims."""
    here = {"recall_id": recall_id, "lane": lane, "now": now, "first_slot": first_slot, "most": limit}
    rows = connection.execute(_OF_LANE, here).all()
    return (route_of(rows[0]), [asked_item(row) for row in rows]) if rows else None


def has_unended(connection: Connection, recall_id: int) -> bool:
    """Say whether any item of a recall has not ended, or anything that its plan saw is not frozen yet."""
    if plan_messages.is_there(connection, recall_id):
        return True
    return connection.execute(_ONE_UNENDED, {"recall_id": recall_id}).first() is not None
