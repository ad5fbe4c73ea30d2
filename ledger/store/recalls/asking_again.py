"""Which items of a recall can be asked again, and how many of the others there are."""

from collections import Counter
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select

from ledger.core.recalls.asking_again import FINAL_CODES, KNOWN_AFTER, WRONG_KEY, AskAgain
from ledger.core.recalls.plan import KEYS_PER_CALL
from ledger.core.recalls.recall import RETRYABLE, Outcome
from ledger.store.recalls import plan_messages
from ledger.store.recalls.calls import PUT_IN_DOUBT
from ledger.store.recalls.holding import DOUBTFUL, is_taken
from ledger.store.recording.selecting import among_many
from ledger.store.schema import recall_items, recalls

_columns = recall_items.c


def can_be_asked_again(connection: Connection, recall_id: int, now: datetime) -> ColumnElement[bool]:
    """Say of items of a recall whether they ended so that another ask may change that, and are nobody else's."""
    failed = and_(_columns.recall_id == recall_id, _columns.outcome.in_(RETRYABLE))
    elsewhere = _is_elsewhere(connection, recall_id)
    return and_(failed, _columns.deadline > now, ~_is_final(connection, recall_id), ~elsewhere)


def ask_again(connection: Connection, recall_id: int, now: datetime) -> AskAgain:
    """Return what could be asked again of a recall, for how many calls, and what could not."""
    kind = case(
        (_columns.deadline <= now, "late"),
        (_is_final(connection, recall_id), "final"),
        (_is_elsewhere(connection, recall_id), "elsewhere"),
        else_="messages",
    )
    settles = case((and_(_columns.outcome.in_(DOUBTFUL), _columns.deadline > now), 1))
    failed = and_(_columns.recall_id == recall_id, _columns.outcome.in_(RETRYABLE))
    each = select(kind.label("kind"), _lane(recall_id).label("lane"), settles.label("settles")).where(failed).subquery()
    groups = (each.c.kind, each.c.lane)
    statement = select(*groups, func.count().label("items"), func.count(each.c.settles).label("settle"))
    counts: Counter[str] = Counter()
    for row in connection.execute(statement.group_by(*groups)):
        counts[row.kind] += row.items
        counts["settle"] += row.settle
        if row.kind == "messages":
            counts["calls"] += -(-row.items // KEYS_PER_CALL)
    return AskAgain(**counts)


def doubted_elsewhere(recall_id: int) -> Select[tuple[int]]:
    """Select the messages that another recall has asked for, which may have worked unsaid."""
    other, owner = recall_items.alias("other"), recalls.alias("owner")
    return (
        select(other.c.message_id)
        .join_from(other, owner, owner.c.id == other.c.recall_id)
        .where(other.c.recall_id != recall_id, other.c.outcome.in_(DOUBTFUL), owner.c.activated_at.is_not(None))
    )


def _lane(recall_id: int) -> ColumnElement[int]:
    """Return the lane in which an item is asked again: another one for what comes to be in doubt only then."""
    doubted = doubted_elsewhere(recall_id)
    # One by one: those that are asked again are few.
    mine = doubted.where(doubted.selected_columns.message_id == _columns.message_id).correlate(recall_items).exists()
    return case((and_(_columns.outcome.not_in(DOUBTFUL), mine), PUT_IN_DOUBT["lane"]), else_=_columns.lane)


def _is_final(connection: Connection, recall_id: int) -> ColumnElement[bool]:
    """Say whether an item was refused for a reason that no further ask changes."""
    started = connection.scalar(select(recalls.c.started_at).where(recalls.c.id == recall_id))
    wrong = literal(False) if started is None else _columns.sent_at < started - KNOWN_AFTER
    codes = or_(_columns.code.in_(FINAL_CODES), and_(_columns.code == WRONG_KEY, wrong))
    reasons = or_(_columns.reason.in_(FINAL_CODES), and_(_columns.reason == WRONG_KEY, wrong))
    said = or_(func.coalesce(codes, False), func.coalesce(reasons, False))
    return and_(_columns.outcome == Outcome.REFUSED, said)


def _is_elsewhere(connection: Connection, recall_id: int) -> ColumnElement[bool]:
    """Say whether another recall has recalled the message of an item, or is at it."""
    other, owner = recall_items.alias("other"), recalls.alias("owner")
    # As a value, which is looked up item by item: what only exists PostgreSQL may look for in all items that there are.
    taken: ColumnElement[bool] = (
        select(func.max(other.c.id))
        .join_from(other, owner, owner.c.id == other.c.recall_id)
        .where(other.c.message_id == _columns.message_id, other.c.recall_id != recall_id)
        .where(is_taken(other, owner))
        .correlate(recall_items)
        .scalar_subquery()
        .is_not(None)
    )
    held = plan_messages.held_ids(connection, other_than=recall_id)
    if not held:
        return taken
    return or_(taken, among_many(_columns.message_id, held, is_sqlite=connection.dialect.name == "sqlite"))
