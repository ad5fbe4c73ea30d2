"""Rows of `recall_calls`, the queue at work: items are claimed into calls, and settled by their answers.

A call is a lease: whoever opened it may settle it until somebody else has given it up for lost.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from ledger.core.recalls.fair_turn import Head
from ledger.core.recalls.lease import LONGEST_LEASE
from ledger.core.recalls.recall import OWNER_GONE, Outcome, Status
from ledger.core.recalls.settle import AskedItem, Settlement
from ledger.core.recalls.unsent import UNSENT
from ledger.core.recording.message import AppName, Chat, Route
from ledger.store.recalls import plan_messages
from ledger.store.recording.selecting import among, among_given, rows_of
from ledger.store.schema import recall_calls, recall_items, recalls

# The verdict on a call whose owner was not heard of again.
LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request to make: its items, and the moment at which it may leave.

    `leave_at` is that moment in seconds of the even clock of this machine, which nobody sets. `run_by` is who ran the
    round in which it was opened; None when an earlier release opened it.
    """

    id: int
    recall_id: int
    route: Route
    items: Sequence[AskedItem]
    slot_at: datetime
    leave_at: float
    owner: str
    run_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCall:
    """A call that was given up: nobody will say how it went."""

    id: int
    recall_id: int
    app: str
    chat: str
    robot_code: str
    key_count: int
    owner: str
    slot_at: datetime
    reason: str
    run_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A call that is about to be opened, for as long as its lease lasts."""

    recall_id: int
    route: Route
    items: Sequence[AskedItem]
    slot_at: datetime
    leave_at: float
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecord:
    """What is known of a call once it is over: facts for the record, not for decisions."""

    verdict: str
    http_status: int | None = None
    code: str | None = None
    reason: str | None = None
    request_id: str | None = None
    duration_ms: int | None = None


_columns = recall_items.c
_ASKED = (
    *(_columns.app, _columns.chat, _columns.robot_code, _columns.open_conversation_id),
    *(_columns.id, _columns.process_query_key, _columns.sent_at, _columns.deadline),
    *(_columns.attempts, _columns.in_doubt, _columns.asked_with),
)
# A second ask of a doubtful key may spoil its call, so these keys travel in a lane of their own beside each lane.
PUT_IN_DOUBT = {"in_doubt": True, "lane": case((_columns.lane >= 0, -1 - _columns.lane), else_=_columns.lane)}
# What left in one call shares its fate, mostly, and so it shares a lane: far below those of above.
_FIRST_LANE_OF_A_FATE = 10**9
_unanswered = func.coalesce(_columns.asked_with, _columns.call_id)
_UNANSWERED = {
    "in_doubt": True,
    "asked_with": _unanswered,
    "lane": cast(-_FIRST_LANE_OF_A_FATE - _unanswered % _FIRST_LANE_OF_A_FATE, Integer),
}

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

_OPEN = insert(recall_calls).returning(recall_calls.c.id, sort_by_parameter_order=True)
_CLOSE = update(recall_calls).where(recall_calls.c.id == bindparam("call_id"))
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
    select(*_ASKED)
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
    return (_route(rows[0]), [_asked(row) for row in rows]) if rows else None


def _route(row: Any) -> Route:
    return Route(
        app=row.app, chat=Chat(row.chat), robot_code=row.robot_code, open_conversation_id=row.open_conversation_id
    )


def _asked(row: Any) -> AskedItem:
    return AskedItem(
        item_id=row.id,
        process_query_key=row.process_query_key,
        sent_at=row.sent_at,
        deadline=row.deadline,
        attempts=row.attempts + 1,
        in_doubt=row.in_doubt,
        asked_with=row.asked_with,
    )


def open_calls(connection: Connection, drafts: Sequence[Draft], owner: str, run_by: Mapping[int, str]) -> list[Call]:
    """Write the intent: the calls, and which items are in them; `run_by` says of each recall who runs it."""
    values = [
        {
            "recall_id": draft.recall_id,
            "app": draft.route.app,
            "chat": draft.route.chat,
            "robot_code": draft.route.robot_code,
            "key_count": len(draft.items),
            "owner": owner,
            "slot_at": draft.slot_at,
            "lease_until": draft.lease_until,
            "run_by": run_by[draft.recall_id],
        }
        for draft in drafts
    ]
    ids = connection.scalars(_OPEN, values).all()
    pairs = [(item.item_id, call_id) for call_id, draft in zip(ids, drafts, strict=True) for item in draft.items]
    rows = rows_of(
        connection,
        item_id=[(item_id, BigInteger) for item_id, _ in pairs],
        call_id=[(call_id, BigInteger) for _, call_id in pairs],
    )
    statement = update(recall_items).where(_columns.id == rows.c.item_id)
    connection.execute(statement.values(call_id=rows.c.call_id, attempts=_columns.attempts + 1, not_before=None))
    return [
        Call(
            id=call_id,
            recall_id=draft.recall_id,
            route=draft.route,
            items=draft.items,
            slot_at=draft.slot_at,
            leave_at=draft.leave_at,
            owner=owner,
            run_by=run_by[draft.recall_id],
        )
        for call_id, draft in zip(ids, drafts, strict=True)
    ]


def still_open(connection: Connection, call_ids: Collection[int]) -> list[Call]:
    """Return those of some calls that nobody has settled or given up for lost, with what they asked for."""
    columns = recall_calls.c
    these = among(columns.id, call_ids, is_sqlite=connection.dialect.name == "sqlite")
    wanted = (columns.id, columns.recall_id, columns.slot_at, columns.owner, columns.run_by)
    statement = select(*wanted).where(these, columns.finished_at.is_(None))
    found = []
    for call in connection.execute(statement.order_by(columns.id)).all():
        asked = select(*_ASKED).where(_columns.recall_id == call.recall_id, _columns.call_id == call.id)
        rows = connection.execute(asked.where(_columns.outcome.is_(None)).order_by(_columns.id)).all()
        if rows:
            items = [replace(_asked(row), attempts=row.attempts) for row in rows]
            values = {"id": call.id, "recall_id": call.recall_id, "slot_at": call.slot_at, "leave_at": 0.0}
            by = {"owner": call.owner, "run_by": call.run_by}
            found.append(Call(route=_route(rows[0]), items=items, **by, **values))
    return found


def lock_open(connection: Connection, call_ids: Sequence[int]) -> frozenset[int]:
    """Return those of some calls that are still open, locked; the others were given up for lost meanwhile."""
    statement = _lock_open(connection.dialect.name == "sqlite")
    return frozenset(connection.scalars(statement, {"call_ids": call_ids}))


@cache
def _lock_open(is_sqlite: bool) -> Select[Any]:
    columns = recall_calls.c
    these = among_given(columns.id, "call_ids", is_sqlite=is_sqlite)
    return select(columns.id).where(these, columns.finished_at.is_(None)).order_by(columns.id).with_for_update()


def close_calls(connection: Connection, made: Mapping[int, CallRecord], now: datetime) -> None:
    """Record how calls went that are open and locked."""
    rows = [{"call_id": call_id, "finished_at": now, **asdict(one)} for call_id, one in made.items()]
    connection.execute(_CLOSE, rows)


def settle_items(
    connection: Connection,
    settlements: Mapping[int, Sequence[Settlement]],
    now: datetime,
    run_by: Mapping[int, str | None],
) -> None:
    """Write what became of the items of calls: ended, or waiting for another ask; `run_by` says who ran each call."""
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for by, one in ((run_by[call_id], one) for call_id, of_call in settlements.items() for one in of_call):
        alike[(one.outcome, one.code, one.reason, one.not_before, by)].append(one.item_id)
    for (outcome, code, reason, not_before, by), ids in alike.items():
        ended = {
            "outcome": outcome,
            "code": code,
            "reason": reason,
            "finished_at": now,
            "not_before": None,
            "ended_by": by,
        }
        again = {"call_id": None, "not_before": not_before}
        _change(connection, list(settlements), ids, ended if outcome else again)


def put_back(connection: Connection, unsent: Sequence[Call]) -> None:
    """Let the items of calls that never left wait again, as if they had not been asked."""
    ids = [item.item_id for call in unsent for item in call.items]
    _change(connection, [call.id for call in unsent], ids, {"call_id": None, "attempts": _columns.attempts - 1})


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
        values |= _UNANSWERED
    if lane is not None:
        values["lane"] = lane
    if unasked:
        values["attempts"] = _columns.attempts - 1
    _change(connection, [call_id], ids, values)


def _change(connection: Connection, call_ids: Sequence[int], ids: Sequence[int], values: dict[str, Any]) -> None:
    is_sqlite = connection.dialect.name == "sqlite"
    in_these = among(_columns.call_id, call_ids, is_sqlite=is_sqlite)
    mine = and_(among(_columns.id, ids, is_sqlite=is_sqlite), in_these, _columns.outcome.is_(None))
    connection.execute(update(recall_items).where(mine).values(values))


def owners(connection: Connection) -> list[str]:
    """Return who has calls in flight."""
    return list(connection.scalars(select(recall_calls.c.owner).where(recall_calls.c.finished_at.is_(None)).distinct()))


def in_flight(connection: Connection, recall_ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """Return, of recalls with calls in flight, how many keys are in them, and when the last of them is given up."""
    statement = _in_flight(connection.dialect.name == "sqlite")
    found = connection.execute(statement, {"recall_ids": recall_ids})
    return {row.recall_id: (row.keys, row.until) for row in found}


@cache
def _in_flight(is_sqlite: bool) -> Select[Any]:
    columns = recall_calls.c
    these = among_given(columns.recall_id, "recall_ids", is_sqlite=is_sqlite)
    return (
        select(
            columns.recall_id, func.sum(columns.key_count).label("keys"), func.max(columns.lease_until).label("until")
        )
        .where(columns.finished_at.is_(None), these)
        .group_by(columns.recall_id)
    )


def in_flight_of_cancelled(connection: Connection) -> list[tuple[str, datetime]]:
    """Return the owner and the end of the lease of each call in flight whose recall was cancelled."""
    columns = recall_calls.c
    statement = (
        select(columns.owner, columns.lease_until)
        .join_from(recall_calls, recalls, recalls.c.id == columns.recall_id)
        .where(columns.finished_at.is_(None), recalls.c.status == Status.CANCELLED)
    )
    return [(row.owner, row.lease_until) for row in connection.execute(statement)]


def give_up_lost(
    connection: Connection,
    now: datetime,
    dead_owners: Sequence[str] = (),
    *,
    recall_id: int | None = None,
    leases_by: datetime | None,
    held: Collection[int] = (),
) -> list[LostCall]:
    """Let the items of calls whose lease has ended, or whose owner is dead, wait again, in doubt; return the calls.

    With a recall, only its calls are looked at; without a moment to judge leases by, only those of the dead. What is
    `held` is not lost.
    """
    given: dict[str, Any] = {"now": now, "dead_owners": list(dead_owners)}
    if leases_by is not None:
        given |= {"leases_by": leases_by, "no_lease_after": leases_by + LONGEST_LEASE}
    if held:
        given["held"] = list(held)
    if recall_id is not None:
        given["of_recall"] = recall_id
    rows = connection.execute(_give_up(frozenset(given)), given).all()
    if rows:
        ids = [row.id for row in rows]
        theirs = among(_columns.call_id, ids, is_sqlite=connection.dialect.name == "sqlite")
        connection.execute(
            update(recall_items).where(theirs, _columns.outcome.is_(None)).values(call_id=None, **_UNANSWERED)
        )
    return sorted((LostCall(**row._mapping) for row in rows), key=lambda one: one.id)


@cache
def _give_up(given: frozenset[str]) -> ReturningUpdate[Any]:
    columns = recall_calls.c
    over: ColumnElement[bool] = columns.owner.in_(bindparam("dead_owners", expanding=True))
    if "leases_by" in given:
        until = columns.lease_until
        over = or_(over, until <= bindparam("leases_by"), until > bindparam("no_lease_after"))
    if "held" in given:
        over = and_(over, columns.id.not_in(bindparam("held", expanding=True)))
    if "of_recall" in given:
        over = and_(over, columns.recall_id == bindparam("of_recall"))
    return (
        update(recall_calls)
        .where(columns.finished_at.is_(None), over)
        .values(finished_at=bindparam("now"), verdict=LOST, reason=OWNER_GONE)
        .returning(*(columns[one.name] for one in fields(LostCall)))
    )


def last_made(connection: Connection, recall_id: int) -> CallRecord | None:
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
    return CallRecord(**row._mapping) if row else None


def has_unended(connection: Connection, recall_id: int) -> bool:
    """Say whether any item of a recall has not ended, or anything that its plan saw is not frozen yet."""
    if plan_messages.is_there(connection, recall_id):
        return True
    return connection.execute(_ONE_UNENDED, {"recall_id": recall_id}).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """The items that left in one unanswered call: those held back, locked, and how many were refused by themselves."""

    held: Sequence[AskedItem]
    refused_alone: int


def fate_of(connection: Connection, recall_id: int, asked_with: int, code: str, now: datetime) -> Fate:
    """Return what is left of those that left in one call of a recall, and how many a code has refused since."""
    together = and_(_columns.recall_id == recall_id, _columns.asked_with == asked_with)
    waits = and_(together, _columns.outcome.is_(None), _columns.call_id.is_(None), _columns.not_before > now)
    rows = connection.execute(select(*_ASKED).where(waits).order_by(_columns.deadline, _columns.id).with_for_update())
    unknown = and_(together, _columns.outcome == Outcome.UNKNOWN, _columns.code == code)
    refused = connection.scalar(select(func.count()).select_from(recall_items).where(unknown)) or 0
    return Fate(held=[_asked(row) for row in rows], refused_alone=refused)


def free_held(connection: Connection, ids: Sequence[int], *, lane: int | None = None) -> None:
    """Let items that were held back be asked; with a lane there, and with no more thought of their fate."""
    values: dict[str, Any] = {"not_before": None}
    if lane is not None:
        values |= {"lane": lane, "asked_with": None}
    mine = among(_columns.id, ids, is_sqlite=connection.dialect.name == "sqlite")
    waits = and_(mine, _columns.outcome.is_(None), _columns.call_id.is_(None))
    connection.execute(update(recall_items).where(waits).values(values))
