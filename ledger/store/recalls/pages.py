"""Pages of long lists, each read from where the one before it ended, so that nothing comes twice or is left out."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, literal, literal_column, select, tuple_

from ledger.core.cursor import Place
from ledger.core.period import ALWAYS, Period
from ledger.core.recalls.plan import Standing
from ledger.core.recalls.recall import Item, Outcome, Status
from ledger.core.recalls.recall_filter import EVERY_RECALL, RecallFilter
from ledger.core.recalls.selection import Selection
from ledger.core.recording.message import Campaign, Chat
from ledger.core.recording.recorded_message import RecordedMessage
from ledger.store.events.elsewhere import is_elsewhere
from ledger.store.recalls import plan_messages
from ledger.store.recalls.candidates import HELD, STANDINGS, past
from ledger.store.recalls.conditions import is_complete
from ledger.store.recalls.finding import found_recalls
from ledger.store.recalls.items import ended_items, item_of, joined_items
from ledger.store.recalls.recalls import Recall, recall_of
from ledger.store.recalls.unfrozen import unfrozen_page
from ledger.store.recording.selecting import among_many, beyond, reached_others, selected_messages
from ledger.store.schema import approvals, messages, recall_items, recalls, schedules


def messages_page(
    connection: Connection,
    selection: Selection,
    *,
    now: datetime,
    only_recallable: bool = False,
    shared: bool | None = None,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, RecordedMessage]]:
    """Return selected messages, soonest deadline first; `shared`: those that others got too than were asked for."""
    columns = messages.c
    held = frozenset(plan_messages.held_ids(connection))
    order: tuple[ColumnElement[Any], ...] = (columns.deadline, columns.id)
    in_order: list[ColumnElement[bool]] = []
    if selection.campaign is not None and connection.dialect.name != "sqlite":
        # Said so, only the index of the campaign has this order. Else that of deadlines is taken for the quicker one,
        # which reads all that was sent before the campaign.
        name, order = selection.campaign, (columns.campaign, *order)
        in_order = [columns.campaign <= name, _from_place(name, after)]
        selection = replace(selection, campaigns=frozenset())
    else:
        if selection.users and connection.dialect.name != "sqlite":
            # No index has this order. Else that of deadlines is taken for the quicker one, which reads the whole ledger
            # for the few messages of a person.
            order = (literal_column("messages.deadline + interval '0'"), columns.id)
        if after is not None:
            in_order = [beyond(columns.deadline, columns.id, after, descending=False)]
    conditions = _wanted_messages(connection, selection, now, held, only_recallable=only_recallable, shared=shared)
    seen = select(messages, past().label("past"), is_elsewhere().label("is_elsewhere"))
    rows = connection.execute(seen.where(*conditions, *in_order).order_by(*order).limit(limit))
    return [((row.deadline, row.id), _recorded(row, now, is_held=row.id in held)) for row in rows]


def _from_place(campaign: Campaign, after: Place | None) -> ColumnElement[bool]:
    """Return the condition for what comes after a place among the messages of a campaign, or for all of them."""
    columns = messages.c
    if after is None:
        return columns.campaign >= campaign
    return tuple_(columns.campaign, columns.deadline, columns.id) > tuple_(
        literal(campaign), literal(after[0], columns.deadline.type), literal(after[1])
    )


def count_messages(
    connection: Connection, selection: Selection, *, now: datetime, only_recallable: bool = False, shared: bool | None
) -> int:
    """Return how many messages `messages_page` has of these."""
    held = frozenset(plan_messages.held_ids(connection))
    wanted = _wanted_messages(connection, selection, now, held, only_recallable=only_recallable, shared=shared)
    return connection.scalar(select(func.count()).select_from(messages).where(*wanted)) or 0


def _wanted_messages(
    connection: Connection,
    selection: Selection,
    now: datetime,
    held: Collection[int],
    *,
    only_recallable: bool,
    shared: bool | None,
) -> list[ColumnElement[bool]]:
    columns, is_sqlite = messages.c, connection.dialect.name == "sqlite"
    conditions = selected_messages(selection, is_sqlite=is_sqlite)
    if only_recallable:
        conditions += [columns.deadline > now, func.coalesce(past(), 0) < HELD, ~is_elsewhere()]
    if only_recallable and held:
        conditions.append(~among_many(columns.id, held, is_sqlite=is_sqlite))
    if shared is not None:
        others = reached_others(selection.users, is_sqlite=is_sqlite)
        conditions.append(others if shared else ~others)
    return conditions


def recalls_page(
    connection: Connection,
    *,
    statuses: Collection[Status],
    asked: RecallFilter = EVERY_RECALL,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Recall]]:
    """Return recalls in given states that somebody looks for, newest first."""
    conditions: list[ColumnElement[bool]] = [
        recalls.c.status.in_([status.value for status in statuses]),
        is_complete(),
        *found_recalls(asked, is_sqlite=connection.dialect.name == "sqlite"),
    ]
    if after is not None:
        conditions.append(recalls.c.id < after[1])
    statement = select(recalls).where(*conditions).order_by(recalls.c.id.desc()).limit(limit)
    return [((None, row.id), recall_of(row)) for row in connection.execute(statement)]


def waiting_for_approval(connection: Connection, now: datetime | None) -> list[Recall]:
    """Return the plans that wait for a second person, those that wait the shortest time more first.

    Without `now`, also those that nobody answered in time.
    """
    waits = and_(recalls.c.status == Status.PLANNED, approvals.c.verdict.is_(None))
    if now is not None:
        waits = and_(waits, approvals.c.valid_until > now)
    statement = select(recalls).join(approvals, approvals.c.recall_id == recalls.c.id).where(waits)
    return [recall_of(row) for row in connection.execute(statement.order_by(approvals.c.valid_until, recalls.c.id))]


def scheduled(connection: Connection) -> list[Recall]:
    """Return the plans that wait for a moment of their own, the nearest first."""
    waits = and_(recalls.c.status == Status.PLANNED, schedules.c.recall_id == recalls.c.id)
    statement = select(recalls).join(schedules, waits).order_by(schedules.c.run_at, recalls.c.id)
    return [recall_of(row) for row in connection.execute(statement)]


def items_page(
    connection: Connection,
    recall: Recall,
    *,
    outcomes: Sequence[Outcome],
    only_pending: bool,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Item]]:
    """Return items of a recall in the order in which their messages were recorded, which an index knows."""
    columns = recall_items.c
    order: tuple[ColumnElement[Any], ...] = (columns.message_id,)
    conditions: list[ColumnElement[bool]] = [columns.recall_id == recall.id]
    if connection.dialect.name != "sqlite":
        # Said so, only the index of the recall has this order. Else that of all messages is taken for as quick, which
        # reads what was recalled before.
        order = (columns.recall_id, columns.message_id)
        conditions = [columns.recall_id >= recall.id, columns.recall_id <= recall.id]
    if only_pending:
        conditions.append(columns.outcome.is_(None))
    elif outcomes:
        conditions.append(columns.outcome.in_([outcome.value for outcome in outcomes]))
    if after is not None:
        conditions.append(columns.message_id > after[1])
    statement = joined_items().where(*conditions).order_by(*order).limit(limit)
    found = [(row.message_id, item_of(row)) for row in connection.execute(statement)]
    if only_pending or not outcomes:
        found += unfrozen_page(connection, recall, after=after[1] if after else 0, limit=limit)
        found.sort(key=lambda pair: pair[0])
    return [((None, number), item) for number, item in found[:limit]]


def history_page(
    connection: Connection,
    selection: Selection,
    *,
    outcome: Outcome | None,
    actor: str | None,
    recalled: Period = ALWAYS,
    after: Place | None,
    limit: int,
) -> list[tuple[Place, Item]]:
    """Return the outcomes of keys, newest first."""
    statement = ended_items(
        connection, selection, outcome=outcome, actor=actor, recalled=recalled, limit=limit, after=after
    )
    return [((row.finished_at, row.id), item_of(row)) for row in connection.execute(statement)]


def _recorded(row: Any, now: datetime, *, is_held: bool) -> RecordedMessage:
    standing = STANDINGS.get(row.past, Standing.IN_PROGRESS if is_held else Standing.ELIGIBLE)
    if standing is Standing.ELIGIBLE and row.is_elsewhere:
        standing = Standing.ELSEWHERE
    if standing is Standing.ELIGIBLE and row.deadline <= now:
        standing = Standing.EXPIRED
    return RecordedMessage(
        process_query_key=row.process_query_key,
        robot_code=row.robot_code,
        campaign=row.campaign,
        sent_at=row.sent_at,
        deadline=row.deadline,
        recipients=tuple(row.recipients),
        chat=Chat(row.chat),
        open_conversation_id=row.open_conversation_id,
        source=row.source,
        undelivered=dict(row.undelivered),
        recorded_at=row.recorded_at,
        standing=standing,
        excerpt=row.excerpt,
        expires_at=row.expires_at,
    )
