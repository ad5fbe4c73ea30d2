"""Rows of `schedules`: which plans run at a moment that was set in advance, and whose word that is."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, insert, select

from ledger.core.recalls.recall import Status
from ledger.core.recalls.schedule import Schedule
from ledger.store.recording.selecting import among_given
from ledger.store.schema import recalls, schedules

_SHOWN = tuple(column for column in schedules.c if column.name != "recall_id")


def is_scheduled() -> ColumnElement[bool]:
    """Say whether a recall has a moment at which it runs, or ran."""
    return exists().where(schedules.c.recall_id == recalls.c.id)


def get(connection: Connection, recall_id: int) -> Schedule | None:
    """Return when a recall runs by itself; None when it does not."""
    return of_recalls(connection, [recall_id]).get(recall_id)


def of_recalls(connection: Connection, recall_ids: Sequence[int]) -> dict[int, Schedule]:
    """Return it of those recalls that do."""
    statement = _of_recalls(connection.dialect.name == "sqlite")
    return {
        row.recall_id: Schedule(**{column.name: row._mapping[column] for column in _SHOWN})
        for row in connection.execute(statement, {"recall_ids": recall_ids})
    }


@cache
def _of_recalls(is_sqlite: bool) -> Select[Any]:
    return select(schedules.c.recall_id, *_SHOWN).where(
        among_given(schedules.c.recall_id, "recall_ids", is_sqlite=is_sqlite)
    )


def note(connection: Connection, recall_id: int, schedule: Schedule) -> None:
    """Write when a plan runs."""
    values = {column.name: getattr(schedule, column.name) for column in _SHOWN}
    connection.execute(insert(schedules).values(recall_id=recall_id, **values))


def waiting(connection: Connection, until: datetime | None = None) -> list[int]:
    """Return the plans that wait for their moment, the nearest first; or those whose moment comes until another."""
    statement = select(schedules.c.recall_id).join(recalls, recalls.c.id == schedules.c.recall_id)
    statement = statement.where(recalls.c.status == Status.PLANNED)
    if until is not None:
        statement = statement.where(schedules.c.run_at <= until)
    return list(connection.scalars(statement.order_by(schedules.c.run_at, schedules.c.recall_id)))
