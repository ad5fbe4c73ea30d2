"""Plans: made in one transaction, frozen into items and skips some at a time, deleted when nobody ran them.

Until it is complete, nobody sees a plan: no function of the others returns it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    literal,
    select,
    text,
    true,
    update,
)

from ledger.core.recalls.plan_messages import PlanMessages, digest_of
from ledger.core.recalls.recall import Status
from ledger.store.audit.commitments import Columns
from ledger.store.audit.returned_rows import returned_columns, write
from ledger.store.database import SQLITE_CACHE_KIB
from ledger.store.recalls import plan_messages
from ledger.store.recalls.conditions import is_complete
from ledger.store.recalls.frozen import FROZEN_OF_ITEM, FROZEN_OF_SKIP
from ledger.store.recalls.schedules import is_scheduled
from ledger.store.recording.selecting import among_given, rows_of
from ledger.store.schema import approvals, messages, recall_calls, recall_items, recall_skips, recalls

_COPIED = ("chat", "robot_code", "open_conversation_id", "process_query_key", "source", "sent_at")
_OF_PLAN = ("app", "lane", "in_doubt", "campaign")
_OF_ITEM = (*_COPIED, "deadline", "recipients", "undelivered")
_ITEM_COLUMNS = [recall_items.c[name] for name in FROZEN_OF_ITEM]
_OF_SKIP = ("robot_code", "process_query_key", "sent_at", "deadline", "recipients")
_READING_KIB = 8192
# To look at who got the messages as well takes four times as long.
_LOOK = text("ANALYZE recall_items (recall_id, message_id, lane, app, chat, deadline, outcome, call_id, in_doubt)")


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


def complete(connection: Connection, recall_id: int, plan: Mapping[str, Any], messages: PlanMessages) -> str:
    """Complete a plan with its numbers and with what it saw: from now on it is seen, and can run.

    Return the digest of what it saw, as it is stored.
    """
    statement = update(recalls).where(recalls.c.id == recall_id)
    unfrozen = {"unfrozen_items": len(messages.taken), "unfrozen_skips": len(messages.skipped)}
    next_lane = len({lane if lane >= 0 else -1 - lane for lane in messages.lanes})
    connection.execute(statement.values(plan=dict(plan), next_lane=next_lane, **unfrozen))
    packed = messages.packed()
    if messages.taken or messages.skipped:
        plan_messages.save(connection, recall_id, packed)
    return digest_of(packed)


def take(connection: Connection, recall_id: int, part: PlanMessages) -> Columns:
    """Copy messages into items inside the database, leaving out what is gone; return what is frozen, by column."""
    is_sqlite = connection.dialect.name == "sqlite"
    if part.is_of_one_kind:
        # Put together once: most parts are such ones, and that takes as long as all else that is said to the database.
        (one,) = part.items(0, 1)
        of_all = {"app": one.app, "lane": one.lane, "in_doubt": one.in_doubt, "campaign": one.campaign}
        given = {f"the_{name}": value for name, value in of_all.items()}
        asked = {"the_recall": recall_id, "these": part.taken, **given}
        return write(connection, _taking(is_sqlite), asked, _ITEM_COLUMNS)
    taken = part.items(0, len(part.taken))
    each = rows_of(
        connection,
        id=[(one.message_id, BigInteger) for one in taken],
        app=[(one.app, Text) for one in taken],
        lane=[(one.lane, Integer) for one in taken],
        in_doubt=[(one.in_doubt, Boolean) for one in taken],
        campaign=[(one.campaign, Text) for one in taken],
    )
    rows = each.join(messages, messages.c.id == each.c.id)
    of_each = [each.c[name] for name in _OF_PLAN]
    copying = _into_items(literal(recall_id, BigInteger), of_each, rows, true(), is_sqlite)
    return write(connection, copying, {}, _ITEM_COLUMNS)


@cache
def _taking(is_sqlite: bool) -> Executable:
    of_all = [bindparam(f"the_{name}", type_=recall_items.c[name].type) for name in _OF_PLAN]
    these = among_given(messages.c.id, "these", is_sqlite=is_sqlite)
    return _into_items(bindparam("the_recall", type_=BigInteger), of_all, messages, these, is_sqlite)


def _into_items(
    recall_id: ColumnElement[int],
    of_plan: Sequence[ColumnElement[Any]],
    rows: FromClause,
    where: ColumnElement[bool],
    is_sqlite: bool,
) -> Executable:
    columns = (recall_id, messages.c.id, *of_plan, *(messages.c[name] for name in _OF_ITEM))
    source = select(*columns).select_from(rows).where(where)
    copying = insert(recall_items).from_select(("recall_id", "message_id", *_OF_PLAN, *_OF_ITEM), source, False)
    return copying.returning(*returned_columns(_ITEM_COLUMNS, is_sqlite=is_sqlite))


def skip(connection: Connection, recall_id: int, part: PlanMessages) -> Columns:
    """Keep what was selected but not taken, leaving out what is gone; return what is frozen, by column."""
    skipped = part.skips(0, len(part.skipped))
    rows = rows_of(
        connection,
        id=[(one.message_id, BigInteger) for one in skipped],
        standing=[(one.standing.value, Text) for one in skipped],
        campaign=[(one.campaign, Text) for one in skipped],
    )
    columns = (
        literal(recall_id, BigInteger),
        rows.c.standing,
        rows.c.campaign,
        *(messages.c[name] for name in _OF_SKIP),
    )
    source = select(*columns).join_from(rows, messages, messages.c.id == rows.c.id)
    copying = insert(recall_skips).from_select(("recall_id", "standing", "campaign", *_OF_SKIP), source, False)
    kept = [recall_skips.c[name] for name in FROZEN_OF_SKIP]
    returned = returned_columns(kept, is_sqlite=connection.dialect.name == "sqlite")
    return write(connection, copying.returning(*returned), {}, kept)


def give_up(connection: Connection, planned_before: datetime) -> list[int]:
    """Let nobody see plans any more that nobody asked to run in their time, for they did nothing; return them."""
    asked_for = exists().where(approvals.c.recall_id == recalls.c.id)
    old = and_(recalls.c.status == Status.PLANNED, recalls.c.planned_at < planned_before)
    never_run = and_(old, recalls.c.activated_at.is_(None), ~asked_for, ~is_scheduled())
    giving_up = update(recalls).where(never_run, is_complete()).values(plan={}).returning(recalls.c.id)
    return sorted(connection.scalars(giving_up))


def delete_incomplete(connection: Connection, planned_before: datetime, limit: int) -> bool:
    """Delete up to `limit` rows of plans that were given up, or whose maker went away; say whether more are left."""
    doomed = select(recalls.c.id).where(~is_complete(), recalls.c.planned_at < planned_before)
    return _delete(connection, (recall_items, recall_skips), doomed, limit)


def is_left(connection: Connection) -> bool:
    """Say whether rows are there of recalls that have left the history."""
    return connection.scalar(_left().limit(1)) is not None


def delete_left(connection: Connection, limit: int) -> bool:
    """Delete up to `limit` rows of recalls that have left the history; say whether more are left."""
    return _delete(connection, (recall_items, recall_skips, recall_calls), _left(), limit)


def _left() -> Select[Any]:
    return select(recalls.c.id).where(~is_complete(), recalls.c.finished_at.is_not(None))


def _delete(connection: Connection, tables: Sequence[Table], doomed: Any, limit: int) -> bool:
    for table in tables:
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


@contextmanager
def reading_all_once(connection: Connection) -> Iterator[None]:
    """Read whatever is selected in little memory: nothing of it is read again soon.

    SQLite also sorts as much in memory as its cache may hold, and more makes it no faster. On PostgreSQL, several
    workers would each sort most of the people, and one of them all of these again.
    """
    if connection.dialect.name == "postgresql":
        prefer_indexes(connection)
        connection.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
        yield
        return
    connection.exec_driver_sql(f"PRAGMA cache_size={-_READING_KIB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size={-SQLITE_CACHE_KIB}")


def refresh_statistics(connection: Connection) -> None:
    """Tell PostgreSQL of items by what claims find them by: its own look comes up to a minute after a large plan."""
    if connection.dialect.name == "postgresql":
        connection.execute(_LOOK)
