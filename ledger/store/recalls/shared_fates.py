"""What left together in one unanswered call: it is asked again together or alone, as the others fare."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, select, update

from ledger.core.recalls.recall import Outcome
from ledger.core.recalls.settle import AskedItem
from ledger.store.recalls.asked_items import ASKED, asked_item
from ledger.store.recording.selecting import among
from ledger.store.schema import recall_items

_columns = recall_items.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """The items that left in one unanswered call: those held back, locked, and how many were refused by themselves."""

    held: Sequence[AskedItem]
    refused_alone: int


def fate_of(connection: Connection, recall_id: int, asked_with: int, code: str, now: datetime) -> Fate:
    """Return what is left of those that left in one call of a recall, and how many a code has refused since."""
    together = and_(_columns.recall_id == recall_id, _columns.asked_with == asked_with)
    waits = and_(together, _columns.outcome.is_(None), _columns.call_id.is_(None), _columns.not_before > now)
    rows = connection.execute(select(*ASKED).where(waits).order_by(_columns.deadline, _columns.id).with_for_update())
    unknown = and_(together, _columns.outcome == Outcome.UNKNOWN, _columns.code == code)
    refused = connection.scalar(select(func.count()).select_from(recall_items).where(unknown)) or 0
    return Fate(held=[asked_item(row) for row in rows], refused_alone=refused)


def free_held(connection: Connection, ids: Sequence[int], *, lane: int | None = None) -> None:
    """Let items that were held back be asked; with a lane there, and with no more thought of their fate."""
    values: dict[str, Any] = {"not_before": None}
    if lane is not None:
        values |= {"lane": lane, "asked_with": None}
    mine = among(_columns.id, ids, is_sqlite=connection.dialect.name == "sqlite")
    waits = and_(mine, _columns.outcome.is_(None), _columns.call_id.is_(None))
    connection.execute(update(recall_items).where(waits).values(values))
