"""What is asked of an item: its route, and what a call has to know of it."""

from typing import Any

from ledger.core.recalls.settle import AskedItem
from ledger.core.recording.message import AppName, Chat, Route
from ledger.store.schema import recall_items

ROUTE = ("app", "chat", "robot_code", "open_conversation_id")
_columns = recall_items.c
ASKED = (
    *(_columns[name] for name in ROUTE),
    *(_columns.id, _columns.process_query_key, _columns.sent_at, _columns.deadline),
    *(_columns.attempts, _columns.in_doubt, _columns.asked_with),
)


def asked_item(row: Any) -> AskedItem:
    """Read an item that is asked for once more than before, from its columns `ASKED`."""
    return AskedItem(
        item_id=row.id,
        process_query_key=row.process_query_key,
        sent_at=row.sent_at,
        deadline=row.deadline,
        attempts=row.attempts + 1,
        in_doubt=row.in_doubt,
        asked_with=row.asked_with,
    )


def route_of(row: Any) -> Route:
    """Read the route of an item."""
    return Route(
        app=AppName(row.app),
        chat=Chat(row.chat),
        robot_code=row.robot_code,
        open_conversation_id=row.open_conversation_id,
    )
