"""Figures of the whole ledger, for those who watch it: what waits, and what has ended since some point.

Every question is answered from an index, or counts no further than it is told to.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.sql.elements import ColumnElement

from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recording.message import Chat
from ledger.core.recording.packing import SourceSends
from ledger.store.recalls import plan_messages
from ledger.store.recording.selecting import among
from ledger.store.schema import history, messages, paces, recall_calls, recall_items, recalls

_AT_WORK = (Status.RUNNING, Status.PAUSED)
_waits = and_(recall_items.c.outcome.is_(None), recall_items.c.call_id.is_(None))

# App, API and verdict of a call that is over.
Ended = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPace:
    """The pace of one app and API as it stands."""

    app: str
    api: str
    share: float
    blocked_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an entry of the history tells: which outcomes, with their codes, and how many messages were purged."""

    id: int
    ended: Sequence[tuple[Outcome, str | None]]
    purged: int


def count_recalls(connection: Connection) -> dict[Status, int]:
    """Return how many recalls there are of each status."""
    rows = connection.execute(select(recalls.c.status, func.count()).group_by(recalls.c.status))
    return {Status(row[0]): row[1] for row in rows}


def count_waiting(connection: Connection, due_before: datetime | None = None) -> dict[Status, int]:
    """Return how many items of running and of paused recalls wait; with a moment, those whose deadline is before it."""
    columns = recall_items.c
    found = dict.fromkeys(_AT_WORK, 0)
    at_work = select(recalls.c.id, recalls.c.status).where(recalls.c.status.in_(_AT_WORK))
    for recall in connection.execute(at_work):
        mine = and_(columns.recall_id == recall.id, _waits)
        if due_before is not None:
            mine = and_(mine, columns.deadline < due_before)
        count = connection.scalar(select(func.count()).select_from(recall_items).where(mine)) or 0
        found[Status(recall.status)] += count
    for unfrozen in plan_messages.held(connection):
        found[unfrozen.status] += _count_due(connection, unfrozen.taken, due_before)
    return found


def _count_due(connection: Connection, ids: Sequence[int], due_before: datetime | None) -> int:
    if due_before is None:
        return len(ids)
    these = among(messages.c.id, ids, is_sqlite=connection.dialect.name == "sqlite")
    due = select(func.count()).select_from(messages).where(these, messages.c.deadline < due_before)
    return connection.scalar(due) or 0


def count_open_messages(connection: Connection, now: datetime, at_most: int) -> int:
    """Return how many messages are within their deadline, recalled ones included; it counts no further than told."""
    some = select(messages.c.id).where(messages.c.deadline > now).limit(at_most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def count_by_robot(connection: Connection, now: datetime, at_most: int) -> dict[str, int]:
    """Return how many messages within their deadline there are of each robot; it counts no further than told."""
    some = select(messages.c.robot_code).where(messages.c.deadline > now).limit(at_most).subquery()
    rows = connection.execute(select(some.c.robot_code, func.count()).group_by(some.c.robot_code))
    return {row[0]: row[1] for row in rows}


def count_sent(connection: Connection, at_most: int) -> list[SourceSends]:
    """Count one-on-one messages by source, campaign and robot, of the newest so many."""
    columns = messages.c
    some = (
        select(columns.source, columns.campaign, columns.robot_code, columns.recipient_count)
        .where(columns.chat == Chat.ONE_TO_ONE, columns.recipient_count > 0)
        .order_by(columns.id.desc())
        .limit(at_most)
        .subquery()
    )
    counted = select(some.c.source, func.count(), func.sum(some.c.recipient_count))
    rows = connection.execute(counted.group_by(some.c.source, some.c.campaign, some.c.robot_code))
    return [SourceSends(source=row[0], messages=row[1], recipients=int(row[2])) for row in rows]


def oldest_deadline(connection: Connection) -> datetime | None:
    """Return the deadline that passes, or passed, first."""
    moment: datetime | None = connection.scalar(
        select(messages.c.deadline).order_by(messages.c.deadline).limit(1),
    )
    return moment


def stored_paces(connection: Connection) -> list[StoredPace]:
    """Return the paces of all apps and APIs that were ever called."""
    columns = (paces.c.app, paces.c.api, paces.c.share, paces.c.blocked_until)
    return [StoredPace(**row._mapping) for row in connection.execute(select(*columns))]


def last_call(connection: Connection) -> int:
    """Return a number below which every call is over, and which none of those to come has."""
    oldest = _oldest_open(connection)
    return oldest - 1 if oldest is not None else connection.scalar(select(func.max(recall_calls.c.id))) or 0


def settled_calls(connection: Connection, after: int, before: datetime) -> int:
    """Return the highest number of a call that left before a moment, so that no call up to it is open any more."""
    columns = recall_calls.c
    condition: ColumnElement[bool] = and_(columns.id > after, columns.slot_at < before)
    oldest = _oldest_open(connection)
    if oldest is not None:
        condition = and_(condition, columns.id < oldest)
    return connection.scalar(select(func.max(columns.id)).where(condition)) or after


def _oldest_open(connection: Connection) -> int | None:
    oldest: int | None = connection.scalar(
        select(func.min(recall_calls.c.id)).where(recall_calls.c.finished_at.is_(None))
    )
    return oldest


def count_calls(connection: Connection, after: int, up_to: int | None = None) -> Counter[Ended]:
    """Return how the calls ended whose numbers come after one, and not after another."""
    columns = recall_calls.c
    condition = and_(columns.id > after, columns.verdict.is_not(None))
    if up_to is not None:
        condition = and_(condition, columns.id <= up_to)
    kinds = (columns.app, columns.chat, columns.verdict)
    rows = connection.execute(select(*kinds, func.count()).where(condition).group_by(*kinds))
    return Counter({(row[0], row[1], row[2]): row[3] for row in rows})


def last_entry(connection: Connection) -> int:
    """Return the number of the latest entry of the history."""
    return connection.scalar(select(func.max(history.c.id))) or 0


def entries_after(connection: Connection, after: int, limit: int) -> list[Told]:
    """Return what the entries of the history tell that come after one."""
    statement = select(history.c.id, history.c.event, history.c.detail).where(history.c.id > after)
    rows = connection.execute(statement.order_by(history.c.id).limit(limit))
    return [
        Told(
            id=row.id,
            ended=[(Outcome(outcome), code) for _, _, outcome, code, *_ in row.detail.get("items", ())],
            purged=row.detail.get("messages", 0) if row.event == "purged" else 0,
        )
        for row in rows
    ]
