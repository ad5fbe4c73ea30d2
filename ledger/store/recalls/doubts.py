"""Items that ended in doubt, or recalled, and can be asked about once more; what was found out corrects them."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from ledger.core.key_results import KeyReading
from ledger.core.recalls.recall import Outcome
from ledger.core.recording.message import Route
from ledger.store.recalls.asked_items import ROUTE, route_of
from ledger.store.recalls.endings import ENDED, Ended, ended_of
from ledger.store.recalls.holding import DOUBTFUL
from ledger.store.schema import recall_items


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """An item that ended unknown or partial, and that the read status may settle."""

    item_id: int
    route: Route
    process_query_key: str
    outcome: Outcome
    finished_at: datetime


def doubtful(connection: Connection, recall_id: int, now: datetime) -> list[Doubtful]:
    """Return the items of a recall that ended unknown or partial, while their read status can be asked."""
    columns = recall_items.c
    statement = (
        select(
            columns.id,
            *(columns[name] for name in ROUTE),
            columns.process_query_key,
            columns.outcome,
            columns.finished_at,
        )
        .where(columns.recall_id == recall_id, columns.outcome.in_(DOUBTFUL), columns.deadline > now)
        .order_by(columns.deadline, columns.id)
    )
    return [
        Doubtful(
            item_id=row.id,
            route=route_of(row),
            process_query_key=row.process_query_key,
            outcome=Outcome(row.outcome),
            finished_at=row.finished_at,
        )
        for row in connection.execute(statement)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """An item that ended recalled, and that can still be asked about."""

    item_id: int
    route: Route
    process_query_key: str


def recalled(connection: Connection, recall_id: int, now: datetime) -> list[Recalled]:
    """Return the items of a recall that ended recalled, while they can be asked about."""
    columns = recall_items.c
    statement = select(columns.id, *(columns[name] for name in ROUTE), columns.process_query_key)
    statement = statement.where(_can_be_checked(recall_id, now)).order_by(columns.id)
    return [
        Recalled(item_id=row.id, route=route_of(row), process_query_key=row.process_query_key)
        for row in connection.execute(statement)
    ]


def count_recalled(connection: Connection, recall_id: int, now: datetime, *, at_most: int) -> int:
    """Return how many there are, counted no further than told."""
    some = select(recall_items.c.id).where(_can_be_checked(recall_id, now)).limit(at_most).subquery()
    return connection.scalar(select(func.count()).select_from(some)) or 0


def _can_be_checked(recall_id: int, now: datetime) -> ColumnElement[bool]:
    columns = recall_items.c
    return and_(columns.recall_id == recall_id, columns.outcome == Outcome.RECALLED, columns.deadline > now)


def correct(connection: Connection, one: Doubtful, reading: KeyReading, by: str) -> Ended | None:
    """Give a doubtful item the outcome that somebody found out; None when it is no longer what it was."""
    columns = recall_items.c
    same = and_(columns.id == one.item_id, columns.outcome == one.outcome, columns.finished_at == one.finished_at)
    values = {"outcome": reading.outcome, "code": reading.code, "reason": reading.reason, "ended_by": by}
    row = connection.execute(update(recall_items).where(same).values(values).returning(*ENDED)).one_or_none()
    return ended_of(row) if row else None
