"""Rows of `break_glass`: what was started without the second person that it needs, and who has reviewed it."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from ledger.core.recalls.approval import BreakGlass
from ledger.store.recalls.recalls import Recall, recall_of
from ledger.store.recording.selecting import among_given
from ledger.store.schema import break_glass, recalls

_SHOWN = tuple(column for column in break_glass.c if column.name != "recall_id")


def get(connection: Connection, recall_id: int) -> BreakGlass | None:
    """Return who started a recall without a second person; None when nobody did."""
    return of_recalls(connection, [recall_id]).get(recall_id)


def of_recalls(connection: Connection, recall_ids: Sequence[int]) -> dict[int, BreakGlass]:
    """Return it of those recalls of which somebody did."""
    statement = _of_recalls(connection.dialect.name == "sqlite")
    found = {}
    for row in connection.execute(statement, {"recall_ids": recall_ids}):
        found[row.recall_id] = BreakGlass(**{column.name: row._mapping[column] for column in _SHOWN})
    return found


@cache
def _of_recalls(is_sqlite: bool) -> Select[Any]:
    return select(break_glass.c.recall_id, *_SHOWN).where(
        among_given(break_glass.c.recall_id, "recall_ids", is_sqlite=is_sqlite)
    )


def note(connection: Connection, recall_id: int, actor: str, now: datetime, reason: str) -> None:
    """Write that somebody starts a recall without a second person."""
    values = {"recall_id": recall_id, "broken_by": actor, "broken_at": now, "reason": reason}
    connection.execute(insert(break_glass).values(values))


def review(connection: Connection, recall_id: int, actor: str, now: datetime, text: str) -> None:
    """Write what somebody else says of it."""
    values = {"reviewed_by": actor, "reviewed_at": now, "review": text}
    connection.execute(update(break_glass).where(break_glass.c.recall_id == recall_id).values(values))


def to_review(connection: Connection) -> list[Recall]:
    """Return the recalls that wait for a review, the oldest first."""
    waits = break_glass.c.reviewed_by.is_(None)
    statement = select(recalls).join(break_glass, break_glass.c.recall_id == recalls.c.id).where(waits)
    return [recall_of(row) for row in connection.execute(statement.order_by(recalls.c.id))]


def count_open(connection: Connection) -> int:
    """Return how many recalls wait for a review."""
    waits = select(func.count()).select_from(break_glass).where(break_glass.c.reviewed_by.is_(None))
    return connection.scalar(waits) or 0
