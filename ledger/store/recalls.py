"""Rows of `recalls` and what belongs to a plan: frozen with items and skips, moved from state to state, counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    and_,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    update,
)

from ledger.core.plan import Standing
from ledger.core.recall import Outcome, Status
from ledger.errors import UnknownRecallError
from ledger.store.calls import UNSENT
from ledger.store.schema import messages, recall_calls, recall_items, recall_skips, recalls
from ledger.store.selecting import rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """One row of `recalls`."""

    id: int
    status: Status
    reason: str
    actor: str
    selection: Mapping[str, Any]
    include_shared: bool
    plan: Mapping[str, Any]
    error: Mapping[str, str] | None
    next_lane: int
    planned_at: datetime
    activated_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    sticky_until: datetime | None
    follows: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message that becomes an item: of which app, in which lane."""

    message_id: int
    app: str
    lane: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A selected message that does not become an item, and why."""

    message_id: int
    standing: Standing


def create(
    connection: Connection,
    *,
    reason: str,
    actor: str,
    selection: Mapping[str, Any],
    include_shared: bool,
    planned_at: datetime,
    follows: int | None = None,
) -> int:
    """Write a planned recall, still without items; return its number."""
    values = {
        "status": Status.PLANNED,
        "reason": reason,
        "actor": actor,
        "selection": dict(selection),
        "include_shared": include_shared,
        "plan": {},
        "next_lane": 0,
        "planned_at": planned_at,
        "follows": follows,
    }
    recall_id = connection.execute(insert(recalls).values(values)).inserted_primary_key
    assert recall_id is not None  # noqa: S101  (an insert of one row always has a key)
    return int(recall_id[0])


def freeze(connection: Connection, recall_id: int, plan: Mapping[str, Any], next_lane: int) -> None:
    """Complete a plan with its numbers."""
    change(connection, recall_id, plan=dict(plan), next_lane=next_lane)


def take(connection: Connection, recall_id: int, taken: Sequence[Taken]) -> None:
    """Copy messages into items inside the database, in the order given."""
    if not taken:
        return
    rows = rows_of(
        connection,
        id=[(one.message_id, BigInteger) for one in taken],
        app=[(one.app, Text) for one in taken],
        lane=[(one.lane, Integer) for one in taken],
    )
    copied = ("chat", "robot_code", "open_conversation_id", "process_query_key", "campaign", "source", "sent_at")
    columns = (*copied, "deadline", "recipients", "undelivered")
    source = select(
        literal(recall_id, BigInteger), rows.c.id, rows.c.app, rows.c.lane, *(messages.c[name] for name in columns)
    ).join_from(rows, messages, messages.c.id == rows.c.id)
    into = ("recall_id", "message_id", "app", "lane", *columns)
    connection.execute(insert(recall_items).from_select(into, source, include_defaults=False))


def skip(connection: Connection, recall_id: int, skipped: Sequence[Skipped]) -> None:
    """Keep what was selected but not taken, and why."""
    if not skipped:
        return
    rows = rows_of(
        connection,
        id=[(one.message_id, BigInteger) for one in skipped],
        standing=[(one.standing.value, Text) for one in skipped],
    )
    columns = ("robot_code", "process_query_key", "campaign", "sent_at", "deadline", "recipients")
    source = select(literal(recall_id, BigInteger), rows.c.standing, *(messages.c[name] for name in columns)).join_from(
        rows, messages, messages.c.id == rows.c.id
    )
    into = ("recall_id", "standing", *columns)
    connection.execute(insert(recall_skips).from_select(into, source, include_defaults=False))


def get(connection: Connection, recall_id: int, *, lock: bool = False) -> Recall:
    """Return one recall, locked when it is about to change; raise UnknownRecallError."""
    statement = select(recalls).where(recalls.c.id == recall_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    if row is None:
        raise UnknownRecallError(recall_id)
    return _recall(row._mapping)


def listed(
    connection: Connection, *, statuses: Sequence[Status] = tuple(Status), limit: int | None = None
) -> list[Recall]:
    """Return recalls in given states, newest first."""
    statement = select(recalls).where(recalls.c.status.in_(statuses)).order_by(recalls.c.id.desc()).limit(limit)
    return [_recall(row._mapping) for row in connection.execute(statement)]


def _recall(fields: Mapping[Any, Any]) -> Recall:
    return Recall(**{**fields, "status": Status(fields["status"])})


def change(connection: Connection, recall_id: int, **values: Any) -> None:
    """Change columns of one recall."""
    connection.execute(update(recalls).where(recalls.c.id == recall_id).values(values))


def finish(connection: Connection, recall_id: int, now: datetime) -> bool:
    """Mark a running recall finished; False when somebody else did, or it is not running."""
    mine = and_(recalls.c.id == recall_id, recalls.c.status == Status.RUNNING)
    statement = update(recalls).where(mine).values(status=Status.FINISHED, finished_at=now)
    return connection.execute(statement).rowcount == 1


def count_outcomes(connection: Connection, recall_ids: Sequence[int]) -> dict[int, dict[Outcome | None, int]]:
    """Return for each recall how many items ended how; None counts those that have not."""
    statement = (
        select(recall_items.c.recall_id, recall_items.c.outcome, func.count().label("items"))
        .where(recall_items.c.recall_id.in_(recall_ids))
        .group_by(recall_items.c.recall_id, recall_items.c.outcome)
    )
    counts: dict[int, dict[Outcome | None, int]] = {recall_id: {} for recall_id in recall_ids}
    for row in connection.execute(statement):
        counts[row.recall_id][Outcome(row.outcome) if row.outcome else None] = row.items
    return counts


def count_calls(connection: Connection, recall_ids: Sequence[int]) -> dict[int, int]:
    """Return how many HTTP requests each recall has made; one that never left does not count."""
    statement = (
        select(recall_calls.c.recall_id, func.count().label("calls"))
        .where(recall_calls.c.recall_id.in_(recall_ids))
        .where(or_(recall_calls.c.verdict.is_(None), recall_calls.c.verdict != UNSENT))
        .group_by(recall_calls.c.recall_id)
    )
    counts = dict.fromkeys(recall_ids, 0)
    counts.update((row.recall_id, row.calls) for row in connection.execute(statement))
    return counts


def count_overlaps(connection: Connection, recall_id: int) -> int:
    """Return how many items of a plan another recall has recalled, or is at."""
    mine, other = recall_items.alias("mine"), recall_items.alias("other")
    at_it = and_(other.c.outcome.is_(None), recalls.c.status.in_((Status.RUNNING, Status.PAUSED)))
    statement = (
        select(func.count(mine.c.id.distinct()))
        .join_from(mine, other, and_(other.c.message_id == mine.c.message_id, other.c.recall_id != mine.c.recall_id))
        .join(recalls, recalls.c.id == other.c.recall_id)
        .where(mine.c.recall_id == recall_id, or_(other.c.outcome == Outcome.RECALLED, at_it))
    )
    return connection.scalar(statement) or 0


def was_active_since(connection: Connection, moment: datetime, recall_id: int) -> bool:
    """Say whether any other recall went on since a moment; if not, nothing can overlap that did not before."""
    statement = select(recalls.c.id).where(recalls.c.activated_at >= moment, recalls.c.id != recall_id).limit(1)
    return connection.execute(statement).first() is not None


def delete_ended_plans(connection: Connection, planned_before: datetime) -> int:
    """Delete plans that nobody ran in their time; they did nothing, so they are no history."""
    never_run = and_(
        recalls.c.status == Status.PLANNED, recalls.c.planned_at < planned_before, recalls.c.activated_at.is_(None)
    )
    return connection.execute(delete(recalls).where(never_run)).rowcount


def sticky(connection: Connection, now: datetime) -> list[Recall]:
    """Return the recalls that still take what arrives late."""
    statement = select(recalls).where(recalls.c.sticky_until > now).order_by(recalls.c.id)
    return [_recall(row._mapping) for row in connection.execute(statement)]


def prefer_indexes(connection: Connection) -> None:
    """Keep PostgreSQL from reading whole tables for each message while its statistics lag behind a large plan."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))


def refresh_statistics(connection: Connection) -> None:
    """Tell PostgreSQL how many items there are now: its own look comes up to a minute after a large plan."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE recall_items"))


def lock_activation(connection: Connection) -> None:
    """Let one recall at a time start, so that two that overlap cannot both."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("ledger activation"))))
