"""Rows of `recall_calls`, the queue at work: items are claimed into calls, and settled by their answers.

A call is a lease: whoever opened it may settle it until somebody else has given it up for lost.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    select,
    update,
)

from ledger.core.recalls.settle import AskedItem, Settlement
from ledger.core.recalls.unsent import UNSENT
from ledger.core.recording.message import Route
from ledger.store.recalls.asked_items import ASKED, asked_item, route_of
from ledger.store.recording.selecting import among, among_given, rows_of
from ledger.store.schema import recall_calls, recall_items


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
# A second ask of a doubtful key may spoil its call, so these keys travel in a lane of their own beside each lane.
PUT_IN_DOUBT = {"in_doubt": True, "lane": case((_columns.lane >= 0, -1 - _columns.lane), else_=_columns.lane)}
# What left in one call shares its fate, mostly, and so it shares a lane: far below those of above.
_FIRST_LANE_OF_A_FATE = 10**9
_unanswered = func.coalesce(_columns.asked_with, _columns.call_id)
UNANSWERED = {
    "in_doubt": True,
    "asked_with": _unanswered,
    "lane": cast(-_FIRST_LANE_OF_A_FATE - _unanswered % _FIRST_LANE_OF_A_FATE, Integer),
}
_OPEN = insert(recall_calls).returning(recall_calls.c.id, sort_by_parameter_order=True)
_CLOSE = update(recall_calls).where(recall_calls.c.id == bindparam("call_id"))


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
        asked = select(*ASKED).where(_columns.recall_id == call.recall_id, _columns.call_id == call.id)
        rows = connection.execute(asked.where(_columns.outcome.is_(None)).order_by(_columns.id)).all()
        if rows:
            items = [replace(asked_item(row), attempts=row.attempts) for row in rows]
            values = {"id": call.id, "recall_id": call.recall_id, "slot_at": call.slot_at, "leave_at": 0.0}
            by = {"owner": call.owner, "run_by": call.run_by}
            found.append(Call(route=route_of(rows[0]), items=items, **by, **values))
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
        values |= UNANSWERED
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
