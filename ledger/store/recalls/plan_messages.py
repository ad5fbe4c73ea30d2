"""Rows of `plan_messages`: what plans saw that are not items and skips yet; there are only a few at any time."""

from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, insert, or_, select, update

from ledger.clock import parse_time
from ledger.core.recalls.plan_messages import PlanMessages, last_taken
from ledger.core.recalls.recall import Status
from ledger.core.recording.message import AppName, Chat
from ledger.store.audit.raw_rows import raw_columns, read_json
from ledger.store.recalls.holding import AT_WORK
from ledger.store.recalls.schedules import is_scheduled
from ledger.store.schema import approvals, plan_messages, recalls

# What was past its deadline already when a plan saw it is kept for its facts, unless nobody has purged for so long.
_PURGED_WITHIN = timedelta(hours=1)
_OF_ONE = plan_messages.c.recall_id == bindparam("recall_id")
_IS_THERE = select(plan_messages.c.recall_id).where(_OF_ONE)
_APIS = select(plan_messages.c.apis).where(_OF_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfrozen:
    """What a recall has yet to freeze, of which so many items and skips are left."""

    recall_id: int
    status: Status
    follows: int | None
    messages: PlanMessages
    items: int
    skips: int

    @property
    def next_item(self) -> int:
        """The place of the first message that is no item yet."""
        return len(self.messages.taken) - self.items

    @property
    def next_skip(self) -> int:
        """The place of the first message that is no skip yet."""
        return len(self.messages.skipped) - self.skips

    @property
    def taken(self) -> "list[int]":
        """The messages that are no items yet."""
        return list(self.messages.taken[self.next_item :])


def save(connection: Connection, recall_id: int, packed: Mapping[str, Any]) -> None:
    """Keep what a plan saw."""
    connection.execute(insert(plan_messages).values(recall_id=recall_id, **packed))


def replace(connection: Connection, recall_id: int, packed: Mapping[str, Any]) -> None:
    """Keep something else than a plan saw, of which nothing is frozen yet."""
    connection.execute(update(plan_messages).where(plan_messages.c.recall_id == recall_id).values(**packed))


def forget(connection: Connection, recall_id: int) -> None:
    """Delete what a plan saw: all of it is items and skips now."""
    connection.execute(delete(plan_messages).where(plan_messages.c.recall_id == recall_id))


def packed_of(connection: Connection, recall_id: int) -> Mapping[str, Any] | None:
    """Return what a plan saw, packed; None when it is frozen whole."""
    row = connection.execute(select(plan_messages).where(plan_messages.c.recall_id == recall_id)).one_or_none()
    return dict(row._mapping) if row else None


def taken_of(connection: Connection, recall_id: int) -> "array[int]":
    """Return the messages that a recall takes and that are no items yet; of a plan, all of them."""
    columns = plan_messages.c.taken, recalls.c.unfrozen_items
    statement = select(*columns).join_from(plan_messages, recalls).where(recalls.c.id == recall_id)
    row = connection.execute(statement).one_or_none()
    return array("q") if row is None else last_taken(row.taken, row.unfrozen_items)


def is_there(connection: Connection, recall_id: int) -> bool:
    """Say whether anything that a plan saw is not frozen yet."""
    return connection.execute(_IS_THERE, {"recall_id": recall_id}).first() is not None


def apis_of(connection: Connection, recall_id: int) -> list[tuple[AppName, Chat]]:
    """Return the APIs of what a recall has yet to freeze."""
    apis = connection.execute(_APIS, {"recall_id": recall_id}).scalar_one_or_none() or []
    return [(AppName(app), Chat(chat)) for app, chat in apis]


def stored(connection: Connection) -> dict[int, Mapping[str, Any]]:
    """Return all that is there, packed, by recall, whatever somebody made of it."""
    columns, is_sqlite = list(plan_messages.c), connection.dialect.name == "sqlite"
    found: dict[int, Mapping[str, Any]] = {}
    for cells in connection.execute(select(*raw_columns(columns, is_sqlite=is_sqlite))):
        row = dict(zip(plan_messages.c.keys(), cells, strict=True))
        found[row["recall_id"]] = row | {name: read_json(row[name]) for name in ("apis", "campaigns") if is_sqlite}
    return found


def unfrozen(connection: Connection, recall_id: int) -> Unfrozen | None:
    """Return what one recall has yet to freeze, None for nothing."""
    return next(iter(_unfrozen(connection, recalls.c.id == recall_id)), None)


def held(connection: Connection, other_than: int | None = None) -> list[Unfrozen]:
    """Return the recalls that are at work at messages that are no items yet."""
    at_work = recalls.c.status.in_(AT_WORK)
    return _unfrozen(connection, at_work if other_than is None else at_work & (recalls.c.id != other_than))


def held_ids(connection: Connection, other_than: int | None = None) -> list[int]:
    """Return the messages that recalls are at although they are no items yet."""
    at_work = recalls.c.status.in_(AT_WORK)
    mine = at_work if other_than is None else at_work & (recalls.c.id != other_than)
    statement = select(plan_messages.c.taken, recalls.c.unfrozen_items).join_from(plan_messages, recalls).where(mine)
    # Of each only its numbers are unpacked: pages ask for them.
    return [
        number
        for row in connection.execute(statement.order_by(recalls.c.id))
        for number in last_taken(row.taken, row.unfrozen_items)
    ]


def of_interest(connection: Connection, recall_id: int) -> list[Unfrozen]:
    """Return what is unfrozen of a recall, of those that follow it, and of all that have started."""
    return _unfrozen(
        connection, or_(recalls.c.id == recall_id, recalls.c.follows == recall_id, recalls.c.status != Status.PLANNED)
    )


def of_recalls(connection: Connection, recall_ids: Collection[int]) -> list[Unfrozen]:
    """Return what some recalls have yet to freeze."""
    return _unfrozen(connection, recalls.c.id.in_(sorted(recall_ids)))


def to_freeze(connection: Connection) -> list[int]:
    """Return the recalls that have to be frozen: those that were started, or cancelled, the oldest first."""
    started = select(recalls.c.id).join_from(plan_messages, recalls).where(recalls.c.status != Status.PLANNED)
    return list(connection.scalars(started.order_by(recalls.c.id)))


def needed_from(connection: Connection, now: datetime, plan_valid: timedelta) -> datetime | None:
    """Return the deadline from which on messages may be needed although it has passed; None when none are.

    A plan that may still run needs what it saw, and a recall what it has yet to freeze.
    """
    columns = (
        recalls.c.plan,
        recalls.c.planned_at,
        recalls.c.status,
        approvals.c.verdict,
        approvals.c.valid_until,
        is_scheduled().label("is_scheduled"),
    )
    statement = select(*columns).join_from(plan_messages, recalls).outerjoin(approvals)
    needed = [_needed_by(row, now, plan_valid) for row in connection.execute(statement)]
    return min((moment for moment in needed if moment is not None), default=None)


# What a plan saw and did not take, and has yet to copy.
_LEFT_OUT = ("expired", "in_progress", "shared_skipped", "unconfigured", "recalled_elsewhere")


def _needed_by(row: Any, now: datetime, plan_valid: timedelta) -> datetime | None:
    first = parse_time(row.plan["first_deadline"]) if row.plan.get("first_deadline") else None
    waits = row.valid_until is not None and row.verdict is None and now < row.valid_until
    soonest = first if row.status != Status.PLANNED or waits or row.is_scheduled else None
    if row.planned_at + plan_valid >= now or row.status != Status.PLANNED:
        left_out = any(row.plan.get(name) for name in _LEFT_OUT)
        seen = row.planned_at - _PURGED_WITHIN if left_out else first
        soonest = min((one for one in (soonest, seen) if one is not None), default=None)
    return soonest


def _unfrozen(connection: Connection, where: ColumnElement[bool]) -> list[Unfrozen]:
    statement = select(
        recalls.c.status, recalls.c.follows, recalls.c.unfrozen_items, recalls.c.unfrozen_skips, plan_messages
    ).join_from(plan_messages, recalls)
    return [
        Unfrozen(
            recall_id=row.recall_id,
            status=Status(row.status),
            follows=row.follows,
            messages=PlanMessages.unpacked(dict(row._mapping)),
            items=row.unfrozen_items,
            skips=row.unfrozen_skips,
        )
        for row in connection.execute(statement.where(where).order_by(recalls.c.id))
    ]
