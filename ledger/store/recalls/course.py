"""How recalls go, read from their calls and items: calls by the second, what waits for which API, what is due first."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from ledger.core.recalls.course import CallsOfSecond
from ledger.core.recalls.reply import Verdict
from ledger.core.recalls.unsent import UNSENT
from ledger.core.recording.message import AppName, Chat
from ledger.store.recalls.conditions import has_left
from ledger.store.recalls.queue import apis_of
from ledger.store.schema import history, recall_calls, recall_items

# Of more than so many that wait for an API, only the share matters.
MOST_COUNTED = 20_000
# What tells when a recall was running.
_MOVES = ("started", "resumed", "retried", "paused", "finished", "cancel")

_columns = recall_calls.c
_SHOWN = (
    *(_columns.id, _columns.app, _columns.chat, _columns.slot_at, _columns.key_count, _columns.verdict),
    *(_columns.http_status, _columns.code, _columns.reason, _columns.request_id, _columns.duration_ms),
)


def calls_by_second(connection: Connection, recall_id: int) -> list[CallsOfSecond]:
    """Return how many calls of a recall left in each second in which any did; one that never left is none."""
    columns = recall_calls.c
    is_sqlite = connection.dialect.name == "sqlite"
    second: ColumnElement[Any] = (
        func.substr(columns.slot_at, 1, 19) if is_sqlite else func.date_trunc("second", columns.slot_at)
    )
    thrown_back = case((columns.verdict.in_((Verdict.THROTTLED, Verdict.BANNED)), 1), else_=0)
    statement = (
        select(
            func.min(columns.slot_at).label("second"),
            func.count().label("calls"),
            func.sum(thrown_back).label("throttled"),
            func.max(columns.finished_at).label("answered_at"),
        )
        .where(columns.recall_id == recall_id, has_left())
        .group_by(second)
        .order_by(func.min(columns.slot_at))
    )
    return [CallsOfSecond(**row._mapping) for row in connection.execute(statement)]


def moves_of(connection: Connection, recall_id: int) -> list[tuple[datetime, str]]:
    """Return when a recall was started, stopped and set going again, in order."""
    mine = and_(history.c.recall_id == recall_id, history.c.event.in_(_MOVES))
    rows = connection.execute(select(history.c.at, history.c.event).where(mine).order_by(history.c.id))
    return [(row.at, row.event) for row in rows]


def first_waiting_deadline(
    connection: Connection, recall_id: int, apis: Iterable[tuple[AppName, Chat]]
) -> datetime | None:
    """Return the nearest deadline of what has not ended of a recall, by its APIs, as far as it is copied into items."""
    columns, found = recall_items.c, list[datetime]()
    mine = and_(columns.recall_id == recall_id, columns.outcome.is_(None))
    for app, chat in apis:
        waits = and_(mine, columns.call_id.is_(None), columns.app == app, columns.chat == chat)
        found += connection.scalars(select(columns.deadline).where(waits).order_by(columns.deadline).limit(1))
    flying = select(recall_calls.c.id).where(
        recall_calls.c.recall_id == recall_id, recall_calls.c.finished_at.is_(None)
    )
    asked = connection.scalar(select(func.min(columns.deadline)).where(mine, columns.call_id.in_(flying)))
    return min([*found, asked] if asked is not None else found, default=None)


def waiting_by_api(connection: Connection, recall_id: int) -> dict[tuple[AppName, Chat], int]:
    """Return how many items of a recall wait for each API, counted no further than it matters."""
    columns, counts = recall_items.c, dict[tuple[AppName, Chat], int]()
    for app, chat in apis_of(connection, recall_id):
        waits = and_(columns.recall_id == recall_id, columns.outcome.is_(None), columns.call_id.is_(None))
        some = select(columns.id).where(waits, columns.app == app, columns.chat == chat).limit(MOST_COUNTED).subquery()
        counts[app, chat] = connection.scalar(select(func.count()).select_from(some)) or 0
    return counts


def last_calls(connection: Connection, recall_id: int, limit: int) -> Sequence[Any]:
    """Return the latest requests of a recall, the newest first; one that never left is none."""
    columns = recall_calls.c
    made = or_(columns.verdict.is_(None), columns.verdict != UNSENT)
    statement = select(*_SHOWN).where(columns.recall_id == recall_id, made).order_by(columns.id.desc()).limit(limit)
    return connection.execute(statement).all()
