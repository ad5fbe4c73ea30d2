"""Rows of `recall_items` and `recall_skips` as people read them: the items of a recall, and the history of keys."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    desc,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.sql.dml import ReturningUpdate

from ledger.core.cursor import Place
from ledger.core.key_results import KeyReading
from ledger.core.period import ALWAYS, Period
from ledger.core.recalls.approval import Decision
from ledger.core.recalls.plan import KEYS_PER_CALL
from ledger.core.recalls.recall import CANCELLED_WAITING, EXPIRED_WAITING, Item, Outcome
from ledger.core.recalls.selection import Selection
from ledger.core.recalls.unsent import UNSENT
from ledger.core.recording.message import AppName, Chat, Route
from ledger.store.recalls.asking_again import can_be_asked_again, doubted_elsewhere
from ledger.store.recalls.calls import PUT_IN_DOUBT
from ledger.store.recalls.finding import ended_between, within
from ledger.store.recalls.holding import DOUBTFUL, has_ended
from ledger.store.recording.selecting import among, among_given, at_most, beyond, selected_items
from ledger.store.schema import approvals, recall_calls, recall_items, recall_skips, recalls

_BATCH_ROWS = 1000
ROUTE = ("app", "chat", "robot_code", "open_conversation_id")
_NEWEST_FIRST = (recall_items.c.finished_at.desc(), recall_items.c.id.desc())
_ENDED = tuple(recall_items.c[name] for name in ("id", "process_query_key", "outcome", "code", "reason", "attempts"))


def of_recall(connection: Connection, recall_id: int) -> Iterator[Item]:
    """Yield the items of one recall, nearest deadline first."""
    statement = joined_items().where(recall_items.c.recall_id == recall_id)
    return _items(connection, statement.order_by(recall_items.c.deadline, recall_items.c.id))


def ended(
    connection: Connection,
    selection: Selection,
    *,
    outcome: Outcome | None = None,
    actor: str | None = None,
    recalled: Period = ALWAYS,
    limit: int | None = None,
) -> Iterator[Item]:
    """Yield the outcome of every key, newest first."""
    most = at_most(limit)
    return _items(
        connection,
        ended_items(connection, selection, outcome=outcome, actor=actor, recalled=recalled, limit=most),
    )


def ended_items(
    connection: Connection,
    selection: Selection,
    *,
    outcome: Outcome | None,
    actor: str | None,
    recalled: Period,
    limit: int | None,
    after: Place | None = None,
) -> Select[Any] | CompoundSelect[Any]:
    """Select the outcome of every key of recalls that started in a time, newest first; `item_of` reads them.

    With a limit, so many; after a place, only those that come after it.
    """
    conditions = selected_items(selection, is_sqlite=connection.dialect.name == "sqlite")
    conditions += _of_their_time(connection, selection, recalled)
    # A plan that was cancelled before anybody ran it did nothing to any message.
    conditions += [recall_items.c.outcome.is_not(None), recalls.c.started_at.is_not(None)]
    if outcome is not None:
        conditions.append(recall_items.c.outcome == outcome)
    if outcome not in (None, Outcome.RECALLED):
        # Word for word what the index of these says.
        conditions.append(recall_items.c.outcome != literal_column(f"'{Outcome.RECALLED}'"))
    conditions += within(recalls.c.started_at, recalled)
    if after is not None:
        conditions.append(beyond(recall_items.c.finished_at, recall_items.c.id, after, descending=True))
    all_of_them = joined_items().where(*conditions)
    if actor is None:
        return all_of_them.order_by(*_NEWEST_FIRST).limit(limit)
    # Apart, since each has an index of its own; and each no further than asked for: both would be put in order whole.
    ended, number = recall_items.c.finished_at.label("ended"), recall_items.c.id.label("number")
    in_order = all_of_them.add_columns(ended, number)
    by_them = in_order.where(recall_items.c.ended_by == actor)
    of_their_plans = in_order.where(recall_items.c.ended_by.is_(None), recalls.c.actor == actor)
    if limit is not None:
        by_them, of_their_plans = (
            select(some.order_by(*_NEWEST_FIRST).limit(limit).subquery()) for some in (by_them, of_their_plans)
        )
    return union_all(by_them, of_their_plans).order_by(desc("ended"), desc("number")).limit(limit)


def _of_their_time(connection: Connection, selection: Selection, recalled: Period) -> list[ColumnElement[bool]]:
    """Return when items ended that are of some time: by that they are found, and by no other time of theirs.

    Those of some people or keys are found by these, and are few.
    """
    sent = Period(since=selection.since, until=selection.until)
    if selection.users or selection.keys or (sent, recalled) == (ALWAYS, ALWAYS):
        return []
    ended = ended_between(connection, sent, recalled)
    if ended is None:
        return [false()]
    return within(recall_items.c.finished_at, Period(since=ended.first, until=ended.last))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why so many items of a recall were not recalled."""

    outcome: Outcome
    code: str | None
    reason: str | None
    count: int


