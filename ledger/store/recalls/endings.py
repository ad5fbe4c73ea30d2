"""How items end without an answer of their own, and how they come to be asked again."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Connection, Row, Select, and_, bindparam, case, select, update
from sqlalchemy.sql.dml import ReturningUpdate

from ledger.core.recalls.recall import CANCELLED_WAITING, EXPIRED_WAITING, Outcome
from ledger.core.recording.message import AppName, Chat
from ledger.store.recalls.asking_again import can_be_asked_again, doubted_elsewhere
from ledger.store.recalls.calls import PUT_IN_DOUBT
from ledger.store.recalls.holding import DOUBTFUL, has_ended
from ledger.store.recording.selecting import among, among_given
from ledger.store.schema import recall_items

ENDED = tuple(recall_items.c[name] for name in ("id", "process_query_key", "outcome", "code", "reason", "attempts"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One item as it ended, for the history."""

    item_id: int
    process_query_key: str
    outcome: Outcome
    code: str | None
    reason: str | None
    attempts: int

    def to_fact(self) -> list[Any]:
        """Return the item as an entry of the history holds it."""
        return [self.item_id, self.process_query_key, self.outcome.value, self.code, self.reason, self.attempts]


def ended_in_calls(connection: Connection, call_ids: Collection[int]) -> dict[int, list[Ended]]:
    """Return the items that calls ended, by call."""
    ended = defaultdict(list)
    statement = _ended_in_calls(connection.dialect.name == "sqlite")
    for row in connection.execute(statement, {"call_ids": call_ids}):
        ended[row.call_id].append(ended_of(row))
    return ended


@cache
def _ended_in_calls(is_sqlite: bool) -> Select[Any]:
    columns = recall_items.c
    these = among_given(columns.call_id, "call_ids", is_sqlite=is_sqlite)
    return select(columns.call_id, *ENDED).where(these, has_ended(recall_items)).order_by(columns.id)


def expire(connection: Connection, recall_id: int, app: AppName, chat: Chat, now: datetime, by: str) -> list[Ended]:
    """End, without a call, what still waits although its deadline has passed; `by` is who runs the recall."""
    given = {"of_recall": recall_id, "of_app": app, "of_chat": chat, "now": now, "by": by}
    return [ended_of(row) for row in connection.execute(_EXPIRE, given)]


def cancel(connection: Connection, recall_id: int, now: datetime, by: str) -> list[Ended]:
    """End what waits, as somebody wants; what is in flight ends by its answer."""
    given = {"of_recall": recall_id, "now": now, "by": by}
    return [ended_of(row) for row in connection.execute(_CANCEL, given)]


def leave_unknown(
    connection: Connection, ids: Collection[int], code: str | None, reason: str, now: datetime, by: str
) -> list[Ended]:
    """End items that wait as unknown, without a further ask."""
    columns = recall_items.c
    these = among(columns.id, ids, is_sqlite=connection.dialect.name == "sqlite")
    waits = and_(these, columns.outcome.is_(None), columns.call_id.is_(None))
    values = {
        "outcome": Outcome.UNKNOWN,
        "code": code,
        "reason": reason,
        "finished_at": now,
        "not_before": None,
        "ended_by": by,
    }
    ending = update(recall_items).where(waits).values(values).returning(*ENDED)
    return [ended_of(row) for row in connection.execute(ending)]


def _waits(recall_id: int | BindParameter[int]) -> ColumnElement[bool]:
    columns = recall_items.c
    return and_(columns.recall_id == recall_id, columns.outcome.is_(None), columns.call_id.is_(None))


def _ending(outcome: Outcome, reason: str, *of_these: ColumnElement[bool]) -> ReturningUpdate[Any]:
    """End items without an answer; of one that was asked before without an answer, nobody can say."""
    columns = recall_items.c
    values: dict[str, Any] = {
        "outcome": case((columns.in_doubt, Outcome.UNKNOWN.value), else_=outcome.value),
        "reason": case((columns.in_doubt, f"asked without an answer; then {reason}"), else_=reason),
        "finished_at": bindparam("now"),
        "not_before": None,
        "ended_by": bindparam("by"),
    }
    waits = _waits(bindparam("of_recall"))
    return update(recall_items).where(waits, *of_these).values(values).returning(*ENDED)


_EXPIRE = _ending(
    Outcome.EXPIRED,
    EXPIRED_WAITING,
    recall_items.c.app == bindparam("of_app"),
    recall_items.c.chat == bindparam("of_chat"),
    recall_items.c.deadline <= bindparam("now"),
)
_CANCEL = _ending(Outcome.CANCELLED, CANCELLED_WAITING)


def ended_of(row: Row[Any]) -> Ended:
    """Read how an item ended, from its columns `ENDED`."""
    return Ended(
        item_id=row.id,
        process_query_key=row.process_query_key,
        outcome=Outcome(row.outcome),
        code=row.code,
        reason=row.reason,
        attempts=row.attempts,
    )


def reopen(connection: Connection, recall_id: int, now: datetime) -> list[int]:
    """Let what ended refused, partial or unknown wait again while its deadline lasts; return the items.

    Messages that another recall has meanwhile recalled, or is at, and those that were refused for good, are left as
    they are.
    """
    statement = (
        update(recall_items)
        .where(can_be_asked_again(connection, recall_id, now))
        .values(
            in_doubt=recall_items.c.outcome.in_(DOUBTFUL),
            outcome=None,
            code=None,
            reason=None,
            call_id=None,
            not_before=None,
            finished_at=None,
            ended_by=None,
        )
        .returning(recall_items.c.id)
    )
    return sorted(connection.scalars(statement))


def make_due(connection: Connection, recall_id: int) -> None:
    """Let what waits to be asked again be asked at once."""
    waits = and_(_waits(recall_id), recall_items.c.not_before.is_not(None))
    connection.execute(update(recall_items).where(waits).values(not_before=None))


def share_doubts(connection: Connection, recall_id: int, only: Collection[int] | None = None) -> None:
    """Put what waits in doubt, in lanes of its own, where the ask of another recall may have worked unsaid.

    With messages, only what waits of these.
    """
    columns, doubted = recall_items.c, doubted_elsewhere(recall_id)
    sure = and_(_waits(recall_id), columns.in_doubt.is_(False), columns.message_id.in_(doubted))
    if only is not None:
        is_sqlite = connection.dialect.name == "sqlite"
        doubted = doubted.where(among(doubted.selected_columns.message_id, only, is_sqlite=is_sqlite))
        sure = and_(sure, among(columns.message_id, only, is_sqlite=is_sqlite), columns.message_id.in_(doubted))
    connection.execute(update(recall_items).where(sure).values(PUT_IN_DOUBT))
