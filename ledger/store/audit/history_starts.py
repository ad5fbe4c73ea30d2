"""Rows of `history_starts`, and what goes with the oldest segments of the history: which may leave, and its rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, insert, not_, or_, select, update

from ledger.core.audit.history_start import HistoryStart
from ledger.core.recalls.recall import Status
from ledger.store.audit.history import CLOCKS_DIFFER
from ledger.store.recalls import plans
from ledger.store.recalls.conditions import is_complete
from ledger.store.schema import (
    approvals,
    break_glass,
    corrections,
    history,
    history_starts,
    plan_messages,
    recall_calls,
    recalls,
    schedules,
)

# What is one row a recall; items, skips and calls go with the recall itself.
_OF_RECALLS = (approvals, break_glass, plan_messages, schedules)
_MOST = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """What may leave: what was written before a time, as seen now."""

    before: datetime
    now: datetime


def latest(connection: Connection) -> HistoryStart:
    """Return where the history begins."""
    newest = select(history_starts).order_by(history_starts.c.entries.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return HistoryStart(**row._mapping) if row is not None else HistoryStart()


def add(connection: Connection, start: HistoryStart) -> None:
    """Let the history begin later."""
    row = {"entries": start.entries, "last_id": start.last_id, "digest": start.digest}
    connection.execute(insert(history_starts).values(row))


def first_to_stay(connection: Connection, start: HistoryStart, old: Old) -> int | None:
    """Return the number of the first entry that is not old, or tells of a recall that is not done."""
    young = connection.scalar(_first_young(start, old))
    open_recall = connection.scalar(
        select(func.min(history.c.id)).where(
            history.c.id > start.last_id, history.c.recall_id.in_(_not_done(start, old))
        )
    )
    return min((number for number in (young, open_recall) if number is not None), default=None)


def holding_up(connection: Connection, old: Old, planned_before: datetime) -> tuple[int, str] | None:
    """Return the first recall planned so long ago that is not done, and its state: what came after it has to stay."""
    mine = (is_complete(), not_(_is_done(latest(connection), old)), recalls.c.planned_at < planned_before)
    first = select(recalls.c.id, recalls.c.status).where(*mine).order_by(recalls.c.id).limit(1)
    row = connection.execute(first).one_or_none()
    return (row.id, str(row.status)) if row is not None else None


def let_recalls_go(connection: Connection, start: HistoryStart, last_id: int, old: Old) -> list[int] | None:
    """Let nobody see recalls any more that entries up to one tell of; return them, None when not all of them may go.

    They are left as plans are that were given up, whose rows go some at a time.
    """
    touched = _touched(start, last_id)
    hidden: dict[str, Any] = {
        "plan": {},
        "status": Status.PLANNED,
        **dict.fromkeys(("started_at", "activated_at", "sticky_until")),
        "finished_at": func.coalesce(recalls.c.finished_at, recalls.c.planned_at),
    }
    done = and_(recalls.c.id.in_(touched), is_complete(), _is_done(start, old))
    gone = sorted(connection.scalars(update(recalls).where(done).values(hidden).returning(recalls.c.id)))
    if connection.scalar(select(recalls.c.id).where(recalls.c.id.in_(touched), is_complete()).limit(1)) is not None:
        return None
    for table in _OF_RECALLS:
        connection.execute(delete(table).where(table.c.recall_id.in_(touched)))
    return gone


def left_with_entries(connection: Connection, start: HistoryStart, last_id: int, before: frozenset[int]) -> list[int]:
    """Return the recalls that have left, now or before, and of which entries stay."""
    staying = select(history.c.recall_id).where(history.c.id > last_id).distinct()
    found = set(connection.scalars(staying.where(history.c.recall_id.in_(_touched(start, last_id)))))
    for number in before:
        one = select(history.c.id).where(history.c.id > last_id, history.c.recall_id == number).limit(1)
        found |= {number} if connection.scalar(one) is not None else set()
    return sorted(found)


def strays(connection: Connection, start: HistoryStart) -> Iterator[tuple[int, int]]:
    """Yield number and recall of entries that should have left, and that tell of a recall that is shown."""
    shown = select(recalls.c.id).where(is_complete())
    stray = select(history.c.id, history.c.recall_id).where(history.c.id <= start.last_id)
    yield from map(tuple, connection.execute(stray.where(history.c.recall_id.in_(shown)).order_by(history.c.id)))


def is_left(connection: Connection) -> bool:
    """Say whether rows are there of what has left."""
    entry = select(history.c.id).where(history.c.id <= latest(connection).last_id).limit(1)
    return connection.scalar(entry) is not None or plans.is_left(connection)


def delete_left(connection: Connection, limit: int) -> bool:
    """Delete up to `limit` entries that have left; say whether more may be there."""
    start = latest(connection)
    some = select(history.c.id).where(history.c.id <= start.last_id).order_by(history.c.id).limit(limit)
    return connection.execute(delete(history).where(history.c.id.in_(some))).rowcount == limit


def _touched(start: HistoryStart, last_id: int) -> Select[Any]:
    mine = and_(history.c.id > start.last_id, history.c.id <= last_id, history.c.recall_id.is_not(None))
    return select(history.c.recall_id).where(mine)


def _first_young(start: HistoryStart, old: Old) -> Select[Any]:
    """Select the number of the first entry that is not old.

    Whose time lies ahead of now was written by a clock that was wrong: it is as old as what stands around it.
    """
    stays, newer = history.c.id > start.last_id, history.alias()
    dated = select(func.min(newer.c.id)).where(
        newer.c.id > start.last_id, newer.c.at >= old.before, newer.c.at <= old.now + CLOCKS_DIFFER
    )
    is_before = history.c.id < func.coalesce(dated.scalar_subquery(), _MOST)
    last_old = select(func.max(history.c.id)).where(stays, history.c.at < old.before, is_before).scalar_subquery()
    return select(func.min(history.c.id)).where(history.c.id > func.coalesce(last_old, start.last_id))


def _not_done(start: HistoryStart, old: Old) -> Select[Any]:
    return select(recalls.c.id).where(is_complete(), not_(_is_done(start, old)))


def _is_done(start: HistoryStart, old: Old) -> ColumnElement[bool]:
    """Say whether a recall ended before a time, and nothing is left to be done about it."""
    mine, before = recalls.c.id, old.before
    first_young = _first_young(start, old).scalar_subquery()
    # Also from within what is asked of other rows of a recall.
    told_of_lately = exists().where(history.c.recall_id == mine, history.c.id >= first_young).correlate(recalls)
    all_told_is_old = not_(told_of_lately)

    def is_old(at: ColumnElement[Any]) -> ColumnElement[bool]:
        return or_(at < before, and_(at > old.now + CLOCKS_DIFFER, all_told_is_old))

    in_flight = exists().where(recall_calls.c.recall_id == mine, recall_calls.c.verdict.is_(None))
    to_review = exists().where(break_glass.c.recall_id == mine, break_glass.c.reviewed_by.is_(None))
    ended = and_(
        recalls.c.status.in_((Status.FINISHED, Status.CANCELLED)),
        is_old(func.coalesce(recalls.c.finished_at, recalls.c.planned_at)),
        recalls.c.unfrozen_items == 0,
        recalls.c.unfrozen_skips == 0,
    )
    # A second person was asked and never answered, or agreed and nobody ran it: it is too old to run.
    may_be_asked = exists().where(approvals.c.recall_id == mine, approvals.c.valid_until >= before)
    planned_only = and_(recalls.c.status == Status.PLANNED, recalls.c.activated_at.is_(None))
    never_run = and_(planned_only, is_old(recalls.c.planned_at), not_(may_be_asked))
    # What was corrected of it is told of as long as anything of that is young.
    corrected = func.coalesce(corrections.c.finished_at, corrections.c.valid_until, corrections.c.planned_at)
    is_open = corrections.c.status.in_((Status.RUNNING, Status.PAUSED))
    being_corrected = exists().where(corrections.c.recall_id == mine, or_(is_open, not_(is_old(corrected))))
    unstuck = or_(recalls.c.sticky_until.is_(None), recalls.c.sticky_until < before)
    return and_(or_(ended, never_run), unstuck, not_(in_flight), not_(to_review), not_(being_corrected))