def reasons_of(connection: Connection, recall_id: int, limit: int) -> list[Reason]:
    """Return why items of a recall were not recalled, the most frequent first."""
    columns = recall_items.c
    kinds = (columns.outcome, columns.code, columns.reason)
    failed = [outcome.value for outcome in Outcome if outcome is not Outcome.RECALLED]
    count = func.count().label("count")
    statement = (
        select(*kinds, count)
        .where(columns.recall_id == recall_id, columns.outcome.in_(failed))
        .group_by(*kinds)
        .order_by(count.desc(), *kinds)
        .limit(limit)
    )
    return [Reason(**{**row._mapping, "outcome": Outcome(row.outcome)}) for row in connection.execute(statement)]


def count_ended_since(connection: Connection, recall_id: int, moment: datetime) -> int:
    """Return how many items of a recall have ended since a moment."""
    columns = recall_items.c
    since = and_(columns.recall_id == recall_id, columns.outcome.is_not(None), columns.finished_at > moment)
    return connection.scalar(select(func.count()).select_from(recall_items).where(since)) or 0


def skips_of(connection: Connection, recall_id: int) -> list[dict[str, Any]]:
    """Return what a recall selected but did not take, as JSON-ready facts without ids."""
    columns = [column for column in recall_skips.c if column.name not in ("id", "recall_id")]
    statement = select(*columns).where(recall_skips.c.recall_id == recall_id).order_by(recall_skips.c.id)
    return [dict(row._mapping) for row in connection.execute(statement)]


