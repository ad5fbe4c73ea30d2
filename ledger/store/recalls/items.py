"""Rows of `recall_items` and `recall_skips` as people read them: the items of a recall, and the history of keys."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Row,
    Select,
    and_,
    desc,
    false,
    func,
    literal_column,
    or_,
    select,
    union_all,
)

from ledger.core.cursor import Place
from ledger.core.period import ALWAYS, Period
from ledger.core.recalls.approval import Decision
from ledger.core.recalls.plan import KEYS_PER_CALL
from ledger.core.recalls.recall import Item, Outcome
from ledger.core.recalls.selection import Selection
from ledger.core.recalls.unsent import UNSENT
from ledger.core.recording.message import Chat
from ledger.store.recalls.finding import ended_between, within
from ledger.store.recording.selecting import at_most, beyond, selected_items
from ledger.store.schema import approvals, recall_calls, recall_items, recall_skips, recalls

_BATCH_ROWS = 1000
_NEWEST_FIRST = (recall_items.c.finished_at.desc(), recall_items.c.id.desc())


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


def all_refused_with(connection: Connection, recall_id: int, code: str, since: datetime) -> bool:
    """Say whether, since a moment, a call's worth of a recall's keys were refused with a code, and none recalled."""
    columns = recall_items.c
    mine = and_(columns.recall_id == recall_id, columns.finished_at >= since)
    recalled = select(columns.id).where(mine, columns.outcome == Outcome.RECALLED).limit(1)
    if connection.execute(recalled).first() is not None:
        return False
    refused = select(columns.id).where(mine, columns.outcome == Outcome.REFUSED, columns.code == code)
    return len(connection.execute(refused.limit(KEYS_PER_CALL)).all()) == KEYS_PER_CALL
