"""Messages of which DingTalk can still be asked who has read them: those of a selection, and those of a recall."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select

from ledger.core.recalls.selection import Selection
from ledger.core.recording.message import AppName, MessageKey, Route
from ledger.store.recalls.candidates import Routes
from ledger.store.recalls.recalls import Recall
from ledger.store.recalls.unfrozen import unfrozen_ids
from ledger.store.recording.selecting import among, selected_messages
from ledger.store.schema import messages, recall_items

_BATCH_ROWS = 5000
_COLUMNS = ("chat", "robot_code", "open_conversation_id", "process_query_key")


@dataclass(frozen=True, slots=True)
class ReadableMessage:
    """A message: its number, how it travels, its key, and how many people it reached as far as that was recorded."""

    message_id: int
    route: Route
    process_query_key: MessageKey
    recipients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What can be asked about, and how many messages are past the time in which they can be."""

    messages: list[ReadableMessage]
    too_late: int


def of_selection(
    connection: Connection, selection: Selection, now: datetime, app_of: Callable[[str], AppName]
) -> Readable:
    """Return the selected messages that the ledger holds."""
    conditions = selected_messages(selection, is_sqlite=connection.dialect.name == "sqlite")
    return _readable(connection, messages.c.id, conditions, now, app_of)


def of_recall(connection: Connection, recall: Recall, now: datetime, app_of: Callable[[str], AppName]) -> Readable:
    """Return the messages of a recall: its items, and what it has yet to copy."""
    mine = [recall_items.c.recall_id == recall.id]
    found = _readable(connection, recall_items.c.message_id, mine, now, app_of)
    if ids := unfrozen_ids(connection, recall):
        these = [among(messages.c.id, ids, is_sqlite=connection.dialect.name == "sqlite")]
        more = _readable(connection, messages.c.id, these, now, app_of)
        return Readable(messages=found.messages + more.messages, too_late=found.too_late + more.too_late)
    return found


def recipients_of(connection: Connection, ids: Collection[int], recall_id: int | None) -> dict[int, frozenset[str]]:
    """Return whom some messages reached, of a recall or as the ledger holds them, by their numbers."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = {}
    if recall_id is not None:
        columns = recall_items.c
        mine = (columns.recall_id == recall_id, among(columns.message_id, ids, is_sqlite=is_sqlite))
        rows = connection.execute(select(columns.message_id, columns.recipients).where(*mine))
        found = {number: frozenset(users) for number, users in rows}
    held = among(messages.c.id, [one for one in ids if one not in found], is_sqlite=is_sqlite)
    rows = connection.execute(select(messages.c.id, messages.c.recipients).where(held))
    return found | {number: frozenset(users) for number, users in rows}


def _readable(
    connection: Connection,
    number: ColumnElement[int],
    conditions: Collection[ColumnElement[bool]],
    now: datetime,
    app_of: Callable[[str], AppName],
) -> Readable:
    table = messages if number is messages.c.id else recall_items
    columns = table.c
    late = select(func.count()).select_from(table).where(*conditions, columns.deadline <= now)
    size = columns.recipient_count if table is messages else _size(connection)
    statement = select(number, size, *(columns[name] for name in _COLUMNS)).where(*conditions, columns.deadline > now)
    rows = connection.execute(statement.execution_options(yield_per=_BATCH_ROWS))
    return Readable(messages=list(_read(rows, app_of)), too_late=connection.scalar(late) or 0)


def _size(connection: Connection) -> ColumnElement[Any]:
    recipients = recall_items.c.recipients
    if connection.dialect.name == "sqlite":
        return func.json_array_length(recipients)
    return func.coalesce(func.array_length(recipients, 1), 0)


def _read(rows: Any, app_of: Callable[[str], AppName]) -> Iterator[ReadableMessage]:
    routes = Routes(app_of)
    for number, size, chat, robot, conversation, key in rows:
        yield ReadableMessage(number, routes[chat, robot, conversation], key, size)
