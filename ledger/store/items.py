"""Rows of `recall_items` and `recall_skips` as people read them: the items of a recall, and the history of keys."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select, update

from ledger.core.message import Chat
from ledger.core.recall import RETRYABLE, Item, Outcome, Status
from ledger.core.selection import Selection
from ledger.store.schema import recall_calls, recall_items, recall_skips, recalls
from ledger.store.selecting import selected_items

_BATCH_ROWS = 1000


def of_recall(connection: Connection, recall_id: int) -> Iterator[Item]:
    """Yield the items of one recall, nearest deadline first."""
    statement = _joined().where(recall_items.c.recall_id == recall_id)
    return _items(connection, statement.order_by(recall_items.c.deadline, recall_items.c.id))


def ended(
    connection: Connection,
    selection: Selection,
    *,
    outcome: Outcome | None = None,
    actor: str | None = None,
    limit: int | None = None,
) -> Iterator[Item]:
    """Yield the outcome of every key, newest first."""
    conditions = selected_items(selection, is_sqlite=connection.dialect.name == "sqlite")
    conditions.append(recall_items.c.outcome.is_not(None))
    if outcome is not None:
        conditions.append(recall_items.c.outcome == outcome)
    if actor is not None:
        conditions.append(recalls.c.actor == actor)
    newest_first = (recall_items.c.finished_at.desc(), recall_items.c.id.desc())
    return _items(connection, _joined().where(*conditions).order_by(*newest_first).limit(limit))


def skips_of(connection: Connection, recall_id: int) -> list[dict[str, Any]]:
    """Return what a recall selected but did not take, as JSON-ready facts without ids."""
    columns = [column for column in recall_skips.c if column.name not in ("id", "recall_id")]
    statement = select(*columns).where(recall_skips.c.recall_id == recall_id).order_by(recall_skips.c.id)
    return [dict(row._mapping) for row in connection.execute(statement)]


def calls_of(connection: Connection, recall_id: int) -> list[dict[str, Any]]:
    """Return the HTTP requests of a recall in the order of their making."""
    hidden = ("recall_id", "lease_until")
    columns = [column for column in recall_calls.c if column.name not in hidden]
    statement = select(*columns).where(recall_calls.c.recall_id == recall_id).order_by(recall_calls.c.id)
    return [dict(row._mapping) for row in connection.execute(statement)]


def expire(connection: Connection, recall_id: int, now: datetime) -> int:
    """End what waits past its deadline, without a call; return how many."""
    waiting = and_(
        recall_items.c.recall_id == recall_id, recall_items.c.outcome.is_(None), recall_items.c.call_id.is_(None)
    )
    statement = update(recall_items).where(waiting, recall_items.c.deadline <= now)
    values = {"outcome": Outcome.EXPIRED, "reason": "its deadline passed before its turn", "finished_at": now}
    doubtful = {
        "outcome": Outcome.UNKNOWN,
        "reason": "asked, but no answer came before its deadline",
        "finished_at": now,
    }
    unknown = connection.execute(statement.where(recall_items.c.in_doubt).values(doubtful)).rowcount
    return unknown + connection.execute(statement.where(~recall_items.c.in_doubt).values(values)).rowcount


def cancel(connection: Connection, recall_id: int, now: datetime) -> int:
    """End what waits; what is in flight ends by its answer. Return how many."""
    waiting = and_(
        recall_items.c.recall_id == recall_id, recall_items.c.outcome.is_(None), recall_items.c.call_id.is_(None)
    )
    doubtful = update(recall_items).where(waiting, recall_items.c.in_doubt)
    said = {"outcome": Outcome.UNKNOWN, "reason": "asked without an answer, then cancelled", "finished_at": now}
    unknown = connection.execute(doubtful.values(said)).rowcount
    rest = update(recall_items).where(waiting).values(outcome=Outcome.CANCELLED, finished_at=now)
    return unknown + connection.execute(rest).rowcount


def reopen(connection: Connection, recall_id: int, now: datetime) -> int:
    """Let what ended refused, partial or unknown wait again while its deadline lasts; return how many.

    Messages that another recall has meanwhile recalled, or is at, are left as they are.
    """
    other, owner = recall_items.alias("other"), recalls.alias("owner")
    elsewhere = (
        select(other.c.id)
        .join_from(other, owner, owner.c.id == other.c.recall_id)
        .where(other.c.message_id == recall_items.c.message_id, other.c.recall_id != recall_id)
        .where(
            or_(
                other.c.outcome == Outcome.RECALLED,
                and_(other.c.outcome.is_(None), owner.c.status.in_((Status.RUNNING, Status.PAUSED))),
            )
        )
        .exists()
    )
    statement = (
        update(recall_items)
        .where(recall_items.c.recall_id == recall_id, recall_items.c.outcome.in_(RETRYABLE))
        .where(recall_items.c.deadline > now, ~elsewhere)
        .values(
            in_doubt=recall_items.c.outcome.in_((Outcome.UNKNOWN, Outcome.PARTIAL)),
            outcome=None,
            code=None,
            reason=None,
            call_id=None,
            not_before=None,
            finished_at=None,
        )
    )
    return connection.execute(statement).rowcount


def _joined() -> Select[Any]:
    return select(recall_items, recalls.c.actor).join_from(recall_items, recalls)


def _items(connection: Connection, statement: Select[Any]) -> Iterator[Item]:
    for row in connection.execution_options(yield_per=_BATCH_ROWS).execute(statement):
        yield _item(row)


def _item(row: Row[Any]) -> Item:
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
    )
