"""From what somebody looks for among recalls to conditions in SQL."""

import json

from sqlalchemy import ColumnElement, func, or_, select

from ledger.core.period import Period
from ledger.core.recalls.recall import Outcome, Status
from ledger.core.recalls.recall_filter import RecallFilter
from ledger.store.recalls.schedules import is_scheduled
from ledger.store.schema import approvals, recall_items, recalls


def found_recalls(asked: RecallFilter, *, is_sqlite: bool) -> list[ColumnElement[bool]]:
    """Return the conditions under which a row of `recalls` is looked for."""
    # A plan that nobody ran has no other time.
    conditions = within(func.coalesce(recalls.c.started_at, recalls.c.planned_at), asked.started)
    if asked.actor is not None:
        conditions.append(recalls.c.actor == asked.actor)
    if asked.campaigns:
        conditions.append(_of_campaigns(sorted(asked.campaigns), is_sqlite=is_sqlite))
    if asked.is_whole is not None:
        conditions.append(~_has_left_some() if asked.is_whole else _has_left_some())
    if not asked.with_plans:
        asks = select(approvals.c.recall_id).where(approvals.c.recall_id == recalls.c.id, approvals.c.verdict.is_(None))
        conditions.append(or_(recalls.c.status != Status.PLANNED, asks.exists(), is_scheduled()))
    return conditions


def _has_left_some() -> ColumnElement[bool]:
    """Say whether any message of a recall ended otherwise than recalled."""
    others = [one for one in Outcome if one is not Outcome.RECALLED]
    columns = recall_items.c
    return select(columns.id).where(columns.recall_id == recalls.c.id, columns.outcome.in_(others)).exists()


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
