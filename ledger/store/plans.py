"""Plans in the making, and their end: items and skips are written, and deleted, in transactions of bounded size.

Until it is complete, nobody sees a plan: no function of the others returns it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Table,
    Text,
    and_,
    cast,
    delete,
    exists,
    insert,
    literal,
    select,
    text,
    update,
)

from ledger.core.plan import Standing
from ledger.core.recall import Status
from ledger.store.schema import approvals, messages, recall_items, recall_skips, recalls
from ledger.store.selecting import among, rows_of

_COPIED = ("chat", "robot_code", "open_conversation_id", "process_query_key", "campaign", "source", "sent_at")
_OF_ITEM = (*_COPIED, "deadline", "recipients", "undelivered")
_OF_SKIP = ("robot_code", "process_query_key", "campaign", "sent_at", "deadline", "recipients")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A message that becomes an item: of which app, in which lane, and whether an earlier ask may have worked."""

    message_id: int
    app: str
    lane: int
    in_doubt: bool


def lane_of(lane: int, *, in_doubt: bool) -> int:
    """Return the lane of a message on the route of a lane: doubtful ones have one of their own beside each."""
    return -1 - lane if in_doubt else lane


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A selected message that does not become an item, and why."""

    message_id: int
    standing: Standing


def is_complete() -> ColumnElement[bool]:
    """Say whether a recall's plan has been frozen whole."""
    return cast(recalls.c.plan, Text) != "{}"


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
    """Begin a plan, still without items and seen by nobody; return its number."""
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


def lock_incomplete(connection: Connection, recall_id: int) -> bool:
    """Say whether a plan is still in the making, and keep it so until the transaction ends."""
    mine = select(recalls.c.id).where(recalls.c.id == recall_id, ~is_complete()).with_for_update()
    return connection.execute(mine).first() is not None


def complete(connection: Connection, recall_id: int, plan: Mapping[str, Any], next_lane: int) -> None:
    """Complete a plan with its numbers: from now on it is seen, and can run."""
    statement = update(recalls).where(recalls.c.id == recall_id)
    connection.execute(statement.values(plan=dict(plan), next_lane=next_lane))


def take(connection: Connection, snapshot: Connection, recall_id: int, taken: Sequence[Taken]) -> None:
    """Copy messages into items inside the database, in the order given.

    What was purged since `snapshot`, a transaction that still sees it, is copied from there.
    """
    if not taken:
        return
    rows = rows_of(
        connection,
        id=[(one.message_id, BigInteger) for one in taken],
        app=[(one.app, Text) for one in taken],
        lane=[(one.lane, Integer) for one in taken],
        in_doubt=[(one.in_doubt, Boolean) for one in taken],
    )
    ours = (rows.c.id, rows.c.app, rows.c.lane, rows.c.in_doubt)
    source = select(literal(recall_id, BigInteger), *ours, *(messages.c[name] for name in _OF_ITEM)).join_from(
        rows, messages, messages.c.id == rows.c.id
    )
    into = ("recall_id", "message_id", "app", "lane", "in_doubt", *_OF_ITEM)
    copying = insert(recall_items).from_select(into, source, include_defaults=False)
    copied = connection.execute(copying.execution_options(preserve_rowcount=True)).rowcount
    if copied < len(taken):
        _take_purged(connection, snapshot, recall_id, taken)


def _take_purged(connection: Connection, snapshot: Connection, recall_id: int, taken: Sequence[Taken]) -> None:
    of_message = {one.message_id: one for one in taken}
    mine = and_(recall_items.c.recall_id == recall_id, _among(connection, recall_items.c.message_id, of_message))
    there = set(connection.scalars(select(recall_items.c.message_id).where(mine)))
    values = []
    for message_id, fields in _read(snapshot, _OF_ITEM, [one for one in of_message if one not in there]).items():
        one = of_message[message_id]
        ours = {"message_id": message_id, "app": one.app, "lane": one.lane, "in_doubt": one.in_doubt}
        values.append({"recall_id": recall_id, **ours, **fields})
    connection.execute(insert(recall_items), values)


def skip(connection: Connection, snapshot: Connection, recall_id: int, skipped: Sequence[Skipped]) -> None:
    """Keep what was selected but not taken, and why, as `snapshot` saw it: what is too late may be purged by now."""
    if skipped:
        seen = _read(snapshot, _OF_SKIP, [one.message_id for one in skipped])
        values = [{"recall_id": recall_id, "standing": one.standing, **seen[one.message_id]} for one in skipped]
        connection.execute(insert(recall_skips), values)


def _read(snapshot: Connection, names: Sequence[str], ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    columns = [messages.c[name] for name in names]
    statement = select(messages.c.id, *columns).where(_among(snapshot, messages.c.id, ids))
    return {row[0]: dict(zip(names, row[1:], strict=True)) for row in snapshot.execute(statement)}


def _among(connection: Connection, column: ColumnElement[int], ids: Any) -> ColumnElement[bool]:
    return among(column, list(ids), is_sqlite=connection.dialect.name == "sqlite")


def give_up(connection: Connection, planned_before: datetime) -> list[int]:
    """Let nobody see plans any more that nobody asked to run in their time, for they did nothing; return them."""
    asked_for = exists().where(approvals.c.recall_id == recalls.c.id)
    old = and_(recalls.c.status == Status.PLANNED, recalls.c.planned_at < planned_before)
    never_run = and_(old, recalls.c.activated_at.is_(None), ~asked_for)
    giving_up = update(recalls).where(never_run, is_complete()).values(plan={}).returning(recalls.c.id)
    return sorted(connection.scalars(giving_up))


def delete_incomplete(connection: Connection, planned_before: datetime, limit: int) -> bool:
    """Delete up to `limit` rows of plans that were given up, or whose maker went away; say whether more are left."""
    doomed = select(recalls.c.id).where(~is_complete(), recalls.c.planned_at < planned_before)
    return _delete(connection, doomed, limit)


def delete_one(connection: Connection, recall_id: int, limit: int) -> bool:
    """Delete up to `limit` rows of one incomplete plan; say whether more are left."""
    return _delete(connection, select(recalls.c.id).where(recalls.c.id == recall_id, ~is_complete()), limit)


def _delete(connection: Connection, doomed: Any, limit: int) -> bool:
    for table in (recall_items, recall_skips):
        if _delete_of(connection, table, doomed, limit) == limit:
            return True
    connection.execute(delete(recalls).where(recalls.c.id.in_(doomed)))
    return False


def _delete_of(connection: Connection, table: Table, doomed: Any, limit: int) -> int:
    some = select(table.c.id).where(table.c.recall_id.in_(doomed)).limit(limit)
    return connection.execute(delete(table).where(table.c.id.in_(some))).rowcount


def prefer_indexes(connection: Connection) -> None:
    """Keep PostgreSQL from reading whole tables for some of their rows, above all while its statistics lag behind."""
    if connection.dialect.name == "postgresql":
        for other_way in ("seqscan", "mergejoin", "hashjoin"):
            connection.execute(text(f"SET LOCAL enable_{other_way} = off"))
        # What is read through a cursor is read to its end: without this, a million messages would be walked through in
        # the order of their deadlines for the few of one person.
        connection.execute(text("SET LOCAL cursor_tuple_fraction = 1"))


def refresh_statistics(connection: Connection) -> None:
    """Tell PostgreSQL how many items there are now: its own look comes up to a minute after a large plan."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE recall_items"))
