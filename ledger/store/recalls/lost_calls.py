"""Calls in flight, and those that were lost with whoever made them: nobody will say how these went."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from ledger.core.recalls.lease import LONGEST_LEASE
from ledger.core.recalls.recall import OWNER_GONE, Status
from ledger.store.recalls.calls import UNANSWERED
from ledger.store.recording.selecting import among, among_given
from ledger.store.schema import recall_calls, recall_items, recalls

_columns = recall_items.c

# The verdict on a call whose owner was not heard of again.
LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class LostCall:
    """A call that was given up: nobody will say how it went."""

    id: int
    recall_id: int
    app: str
    chat: str
    robot_code: str
    key_count: int
    owner: str
    slot_at: datetime
    reason: str
    run_by: str | None


def owners(connection: Connection) -> list[str]:
    """Return who has calls in flight."""
    return list(connection.scalars(select(recall_calls.c.owner).where(recall_calls.c.finished_at.is_(None)).distinct()))


def in_flight(connection: Connection, recall_ids: Sequence[int]) -> dict[int, tuple[int, datetime]]:
    """Return, of recalls with calls in flight, how many keys are in them, and when the last of them is given up."""
    statement = _in_flight(connection.dialect.name == "sqlite")
    found = connection.execute(statement, {"recall_ids": recall_ids})
    return {row.recall_id: (row.keys, row.until) for row in found}


@cache
def _in_flight(is_sqlite: bool) -> Select[Any]:
    columns = recall_calls.c
    these = among_given(columns.recall_id, "recall_ids", is_sqlite=is_sqlite)
    return (
        select(
            columns.recall_id, func.sum(columns.key_count).label("keys"), func.max(columns.lease_until).label("until")
        )
        .where(columns.finished_at.is_(None), these)
        .group_by(columns.recall_id)
    )


def in_flight_of_cancelled(connection: Connection) -> list[tuple[str, datetime]]:
    """Return the owner and the end of the lease of each call in flight whose recall was cancelled."""
    columns = recall_calls.c
    statement = (
        select(columns.owner, columns.lease_until)
        .join_from(recall_calls, recalls, recalls.c.id == columns.recall_id)
        .where(columns.finished_at.is_(None), recalls.c.status == Status.CANCELLED)
    )
    return [(row.owner, row.lease_until) for row in connection.execute(statement)]


def give_up_lost(
    connection: Connection,
    now: datetime,
    dead_owners: Sequence[str] = (),
    *,
    recall_id: int | None = None,
    leases_by: datetime | None,
    held: Collection[int] = (),
) -> list[LostCall]:
    """Let the items of calls whose lease has ended, or whose owner is dead, wait again, in doubt; return the calls.

    With a recall, only its calls are looked at; without a moment to judge leases by, only those of the dead. What is
    `held` is not lost.
    """
    given: dict[str, Any] = {"now": now, "dead_owners": list(dead_owners)}
    if leases_by is not None:
        given |= {"leases_by": leases_by, "no_lease_after": leases_by + LONGEST_LEASE}
    if held:
        given["held"] = list(held)
    if recall_id is not None:
        given["of_recall"] = recall_id
    rows = connection.execute(_give_up(frozenset(given)), given).all()
    if rows:
        ids = [row.id for row in rows]
        theirs = among(_columns.call_id, ids, is_sqlite=connection.dialect.name == "sqlite")
        connection.execute(
            update(recall_items).where(theirs, _columns.outcome.is_(None)).values(call_id=None, **UNANSWERED)
        )
    return sorted((LostCall(**row._mapping) for row in rows), key=lambda one: one.id)


@cache
def _give_up(given: frozenset[str]) -> ReturningUpdate[Any]:
    columns = recall_calls.c
    over: ColumnElement[bool] = columns.owner.in_(bindparam("dead_owners", expanding=True))
    if "leases_by" in given:
        until = columns.lease_until
        over = or_(over, until <= bindparam("leases_by"), until > bindparam("no_lease_after"))
    if "held" in given:
        over = and_(over, columns.id.not_in(bindparam("held", expanding=True)))
    if "of_recall" in given:
        over = and_(over, columns.recall_id == bindparam("of_recall"))
    return (
        update(recall_calls)
        .where(columns.finished_at.is_(None), over)
        .values(finished_at=bindparam("now"), verdict=LOST, reason=OWNER_GONE)
        .returning(*(columns[one.name] for one in fields(LostCall)))
    )
