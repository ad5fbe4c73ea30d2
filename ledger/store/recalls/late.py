"""What came too late for a recall: messages that fit its selection, but that its plan did not see."""

from datetime import datetime, timedelta

from sqlalchemy import CTE, ColumnElement, Connection, and_, func, or_, select, tuple_

from ledger.core.recalls.plan import Standing
from ledger.core.recalls.recall import Status
from ledger.core.recalls.selection import Selection
from ledger.store.recalls import plan_messages
from ledger.store.recalls.recalls import Recall
from ledger.store.recording.selecting import among_many, selected_messages
from ledger.store.schema import messages, recall_items, recall_skips, recalls

# A message may carry a time before the plan and yet be committed after it, or by a clock that was set back since. What
# the plan did see stands in its items and skips, so that looking back too far costs a little time and nothing else.
LOOK_BACK = timedelta(hours=1)


def is_late(connection: Connection, recall: Recall, now: datetime) -> ColumnElement[bool]:
    """Say whether a selected message can be recalled, was not seen by a recall's plan, and is in no recall that ran."""
    return and_(_is_of_its_time(recall, now), _is_nobodys(connection, recall))


def has_others(connection: Connection, recall: Recall, now: datetime) -> bool:
    """Say whether there is any message of a recall's selection and time that is no item of its own.

    As long as the messages stay the same, there never is one later where there was none.
    """
    others = _others(connection, recall, now)
    return connection.execute(select(others.c.id).limit(1)).first() is not None


def count_late(connection: Connection, recall: Recall, now: datetime) -> int:
    """Return how many messages are late for a recall."""
    # Nearly all of them are its own items, which one index tells: only of the others the rest is asked.
    others = _others(connection, recall, now)
    statement = select(func.count()).select_from(messages.join(others, others.c.id == messages.c.id))
    return connection.scalar(statement.where(_is_nobodys(connection, recall))) or 0


def _others(connection: Connection, recall: Recall, now: datetime) -> CTE:
    selected = selected_messages(Selection.from_json(recall.selection), is_sqlite=connection.dialect.name == "sqlite")
    mine = select(recall_items.c.id).where(
        recall_items.c.recall_id == recall.id, recall_items.c.message_id == messages.c.id
    )
    not_mine = ~mine.correlate(messages).exists()
    others = select(messages.c.id).where(*selected, _is_of_its_time(recall, now), not_mine)
    return others.cte("others").prefix_with("MATERIALIZED")


def _is_of_its_time(recall: Recall, now: datetime) -> ColumnElement[bool]:
    return and_(messages.c.recorded_at > recall.planned_at - LOOK_BACK, messages.c.deadline > now)


def _is_nobodys(connection: Connection, recall: Recall) -> ColumnElement[bool]:
    """Say whether a message was seen by no plan of a recall, and is in no recall that ran."""
    columns = messages.c
    in_a_recall = (
        select(recall_items.c.id)
        .where(recall_items.c.message_id == columns.id, recalls.c.id == recall_items.c.recall_id)
        .where(or_(recalls.c.status != Status.PLANNED, recalls.c.id == recall.id))
        .correlate(messages)
        .exists()
    )
    # What one that follows it has left out was seen as well.
    plans = select(recalls.c.id).where(or_(recalls.c.id == recall.id, recalls.c.follows == recall.id))
    # A robot that no app was configured for may be known by now.
    skips = select(recall_skips.c.robot_code, recall_skips.c.process_query_key).where(
        recall_skips.c.recall_id.in_(plans), recall_skips.c.standing != Standing.UNCONFIGURED
    )
    return and_(
        ~in_a_recall,
        tuple_(columns.robot_code, columns.process_query_key).not_in(skips),
        *_not_seen(connection, recall),
    )


def _not_seen(connection: Connection, recall: Recall) -> list[ColumnElement[bool]]:
    """Return the same conditions for what has yet to become items and skips."""
    seen: list[int] = []
    for other in plan_messages.of_interest(connection, recall.id):
        if other.recall_id == recall.id or other.status is not Status.PLANNED:
            seen += other.taken
        if recall.id in (other.recall_id, other.follows):
            seen += other.messages.skipped_as(*(set(Standing) - {Standing.UNCONFIGURED}))
    return [~among_many(messages.c.id, seen, is_sqlite=connection.dialect.name == "sqlite")] if seen else []
