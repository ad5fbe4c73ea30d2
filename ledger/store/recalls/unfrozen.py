"""What a recall has yet to freeze, shown as the items and skips that it becomes: the messages as they are now."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from ledger.core.recalls.plan import Standing
from ledger.core.recalls.recall import Item
from ledger.core.recording.message import Chat
from ledger.store.recalls import approvals, plan_messages
from ledger.store.recalls.recalls import Recall
from ledger.store.recording.selecting import among
from ledger.store.schema import messages, recall_skips

_BATCH_ROWS = 1000


def unfrozen_items(connection: Connection, recall: Recall) -> Iterator[Item]:
    """Yield the messages of a recall that are no items yet, nearest deadline first."""
    ids = unfrozen_ids(connection, recall)
    if not ids:
        return
    these = among(messages.c.id, ids, is_sqlite=connection.dialect.name == "sqlite")
    statement = select(messages).where(these).order_by(messages.c.deadline, messages.c.id)
    approved_by = _approved_by(connection, recall)
    for row in connection.execute(statement.execution_options(yield_per=_BATCH_ROWS)):
        yield _item(row, recall, approved_by)


def unfrozen_page(connection: Connection, recall: Recall, *, after: int, limit: int) -> list[tuple[int, Item]]:
    """Return messages of a recall that are no items yet, with their numbers, in the order of these."""
    ids = sorted(one for one in unfrozen_ids(connection, recall) if one > after)[:limit]
    these = among(messages.c.id, ids, is_sqlite=connection.dialect.name == "sqlite")
    rows = connection.execute(select(messages).where(these).order_by(messages.c.id)) if ids else ()
    approved_by = _approved_by(connection, recall)
    return [(row.id, _item(row, recall, approved_by)) for row in rows]


def unfrozen_skips(connection: Connection, recall: Recall) -> list[dict[str, Any]]:
    """Return what a recall selected, did not take, and has yet to write down, as JSON-ready facts without ids."""
    if not recall.unfrozen_skips:
        return []
    found = plan_messages.unfrozen(connection, recall.id)
    left = found.messages.skips(found.next_skip, len(found.messages.skipped)) if found else []
    standings = {one.message_id: one.standing for one in left}
    names = [one.name for one in recall_skips.c if one.name not in ("id", "recall_id", "standing")]
    columns = [messages.c.id, *(messages.c[name] for name in names)]
    these = among(messages.c.id, standings, is_sqlite=connection.dialect.name == "sqlite")
    rows = connection.execute(select(*columns).where(these).order_by(messages.c.deadline, messages.c.id))
    return [{"standing": Standing(standings[row.id]), **{name: row._mapping[name] for name in names}} for row in rows]


def unfrozen_ids(connection: Connection, recall: Recall) -> list[int]:
    """Return the messages of a recall that are no items yet."""
    found = plan_messages.unfrozen(connection, recall.id) if recall.unfrozen_items else None
    return found.taken if found else []


def _approved_by(connection: Connection, recall: Recall) -> str | None:
    approval = approvals.get(connection, recall.id)
    return approval.approved_by if approval else None


def _item(row: Row[Any], recall: Recall, approved_by: str | None) -> Item:
    return Item(
        process_query_key=row.process_query_key,
        robot_code=row.robot_code,
        campaign=row.campaign,
        sent_at=row.sent_at,
        deadline=row.deadline,
        recipients=tuple(row.recipients),
        outcome=None,
        code=None,
        reason=None,
        attempts=0,
        recall_id=recall.id,
        actor=recall.actor,
        finished_at=None,
        chat=Chat(row.chat),
        open_conversation_id=row.open_conversation_id,
        source=row.source,
        undelivered={why: tuple(users) for why, users in row.undelivered.items()},
        recall_reason=recall.reason,
        approved_by=approved_by,
    )
