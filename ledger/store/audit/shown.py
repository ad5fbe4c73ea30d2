"""The rows that people are shown, as they stand: what the check of the history holds against it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, Connection, Integer, Table, Text, func, select, text

from ledger.core.audit.chain_facts import named
from ledger.core.json_value import jsonable
from ledger.store.audit.commitments import Cells, Committer
from ledger.store.audit.raw_rows import raw_rows
from ledger.store.recalls.frozen import FROZEN_OF_ITEM, FROZEN_OF_SKIP
from ledger.store.recording.selecting import among
from ledger.store.schema import (
    approvals,
    break_glass,
    history,
    messages,
    policies,
    read_counts,
    recall_calls,
    recall_items,
    recall_skips,
    recalled_elsewhere,
    recalls,
    schedules,
    sending_stops,
    tokens,
)

# What is no fact of history: it changes as a recall goes on, and decides nothing of what was.
NOT_COMPARED = {
    "recalls": {
        "next_lane": "numbers the lanes of calls, which nobody is shown",
        "activated_at": "tells rounds apart for runners; the entries say when each began",
    },
    "recall_items": {
        "lane": "which items may share a call: for runners",
        "in_doubt": "for runners; what it led to is the outcome",
        "asked_with": "for runners",
        "not_before": "for runners",
    },
    "recall_skips": {},
    "plan_messages": {},
    "recall_calls": {"lease_until": "for runners: until when an answer is awaited"},
    "approvals": {},
    "break_glass": {},
    "schedules": {},
    "corrections": {},
    "correction_sends": {
        "not_before": "for senders",
        "owner": "for senders: who made it",
        "slot_at": "for senders: when it may leave",
        "lease_until": "for senders: until when an answer is awaited",
    },
    "policies": {},
    "sending_stops": {},
    "read_counts": {},
    "recalled_elsewhere": {},
    "tokens": {"last_used_at": "noted now and then with each use, which is no act"},
    "history": {"id": "counts the entries; their order is in the digests"},
}
ITEM_STATE = ("recall_id", "outcome", "code", "reason", "attempts", "call_id", "finished_at", "ended_by")


def rows_of_table(connection: Connection, table: Table) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a table that are compared whole, by number."""
    columns = [column for column in table.c if column.name not in NOT_COMPARED[table.name]]
    number = next(iter(table.primary_key.columns))
    names, place = [column.name for column in columns], [column.name for column in columns].index(number.name)
    others = [column.name for column in columns if not isinstance(column.type, Text | Integer | Boolean)]
    for cells in raw_rows(connection, columns, number):
        row = named(names, cells)
        for name in others:
            row[name] = jsonable(row[name])
        yield cells[place], row


def count_rows(connection: Connection) -> int:
    """Return about how many rows a check of the history reads."""
    return sum(
        connection.scalar(select(func.count()).select_from(one)) or 0 for one in (history, recall_items, recall_calls)
    )


