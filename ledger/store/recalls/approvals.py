"""Rows of `approvals`: who wants to run a plan that is too large for one person, and what a second one said."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, insert, select, update

from ledger.core.recalls.approval import Approval, Decision
from ledger.core.recalls.recall import Status
from ledger.store.recording.selecting import among_given
from ledger.store.schema import approvals, recalls


def get(connection: Connection, recall_id: int) -> Approval | None:
    """Return where the approval of a recall stands; None when nobody asked for one."""
    return of_recalls(connection, [recall_id]).get(recall_id)


def of_recalls(connection: Connection, recall_ids: Sequence[int]) -> dict[int, Approval]:
    """Return the approvals of those recalls that have one."""
    statement = _of_recalls(connection.dialect.name == "sqlite")
    return {row.recall_id: _approval(row) for row in connection.execute(statement, {"recall_ids": recall_ids})}


@cache
def _of_recalls(is_sqlite: bool) -> Select[Any]:
    return select(approvals).where(among_given(approvals.c.recall_id, "recall_ids", is_sqlite=is_sqlite))


def followed_by_waiting(connection: Connection, now: datetime) -> set[int]:
    """Return the recalls of which one that follows them waits for a second person."""
    waits = and_(recalls.c.status == Status.PLANNED, approvals.c.verdict.is_(None), approvals.c.valid_until > now)
    statement = select(recalls.c.follows).join(approvals, approvals.c.recall_id == recalls.c.id)
    return set(connection.scalars(statement.where(waits, recalls.c.follows.is_not(None))))


def request(connection: Connection, recall_id: int, actor: str, now: datetime, valid_until: datetime) -> None:
    """Write that somebody wants to run a plan."""
    values = {"recall_id": recall_id, "requested_by": actor, "requested_at": now, "valid_until": valid_until}
    connection.execute(insert(approvals).values(values))


def decide(
    connection: Connection, recall_id: int, verdict: Decision, actor: str, now: datetime, reason: str | None = None
) -> None:
    """Write what the second person said."""
    values = {"verdict": verdict.value, "decided_by": actor, "decided_at": now, "reason": reason}
    connection.execute(update(approvals).where(approvals.c.recall_id == recall_id).values(values))


def _approval(row: Row[Any]) -> Approval:
    is_approved, is_refused = row.verdict == Decision.APPROVED, row.verdict == Decision.REFUSED
    return Approval(
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        valid_until=row.valid_until,
        approved_by=row.decided_by if is_approved else None,
        approved_at=row.decided_at if is_approved else None,
        refused_by=row.decided_by if is_refused else None,
        refused_at=row.decided_at if is_refused else None,
        refusal=row.reason,
    )
