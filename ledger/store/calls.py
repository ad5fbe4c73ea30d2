"""Rows of `recall_calls`, the queue at work: items are claimed into calls, and settled by their answers.

A call is a lease: whoever opened it may settle it until somebody else has given it up for lost.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, insert, or_, select, update

from ledger.core.message import AppName, Chat, Route
from ledger.core.settle import Asked, Settlement
from ledger.core.turn import Head
from ledger.store.schema import recall_calls, recall_items
from ledger.store.selecting import among

# Verdicts on calls that no answer gives: it never left, and its owner was not heard of again.
UNSENT = "unsent"
LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request to make: its items, and the moment at which it may leave."""

    id: int
    recall_id: int
    route: Route
    items: Sequence[Asked]
    slot_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What is known of a call once it is over: facts for the record, not for decisions."""

    verdict: str
    http_status: int | None = None
    code: str | None = None
    reason: str | None = None
    request_id: str | None = None
    duration_ms: int | None = None


_columns = recall_items.c
# A second ask of a doubtful key may spoil its call, so these keys travel in a lane of their own beside each lane.
_IN_DOUBT = {"in_doubt": True, "lane": case((_columns.lane >= 0, -1 - _columns.lane), else_=_columns.lane)}


def _waits(recall_id: int, now: datetime) -> ColumnElement[bool]:
    return and_(
        _columns.recall_id == recall_id,
        _columns.outcome.is_(None),
        _columns.call_id.is_(None),
        or_(_columns.not_before.is_(None), _columns.not_before <= now),
    )


def apis_of(connection: Connection, recall_id: int) -> list[tuple[AppName, Chat]]:
    """Return the apps and kinds of chat for which a recall has items that have not ended."""
    statement = (
        select(_columns.app, _columns.chat)
        .where(_columns.recall_id == recall_id, _columns.outcome.is_(None))
        .distinct()
        .order_by(_columns.app, _columns.chat)
    )
    return [(AppName(row.app), Chat(row.chat)) for row in connection.execute(statement)]


def head(connection: Connection, recall_id: int, app: AppName, chat: Chat, now: datetime) -> Head | None:
    """Return the waiting item of a recall whose deadline is nearest, or None when nothing may be asked now."""
    here = and_(_waits(recall_id, now), _columns.app == app, _columns.chat == chat)
    statement = select(_columns.lane, _columns.deadline).where(here).order_by(_columns.deadline, _columns.id).limit(1)
    row = connection.execute(statement).one_or_none()
    return Head(recall_id=recall_id, lane=row.lane, deadline=row.deadline) if row else None


def waiting_in_lane(
    connection: Connection, recall_id: int, lane: int, now: datetime, limit: int
) -> tuple[Route, Sequence[Asked]] | None:
    """Return a lane's route and its first waiting items, nearest deadline first, locked against other claims."""
    statement = (
        select(recall_items)
        .where(_waits(recall_id, now), _columns.lane == lane)
        .order_by(_columns.deadline, _columns.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = connection.execute(statement).all()
    return (_route(rows[0]), [_asked(row) for row in rows]) if rows else None


def _route(row: Any) -> Route:
    return Route(
        app=row.app, chat=Chat(row.chat), robot_code=row.robot_code, open_conversation_id=row.open_conversation_id
    )


def _asked(row: Any) -> Asked:
    return Asked(
        item_id=row.id,
        process_query_key=row.process_query_key,
        sent_at=row.sent_at,
        deadline=row.deadline,
        attempts=row.attempts + 1,
        in_doubt=row.in_doubt,
    )


def open_call(
    connection: Connection,
    recall_id: int,
    route: Route,
    items: Sequence[Asked],
    *,
    owner: str,
    slot_at: datetime,
    lease_until: datetime,
) -> Call:
    """Write the intent: the call, and that its items are in it."""
    values = {
        "recall_id": recall_id,
        "app": route.app,
        "chat": route.chat,
        "robot_code": route.robot_code,
        "key_count": len(items),
        "owner": owner,
        "slot_at": slot_at,
        "lease_until": lease_until,
    }
    inserted = connection.execute(insert(recall_calls).values(values)).inserted_primary_key
    assert inserted is not None  # noqa: S101  (an insert of one row always has a key)
    call_id = int(inserted[0])
    ids = [item.item_id for item in items]
    is_sqlite = connection.dialect.name == "sqlite"
    statement = update(recall_items).where(among(_columns.id, ids, is_sqlite=is_sqlite))
    connection.execute(statement.values(call_id=call_id, attempts=_columns.attempts + 1, not_before=None))
    return Call(id=call_id, recall_id=recall_id, route=route, items=items, slot_at=slot_at)


def close_call(connection: Connection, call_id: int, made: Made, now: datetime) -> bool:
    """Record how a call went; False when it was given up for lost before, and so must change nothing more."""
    statement = update(recall_calls).where(recall_calls.c.id == call_id, recall_calls.c.finished_at.is_(None))
    values = {
        "finished_at": now,
        "verdict": made.verdict,
        "http_status": made.http_status,
        "code": made.code,
        "reason": made.reason,
        "request_id": made.request_id,
        "duration_ms": made.duration_ms,
    }
    return connection.execute(statement.values(values)).rowcount == 1


def settle_items(connection: Connection, call_id: int, settlements: Sequence[Settlement], now: datetime) -> None:
    """Write what became of a call's items: ended, or waiting for another ask."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for one in settlements:
        alike[(one.outcome, one.code, one.reason, one.not_before)].append(one.item_id)
    for (outcome, code, reason, not_before), ids in alike.items():
        ended = {"outcome": outcome, "code": code, "reason": reason, "finished_at": now, "not_before": None}
        again = {"call_id": None, "not_before": not_before}
        _change(connection, call_id, ids, ended if outcome else again)


def release_items(
    connection: Connection,
    call_id: int,
    ids: Sequence[int],
    *,
    not_before: datetime | None = None,
    in_doubt: bool = False,
    lane: int | None = None,
    unasked: bool = False,
) -> None:
    """Let a call's items wait again: later, in doubt, in a lane of their own, or as if they had not been asked."""
    values: dict[str, Any] = {"call_id": None, "not_before": not_before}
    if in_doubt:
        values |= _IN_DOUBT
    if lane is not None:
        values["lane"] = lane
    if unasked:
        values["attempts"] = _columns.attempts - 1
    _change(connection, call_id, ids, values)


def _change(connection: Connection, call_id: int, ids: Sequence[int], values: dict[str, Any]) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    mine = and_(among(_columns.id, ids, is_sqlite=is_sqlite), _columns.call_id == call_id, _columns.outcome.is_(None))
    connection.execute(update(recall_items).where(mine).values(values))


def owners(connection: Connection) -> list[str]:
    """Return who has calls in flight."""
    return list(connection.scalars(select(recall_calls.c.owner).where(recall_calls.c.finished_at.is_(None)).distinct()))


def give_up_lost(
    connection: Connection, now: datetime, dead_owners: Sequence[str] = (), *, recall_id: int | None = None
) -> set[int]:
    """Let the items of calls whose lease has ended, or whose owner is dead, wait again, in doubt; return whose.

    With a recall, only its calls are looked at.
    """
    over = or_(recall_calls.c.lease_until <= now, recall_calls.c.owner.in_(dead_owners))
    if recall_id is not None:
        over = and_(over, recall_calls.c.recall_id == recall_id)
    lost = (
        update(recall_calls)
        .where(recall_calls.c.finished_at.is_(None), over)
        .values(finished_at=now, verdict=LOST, reason="its owner went away")
        .returning(recall_calls.c.id, recall_calls.c.recall_id)
    )
    rows = connection.execute(lost).all()
    if rows:
        is_sqlite = connection.dialect.name == "sqlite"
        held = and_(among(_columns.call_id, [row.id for row in rows], is_sqlite=is_sqlite), _columns.outcome.is_(None))
        connection.execute(update(recall_items).where(held).values(call_id=None, **_IN_DOUBT))
    return {row.recall_id for row in rows}


def last_made(connection: Connection, recall_id: int) -> Made | None:
    """Return how the latest of a recall's finished calls went."""
    columns = recall_calls.c
    statement = (
        select(
            columns.verdict, columns.http_status, columns.code, columns.reason, columns.request_id, columns.duration_ms
        )
        .where(columns.recall_id == recall_id, columns.verdict.is_not(None), columns.verdict != UNSENT)
        .order_by(columns.id.desc())
        .limit(1)
    )
    row = connection.execute(statement).one_or_none()
    return Made(**row._mapping) if row else None


def has_unended(connection: Connection, recall_id: int) -> bool:
    """Say whether any item of a recall has not ended."""
    statement = select(_columns.id).where(_columns.recall_id == recall_id, _columns.outcome.is_(None)).limit(1)
    return connection.execute(statement).first() is not None