def shown_recalls(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield recalls by number; one without a plan is not shown."""
    for number, row in rows_of_table(connection, recalls):
        if row["plan"] != {}:
            yield number, row


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """An item: the cells that its plan froze, what the history covers of these, and how it stands."""

    frozen: Cells
    covered: Cells
    state: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSkip:
    """A skip of a recall, with its key: the cells that its plan froze, and what the history covers of these."""

    recall_id: int
    key: str
    frozen: Cells
    covered: Cells


def shown_items(connection: Connection, committer: Committer) -> Iterator[tuple[int, ShownItem]]:
    """Yield items by number."""
    columns = [recall_items.c[name] for name in (*FROZEN_OF_ITEM, *ITEM_STATE)]
    names = (*FROZEN_OF_ITEM, *ITEM_STATE)
    size = len(FROZEN_OF_ITEM)
    key = FROZEN_OF_ITEM.index("process_query_key")
    for cells, covered in committer.rows(names, raw_rows(connection, columns, recall_items.c.id)):
        row = named(ITEM_STATE, cells[size:])
        row["process_query_key"] = cells[key]
        row["finished_at"] = jsonable(row["finished_at"])
        yield cells[0], ShownItem(frozen=cells[:size], covered=covered[:size], state=row)


def shown_skips(connection: Connection, committer: Committer) -> Iterator[ShownSkip]:
    """Yield skips by number."""
    columns = [recall_skips.c.recall_id, *(recall_skips.c[name] for name in FROZEN_OF_SKIP)]
    key = 1 + FROZEN_OF_SKIP.index("process_query_key")
    names = ("recall_id", *FROZEN_OF_SKIP)
    for cells, covered in committer.rows(names, raw_rows(connection, columns, recall_skips.c.id)):
        yield ShownSkip(recall_id=cells[0], key=cells[key], frozen=cells[1:], covered=covered[1:])


def shown_calls(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield calls by number, also those in flight and those that never left."""
    return rows_of_table(connection, recall_calls)


def shown_approvals(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield approvals by the number of their recall."""
    return rows_of_table(connection, approvals)


def shown_break_glass(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield by the number of its recall who started one without a second person."""
    return rows_of_table(connection, break_glass)


def shown_schedules(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield by the number of its recall when one runs by itself."""
    return rows_of_table(connection, schedules)


def shown_policies(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield policies by number, also those that count no more."""
    return rows_of_table(connection, policies)


def shown_read_counts(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield by number what is known of who has read messages."""
    return rows_of_table(connection, read_counts)


def messages_of_recalls(connection: Connection, ids: Collection[int]) -> list[int]:
    """Return which of some messages recalls have taken, by their numbers."""
    if not ids:
        return []
    taken = among(recall_items.c.message_id, ids, is_sqlite=connection.dialect.name == "sqlite")
    return list(connection.scalars(select(recall_items.c.message_id).where(taken).distinct().order_by("message_id")))


def shown_stops(connection: Connection) -> Iterator[dict[str, Any]]:
    """Yield the campaigns of which nothing more is sent."""
    for row in connection.execute(select(sending_stops)):
        yield {name: jsonable(value) for name, value in row._mapping.items()}


def shown_elsewhere(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield by the number of its message what other hands have taken back."""
    return rows_of_table(connection, recalled_elsewhere)


def recorded(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Return which of some messages are not purged."""
    there = among(messages.c.id, sorted(numbers), is_sqlite=connection.dialect.name == "sqlite")
    return set(connection.scalars(select(messages.c.id).where(there))) if numbers else set()


def shown_tokens(connection: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield tokens by number."""
    return rows_of_table(connection, tokens)


_NOT_INDEXED = text("""
    SELECT items.recall_id, items.process_query_key, users.value
    FROM recall_items AS items,
         json_each(CASE WHEN json_valid(items.recipients) THEN items.recipients ELSE '[]' END) AS users
    WHERE NOT EXISTS (
        SELECT 1 FROM recall_item_recipients AS found
        WHERE found.item_block = items.id / 4096 AND found.user_id = users.value AND found.item_id = items.id
    )
""")
# Taken away from all at once: to look for each person in the list of their item reads it once for each of them.
_WRONGLY_INDEXED = text("""
    WITH wrong AS (
        SELECT item_block, item_id, user_id FROM recall_item_recipients
        EXCEPT
        SELECT items.id / 4096, items.id, users.value
        FROM recall_items AS items,
             json_each(CASE WHEN json_valid(items.recipients) THEN items.recipients ELSE '[]' END) AS users
    )
    SELECT items.recall_id, items.process_query_key, wrong.user_id
    FROM wrong LEFT JOIN recall_items AS items ON items.id = wrong.item_id AND wrong.item_block = items.id / 4096
""")


def wrong_in_index(connection: Connection) -> Iterator[tuple[str, int, str | None, str]]:
    """Yield what the index by recipients of SQLite lacks, or has too much: kind, recall, key, user."""
    if connection.dialect.name != "sqlite":
        return
    for kind, statement in (("missing", _NOT_INDEXED), ("added", _WRONGLY_INDEXED)):
        for recall_id, key, user in connection.execute(statement):
            yield kind, recall_id, key, user
