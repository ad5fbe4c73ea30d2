"""From what somebody looks for among recalls to conditions in SQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from ledger.core.deadline import WINDOW
from ledger.core.period import Period, moved
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.recall_filter import RecallFilter
from ledger.store.recalls.schedules import is_scheduled
from ledger.store.schema import approvals, recall_calls, recall_items, recalls

# Clocks of two machines are never farther from each other.
_CLOCKS_APART = timedelta(days=1)


def found_recalls(asked: RecallFilter, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row of `recalls` is looked for."""
    # A plan that nobody ran has no other time.
    conditions = within(func.coalesce(recalls.c.started_at, recalls.c.planned_at), asked.started)
    if asked.actor is not None:
        conditions.append(recalls.c.actor == asked.actor)
    if asked.campaigns:
        conditions.append(_of_campaigns(sorted(asked.campaigns), is_sqlite=is_sqlite))
    if asked.is_whole is not None:
        conditions.append(~has_left_some() if asked.is_whole else has_left_some())
    if asked.has_recalled is not None:
        conditions.append(_has_recalled() if asked.has_recalled else ~_has_recalled())
    if asked.asked_at is not None:
        conditions.append(_may_be_answered(asked.asked_at))
    if asked.only_scheduled:
        conditions.append(is_scheduled())
    if not asked.with_plans:
        asks = select(approvals.c.recall_id).where(approvals.c.recall_id == recalls.c.id, approvals.c.verdict.is_(None))
        conditions.append(or_(recalls.c.status != Status.PLANNED, asks.exists(), is_scheduled()))
    return conditions


def has_left_some() -> ColumnElement[bool]:
    """Say whether any message of a recall ended otherwise than recalled."""
    return has_ended_so([one for one in Outcome if one is not Outcome.RECALLED])


def has_ended_so(outcomes: Sequence[Outcome]) -> ColumnElement[bool]:
    """Say whether any message of a recall ended in one of these outcomes."""
    columns = recall_items.c
    return select(columns.id).where(columns.recall_id == recalls.c.id, columns.outcome.in_(outcomes)).exists()


def _has_recalled() -> ColumnElement[bool]:
    """Say whether a recall has recalled anything."""
    columns = recall_items.c
    return select(columns.id).where(columns.recall_id == recalls.c.id, columns.outcome == Outcome.RECALLED).exists()


def _may_be_answered(now: datetime) -> ColumnElement[bool]:
    """Say whether a second person was asked about a plan and may still answer."""
    mine = (approvals.c.recall_id == recalls.c.id, approvals.c.verdict.is_(None), approvals.c.valid_until > now)
    return and_(recalls.c.status == Status.PLANNED, select(approvals.c.recall_id).where(*mine).exists())


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedBetween:
    """The first and the last moment at which items of some recalls can have ended; without a last one, until now."""

    first: datetime
    last: datetime | None


def ended_between(connection: Connection, sent: Period, recalled: Period) -> EndedBetween | None:
    """Return when what was sent and recalled in some periods can have ended; None when no recall is of them.

    Recalls are few: from them follows which part of an index of items is read, however long the history is.
    """
    columns = recalls.c
    conditions = within(columns.started_at, recalled)
    # What a plan takes was sent before it, by clocks that may differ, and can be recalled when it is made.
    if sent.since is not None:
        conditions.append(columns.planned_at >= moved(sent.since, -_CLOCKS_APART))
    if sent.until is not None:
        conditions.append(columns.planned_at < moved(sent.until, WINDOW))
    # An answer to what was in flight may come, or be given up, once its recall is cancelled.
    last_call = select(func.max(recall_calls.c.finished_at)).where(recall_calls.c.recall_id == columns.id)
    is_over = and_(columns.status.in_((Status.FINISHED, Status.CANCELLED)), columns.unfrozen_items == 0)
    statement = select(
        func.count().label("recalls"),
        func.sum(case((is_over, 1), else_=0)).label("over"),
        func.min(columns.planned_at).label("first"),
        func.max(columns.finished_at).label("last"),
        func.max(case((columns.status == Status.CANCELLED, last_call.scalar_subquery()))).label("last_call"),
    )
    row = connection.execute(statement.where(columns.started_at.is_not(None), *conditions)).one()
    if not row.recalls:
        return None
    is_known = row.over == row.recalls and row.last is not None
    last = max(filter(None, (row.last, row.last_call))) + _CLOCKS_APART if is_known else None
    return EndedBetween(first=row.first, last=last)


def within(column: ColumnElement[object], period: Period) -> list[ColumnElement[bool]]:
    """Return the conditions under which a time lies in a period."""
    conditions: list[ColumnElement[bool]] = []
    if period.since is not None:
        conditions.append(column >= period.since)
    if period.until is not None:
        conditions.append(column < period.until)
    return conditions


def _of_campaigns(campaigns: list[str], *, is_sqlite: bool) -> ColumnElement[bool]:
    columns = recall_items.c
    # What ended is in an index; what has yet to end was mostly asked for.
    ended = select(columns.recall_id).where(columns.campaign.in_(campaigns), columns.outcome.is_not(None))
    if not is_sqlite:
        named = [
            recalls.c.selection.bool_op("@>")(part)
            for one in campaigns
            for part in ({"campaign": one}, {"campaigns": [one]})
        ]
        return or_(recalls.c.id.in_(ended), *named)
    one_of = select(func.json_each(json.dumps(campaigns)).table_valued("value").c.value)
    each = func.json_each(recalls.c.selection, "$.campaigns").table_valued("value")
    return or_(
        recalls.c.id.in_(ended),
        func.json_extract(recalls.c.selection, "$.campaign").in_(one_of),
        select(each.c.value).where(each.c.value.in_(one_of)).exists(),
    )
