"""Rows of `recalls`: read, moved from state to state, counted."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    update,
)

from ledger.core.cursor import LARGEST_ID
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.recall_filter import EVERY_RECALL, RecallFilter
from ledger.errors import UnknownRecallError
from ledger.store.recalls.conditions import has_left, is_complete
from ledger.store.recalls.finding import found_recalls
from ledger.store.recalls.holding import is_taken
from ledger.store.recording.selecting import among, among_given, at_most
from ledger.store.schema import recall_calls, recall_items, recalls

_ONE = select(recalls).where(recalls.c.id == bindparam("recall_id"), is_complete())
_ONE_LOCKED = _ONE.with_for_update()
_OF_STATES = (
    select(recalls)
    .where(recalls.c.status.in_(bindparam("statuses", expanding=True)), is_complete())
    .order_by(recalls.c.id.desc())
)
_ACTIVE_SINCE = (
    select(recalls.c.id)
    .where(recalls.c.activated_at >= bindparam("moment"), recalls.c.id != bindparam("recall_id"))
    .limit(1)
)


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
    moved_by: str | None
    unfrozen_items: int
    unfrozen_skips: int

    @property
    def runs_for(self) -> str:
        """Who has it as it is: who moved it last; of an earlier release, that is taken for who planned it."""
        return self.moved_by or self.actor


def get(connection: Connection, recall_id: int, *, lock: bool = False) -> Recall:
    """Return one recall, locked when it is about to change; raise UnknownRecallError."""
    if not 0 < recall_id <= LARGEST_ID:  # which databases refuse to compare
        raise UnknownRecallError(recall_id)
    row = connection.execute(_ONE_LOCKED if lock else _ONE, {"recall_id": recall_id}).one_or_none()
    if row is None:
        raise UnknownRecallError(recall_id)
    return recall_of(row)


def get_to_freeze(connection: Connection, recall_id: int) -> Recall:
    """Return one recall, locked against whoever changes it, and not against the calls that are opened of it."""
    connection.execute(select(recalls.c.id).where(recalls.c.id == recall_id).with_for_update(key_share=True))
    return get(connection, recall_id)


def listed(
    connection: Connection,
    *,
    statuses: Sequence[Status] = tuple(Status),
    asked: RecallFilter = EVERY_RECALL,
    limit: int | None = None,
) -> list[Recall]:
    """Return recalls in given states that somebody looks for, newest first."""
    statement = _OF_STATES
    if asked != EVERY_RECALL:
        statement = statement.where(*found_recalls(asked, is_sqlite=connection.dialect.name == "sqlite"))
    if limit is not None:
        statement = statement.limit(at_most(limit))
    return [recall_of(row) for row in connection.execute(statement, {"statuses": list(statuses)})]


def of_numbers(connection: Connection, recall_ids: Collection[int]) -> list[Recall]:
    """Return the recalls of some numbers."""
    these = among(recalls.c.id, sorted(recall_ids), is_sqlite=connection.dialect.name == "sqlite")
    statement = select(recalls).where(these)
    return [recall_of(row) for row in connection.execute(statement)]


def recall_of(row: Row[Any]) -> Recall:
    """Read a row of `recalls`."""
    return Recall(**{**row._mapping, "status": Status(row.status)})


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
    statement = _outcomes(connection.dialect.name == "sqlite")
    counts: dict[int, dict[Outcome | None, int]] = {recall_id: {} for recall_id in recall_ids}
    for row in connection.execute(statement, {"recall_ids": recall_ids}):
        counts[row.recall_id][Outcome(row.outcome) if row.outcome else None] = row.items
    return counts


@cache
def _outcomes(is_sqlite: bool) -> Select[Any]:
    columns = recall_items.c
    return (
        select(columns.recall_id, columns.outcome, func.count().label("items"))
        .where(among_given(columns.recall_id, "recall_ids", is_sqlite=is_sqlite))
        .group_by(columns.recall_id, columns.outcome)
    )


def count_calls(connection: Connection, recall_ids: Sequence[int]) -> dict[int, int]:
    """Return how many HTTP requests each recall has made; one that never left does not count."""
    found = connection.execute(_calls(connection.dialect.name == "sqlite"), {"recall_ids": recall_ids})
    counts = dict.fromkeys(recall_ids, 0)
    counts.update((row.recall_id, row.calls) for row in found)
    return counts


@cache
def _calls(is_sqlite: bool) -> Select[Any]:
    columns = recall_calls.c
    these = among_given(columns.recall_id, "recall_ids", is_sqlite=is_sqlite)
    return select(columns.recall_id, func.count().label("calls")).where(these, has_left()).group_by(columns.recall_id)


def count_overlaps(connection: Connection, recall_id: int, held: Collection[int]) -> int:
    """Return how many items of a plan another recall has recalled, or is at; some of these are known already."""
    mine, other = recall_items.alias("mine"), recall_items.alias("other")
    elsewhere: ColumnElement[bool] = exists().where(
        other.c.message_id == mine.c.message_id,
        other.c.recall_id != mine.c.recall_id,
        recalls.c.id == other.c.recall_id,
        is_taken(other, recalls),
    )
    if held:
        elsewhere = or_(elsewhere, among(mine.c.message_id, held, is_sqlite=connection.dialect.name == "sqlite"))
    statement = select(func.count()).select_from(mine).where(mine.c.recall_id == recall_id, elsewhere)
    return connection.scalar(statement) or 0


def was_active_since(connection: Connection, moment: datetime, recall_id: int) -> bool:
    """Say whether any other recall went on since a moment; if not, nothing can overlap that did not before."""
    return connection.execute(_ACTIVE_SINCE, {"moment": moment, "recall_id": recall_id}).first() is not None


def sticky(connection: Connection, now: datetime) -> list[Recall]:
    """Return the recalls that still take what arrives late."""
    statement = select(recalls).where(recalls.c.sticky_until > now).order_by(recalls.c.id)
    return [recall_of(row) for row in connection.execute(statement)]


def paused(connection: Connection, limit: int) -> list[Recall]:
    """Return the recalls that are paused, the newest first."""
    statement = select(recalls).where(recalls.c.status == Status.PAUSED).order_by(recalls.c.id.desc()).limit(limit)
    return [recall_of(row) for row in connection.execute(statement)]


def lock_activation(connection: Connection) -> None:
    """Let one recall at a time start, so that two that overlap cannot both."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("ledger activation"))))
