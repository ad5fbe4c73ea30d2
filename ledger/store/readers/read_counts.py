"""Rows of `read_counts`: how many people had read a message when DingTalk was asked. Whoever has read it stays so."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select

from ledger.core.readers.read_sample import KnownReading
from ledger.core.recalls.recall import Outcome
from ledger.store.dialects import insert_into
from ledger.store.recording.selecting import among
from ledger.store.schema import messages, read_counts, recall_items

_BATCH_ROWS = 5000


def keep(connection: Connection, counts: Mapping[int, KnownReading]) -> None:
    """Write down what was answered, by message; an answer that names fewer readers than an earlier one changes none."""
    if not counts:
        return
    names = ("asked_at", "status", "read", "unread")
    rows = [
        {"message_id": number, **{name: getattr(one, name) for name in names}} for number, one in sorted(counts.items())
    ]
    adding = insert_into(connection, read_counts)
    said = adding.excluded
    newer = {name: said[name] for name in names}
    more = said.read >= read_counts.c.read
    connection.execute(adding.on_conflict_do_update(index_elements=["message_id"], set_=newer, where=more), rows)


def asked_since(connection: Connection, moment: datetime) -> dict[int, KnownReading]:
    """Return what is known of all messages that were asked about since a moment, by their numbers."""
    lately = select(read_counts).where(read_counts.c.asked_at >= moment)
    return {row.message_id: _known(row) for row in connection.execute(lately)}


def of_messages(connection: Connection, ids: Collection[int]) -> dict[int, KnownReading]:
    """Return what is known of some messages, by their numbers."""
    known = among(read_counts.c.message_id, ids, is_sqlite=connection.dialect.name == "sqlite")
    return {row.message_id: _known(row) for row in connection.execute(select(read_counts).where(known))}


def of_recalled(connection: Connection, recall_id: int) -> Iterator[KnownReading]:
    """Yield what is known of messages that a recall took back."""
    columns, asked = recall_items.c, read_counts.c.message_id
    mine = select(columns.id).where(
        columns.recall_id == recall_id, columns.message_id == asked, columns.outcome == Outcome.RECALLED
    )
    first, last = (
        select(end(columns.message_id)).where(columns.recall_id == recall_id).scalar_subquery()
        for end in (func.min, func.max)
    )
    # Begun with what is known, of which there is mostly less than of the recall.
    statement = select(read_counts).where(asked.between(first, last), mine.correlate(read_counts).exists())
    for row in connection.execute(statement.execution_options(yield_per=_BATCH_ROWS)):
        yield _known(row)


def forget_orphans(connection: Connection) -> None:
    """Delete what is known of messages that neither the ledger holds nor any recall is of."""
    number = read_counts.c.message_id
    there = exists().where(messages.c.id == number), exists().where(recall_items.c.message_id == number)
    connection.execute(delete(read_counts).where(~there[0], ~there[1]))


def _known(row: Any) -> KnownReading:
    return KnownReading(asked_at=row.asked_at, status=row.status, read=row.read, unread=row.unread)