def calls_of(connection: Connection, recall_id: int) -> list[dict[str, Any]]:
    """Return the HTTP requests of a recall in the order of their making; one that never left is none."""
    hidden = ("recall_id", "lease_until")
    columns = [column for column in recall_calls.c if column.name not in hidden]
    made = or_(recall_calls.c.verdict.is_(None), recall_calls.c.verdict != UNSENT)
    statement = select(*columns).where(recall_calls.c.recall_id == recall_id, made).order_by(recall_calls.c.id)
    return [dict(row._mapping) for row in connection.execute(statement)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One item as it ended, for the history."""

    item_id: int
    process_query_key: str
    outcome: Outcome
    code: str | None
    reason: str | None
    attempts: int

    def to_fact(self) -> list[Any]:
        """Return the item as an entry of the history holds it."""
        return [self.item_id, self.process_query_key, self.outcome.value, self.code, self.reason, self.attempts]


def ended_in_calls(connection: Connection, call_ids: Collection[int]) -> dict[int, list[Ended]]:
    """Return the items that calls ended, by call."""
    ended = defaultdict(list)
    statement = _ended_in_calls(connection.dialect.name == "sqlite")
    for row in connection.execute(statement, {"call_ids": call_ids}):
        ended[row.call_id].append(_ended(row))
    return ended


@cache
def _ended_in_calls(is_sqlite: bool) -> Select[Any]:
    columns = recall_items.c
    these = among_given(columns.call_id, "call_ids", is_sqlite=is_sqlite)
    return select(columns.call_id, *_ENDED).where(these, has_ended(recall_items)).order_by(columns.id)


def expire(connection: Connection, recall_id: int, app: AppName, chat: Chat, now: datetime, by: str) -> list[Ended]:
    """End, without a call, what still waits although its deadline has passed; `by` is who runs the recall."""
    given = {"of_recall": recall_id, "of_app": app, "of_chat": chat, "now": now, "by": by}
    return [_ended(row) for row in connection.execute(_EXPIRE, given)]


def cancel(connection: Connection, recall_id: int, now: datetime, by: str) -> list[Ended]:
    """End what waits, as somebody wants; what is in flight ends by its answer."""
    given = {"of_recall": recall_id, "now": now, "by": by}
    return [_ended(row) for row in connection.execute(_CANCEL, given)]


def leave_unknown(
    connection: Connection, ids: Collection[int], code: str | None, reason: str, now: datetime, by: str
) -> list[Ended]:
    """End items that wait as unknown, without a further ask."""
    columns = recall_items.c
    these = among(columns.id, ids, is_sqlite=connection.dialect.name == "sqlite")
    waits = and_(these, columns.outcome.is_(None), columns.call_id.is_(None))
    values = {
        "outcome": Outcome.UNKNOWN,
        "code": code,
        "reason": reason,
        "finished_at": now,
        "not_before": None,
        "ended_by": by,
    }
    ending = update(recall_items).where(waits).values(values).returning(*_ENDED)
    return [_ended(row) for row in connection.execute(ending)]


def _waits(recall_id: int | BindParameter[int]) -> ColumnElement[bool]:
    columns = recall_items.c
    return and_(columns.recall_id == recall_id, columns.outcome.is_(None), columns.call_id.is_(None))


def _ending(outcome: Outcome, reason: str, *of_these: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """End items without an answer; of one that was asked before without an answer, nobody can say."""
    columns = recall_items.c
    values: dict[str, Any] = {
        "outcome": case((columns.in_doubt, Outcome.UNKNOWN.value), else_=outcome.value),
        "reason": case((columns.in_doubt, f"asked without an answer; then {reason}"), else_=reason),
        "finished_at": bindparam("now"),
        "not_before": None,
        "ended_by": bindparam("by"),
    }
    waits = _waits(bindparam("of_recall"))
    return update(recall_items).where(waits, *of_these).values(values).returning(*_ENDED)


_EXPIRE = _ending(
    Outcome.EXPIRED,
    EXPIRED_WAITING,
    recall_items.c.app == bindparam("of_app"),
    recall_items.c.chat == bindparam("of_chat"),
    recall_items.c.deadline <= bindparam("now"),
)
_CANCEL = _ending(Outcome.CANCELLED, CANCELLED_WAITING)


def _ended(row: Row[Any]) -> Ended:
    return Ended(
        item_id=row.id,
        process_query_key=row.process_query_key,
        outcome=Outcome(row.outcome),
        code=row.code,
        reason=row.reason,
        attempts=row.attempts,
    )


def reopen(connection: Connection, recall_id: int, now: datetime) -> list[int]:
    """Let what ended refused, partial or unknown wait again while its deadline lasts; return the items.

    Messages that another recall has meanwhile recalled, or is at, and those that were refused for good, are left as
    they are.
    """
    statement = (
        update(recall_items)
        .where(can_be_asked_again(connection, recall_id, now))
        .values(
            in_doubt=recall_items.c.outcome.in_(DOUBTFUL),
            outcome=None,
            code=None,
            reason=None,
            call_id=None,
            not_before=None,
            finished_at=None,
            ended_by=None,
        )
        .returning(recall_items.c.id)
    )
    return sorted(connection.scalars(statement))


def make_due(connection: Connection, recall_id: int) -> None:
    """Let what waits to be asked again be asked at once."""
    waits = and_(_waits(recall_id), recall_items.c.not_before.is_not(None))
    connection.execute(update(recall_items).where(waits).values(not_before=None))


def share_doubts(connection: Connection, recall_id: int, only: Collection[int] | None = None) -> None:
    """Put what waits in doubt, in lanes of its own, where the ask of another recall may have worked unsaid.

    With messages, only what waits of these.
    """
    columns, doubted = recall_items.c, doubted_elsewhere(recall_id)
    sure = and_(_waits(recall_id), columns.in_doubt.is_(False), columns.message_id.in_(doubted))
    if only is not None:
        is_sqlite = connection.dialect.name == "sqlite"
        doubted = doubted.where(among(doubted.selected_columns.message_id, only, is_sqlite=is_sqlite))
        sure = and_(sure, among(columns.message_id, only, is_sqlite=is_sqlite), columns.message_id.in_(doubted))
    connection.execute(update(recall_items).where(sure).values(PUT_IN_DOUBT))


def joined_items() -> Select[Any]:
    """Select items with what their recall says of itself, and whose act they are; `item_of` reads them."""
    approved = and_(approvals.c.recall_id == recalls.c.id, approvals.c.verdict == Decision.APPROVED)
    says = (
        _whose().label("actor"),
        recalls.c.reason.label("recall_reason"),
        approvals.c.decided_by.label("approved_by"),
    )
    return select(recall_items, *says).join_from(recall_items, recalls).outerjoin(approvals, approved)


def _whose() -> ColumnElement[str]:
    """Return who ran the round in which an item ended, or ended it; before that, and earlier, who planned it."""
    return func.coalesce(recall_items.c.ended_by, recalls.c.actor)


def _items(connection: Connection, statement: Select[Any] | CompoundSelect[Any]) -> Iterator[Item]:
    for row in connection.execute(statement.execution_options(yield_per=_BATCH_ROWS)):
        yield item_of(row)


def item_of(row: Row[Any]) -> Item:
    """Read a row of `joined_items`."""
    return Item(
        process_query_key=row.process_query_key,
        robot_code=row.robot_code,
        campaign=row.campaign,
        sent_at=row.sent_at,
        deadline=row.deadline,
        recipients=tuple(row.recipients),
        outcome=Outcome(row.outcome) if row.outcome else None,
        code=row.code,
        reason=row.reason,
        attempts=row.attempts,
        recall_id=row.recall_id,
        actor=row.actor,
        finished_at=row.finished_at,
        chat=Chat(row.chat),
        open_conversation_id=row.open_conversation_id,
        source=row.source,
        undelivered={why: tuple(users) for why, users in row.undelivered.items()},
        recall_reason=row.recall_reason,
        approved_by=row.approved_by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """An item that ended unknown or partial, and that the read status may settle."""

    item_id: int
    route: Route
    process_query_key: str
    outcome: Outcome
    finished_at: datetime


def doubtful(connection: Connection, recall_id: int, now: datetime) -> list[Doubtful]:
    """Return the items of a recall that ended unknown or partial, while their read status can be asked."""
    columns = recall_items.c
    statement = (
        select(
            columns.id,
            *(columns[name] for name in ROUTE),
            columns.process_query_key,
            columns.outcome,
            columns.finished_at,
        )
        .where(columns.recall_id == recall_id, columns.outcome.in_(DOUBTFUL), columns.deadline > now)
        .order_by(columns.deadline, columns.id)
    )
    return [
        Doubtful(
            item_id=row.id,
            route=route_of(row),
            process_query_key=row.process_query_key,
            outcome=Outcome(row.outcome),
            finished_at=row.finished_at,
        )
        for row in connection.execute(statement)
    ]


def route_of(row: Any) -> Route:
    """Read the route of an item."""
    return Route(
        app=AppName(row.app),
        chat=Chat(row.chat),
        robot_code=row.robot_code,
        open_conversation_id=row.open_conversation_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """An item that ended recalled, and that can still be asked about."""

    item_id: int
    route: Route
    process_query_key: str


def recalled(connection: Connection, recall_id: int, now: datetime) -> list[Recalled]:
    """Return the items of a recall that ended recalled, while they can be asked about."""
    columns = recall_items.c
    statement = select(columns.id, *(columns[name] for name in ROUTE), columns.process_query_key)
    statement = statement.where(_can_be_checked(recall_id, now)).order_by(columns.id)
    return [
        Recalled(item_id=row.id, route=route_of(row), process_query_key=row.process_query_key)
        for row in connection.execute(statement)
    ]


def count_recalled(connection: Connection, recall_id: int, now: datetime, *, at_most: int) -> int:
    """Return how many there are, counted no further than told."""
    some = select(recall_items.c.id).where(_can_be_checked(recall_id, now)).limit(at_most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _can_be_checked(recall_id: int, now: datetime) -> ColumnElement[bool]:
    columns = recall_items.c
    return and_(columns.recall_id == recall_id, columns.outcome == Outcome.RECALLED, columns.deadline > now)


def correct(connection: Connection, one: Doubtful, reading: KeyReading, by: str) -> Ended | None:
    """Give a doubtful item the outcome that somebody found out; None when it is no longer what it was."""
    columns = recall_items.c
    same = and_(columns.id == one.item_id, columns.outcome == one.outcome, columns.finished_at == one.finished_at)
    values = {"outcome": reading.outcome, "code": reading.code, "reason": reading.reason, "ended_by": by}
    row = connection.execute(update(recall_items).where(same).values(values).returning(*_ENDED)).one_or_none()
    return _ended(row) if row else None


def all_refused_with(connection: Connection, recall_id: int, code: str, since: datetime) -> bool:
    """Say whether, since a moment, a call's worth of a recall's keys were refused with a code, and none recalled."""
    columns = recall_items.c
    mine = and_(columns.recall_id == recall_id, columns.finished_at >= since)
    recalled = select(columns.id).where(mine, columns.outcome == Outcome.RECALLED).limit(1)
    if connection.execute(recalled).first() is not None:
        return False
    refused = select(columns.id).where(mine, columns.outcome == Outcome.REFUSED, columns.code == code)
    return len(connection.execute(refused.limit(KEYS_PER_CALL)).all()) == KEYS_PER_CALL
