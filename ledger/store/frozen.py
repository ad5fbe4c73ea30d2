"""What a plan froze, read back: which columns of its items and skips never change again, and the digest over them."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from ledger.core.frozen import FrozenDigest
from ledger.store.raw_rows import raw_rows
from ledger.store.schema import recall_items, recall_skips

FROZEN_OF_ITEM = (
    *("id", "message_id", "app", "chat", "robot_code", "open_conversation_id", "process_query_key"),
    *("campaign", "source", "sent_at", "deadline", "recipients", "undelivered"),
)
FROZEN_OF_SKIP = tuple(column.name for column in recall_skips.c if column.name != "recall_id")


def frozen_by(connection: Connection, recall_id: int, *, items: int, skips: int) -> Mapping[str, Any]:
    """Return the facts of what a plan has written, of which it took and left out so many messages; nothing of it runs.

    Rows come in the order of their ids, which an index knows as long as no item has ended.
    """
    facts = {}
    for name, table, columns, rows in (
        ("items", recall_items, FROZEN_OF_ITEM, items),
        ("skips", recall_skips, FROZEN_OF_SKIP, skips),
    ):
        frozen, mine = FrozenDigest(columns=columns, expected_rows=rows), [table.c.recall_id == recall_id]
        if name == "items":
            mine.append(recall_items.c.outcome.is_(None))
        for cells in raw_rows(connection, [table.c[column] for column in columns], table.c.id, mine):
            frozen.add(cells)
        facts[name] = frozen.to_fact()
    return facts
