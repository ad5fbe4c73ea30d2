"""Rows of `history`: appended in a chain of digests, and read back to check it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, text

from ledger.core.chain import GENESIS, digest
from ledger.store.items import Ended
from ledger.store.schema import history

ITEMS_PER_ENTRY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that was done: an event, by whom, to which recall, with its facts as JSON values."""

    at: datetime
    event: str
    actor: str
    recall_id: int | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as it stands in the database."""

    id: int
    entry: Entry
    digest: str


def link(previous: str, entry: Entry) -> str:
    """Return the digest of an entry that comes after the one with the digest `previous`."""
    return digest(
        previous,
        at=entry.at,
        event=entry.event,
        actor=entry.actor,
        recall_id=entry.recall_id,
        detail=entry.detail,
    )


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Add entries to the chain, as the last statements of the transaction whose changes they tell of."""
    if not entries:
        return
    if connection.dialect.name == "postgresql":
        # One writer at a time, or two would chain to the same entry.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ledger history'))"))
    last = select(history.c.digest).order_by(history.c.id.desc()).limit(1)
    previous = connection.scalar(last) or GENESIS
    rows = []
    for entry in entries:
        previous = link(previous, entry)
        rows.append(
            {
                "at": entry.at,
                "event": entry.event,
                "actor": entry.actor,
                "recall_id": entry.recall_id,
                "detail": dict(entry.detail),
                "digest": previous,
            }
        )
    connection.execute(insert(history), rows)


def read_all(connection: Connection, batch_rows: int = 1000) -> Iterator[StoredEntry]:
    """Yield every entry in the order of writing."""
    statement = select(history).order_by(history.c.id)
    for row in connection.execute(statement.execution_options(yield_per=batch_rows)):
        entry = Entry(at=row.at, event=row.event, actor=row.actor, recall_id=row.recall_id, detail=row.detail)
        yield StoredEntry(id=row.id, entry=entry, digest=row.digest)


def of_recall(connection: Connection, recall_id: int) -> list[Entry]:
    """Return what was done with one recall, but for its calls, in the order of doing."""
    of_items = ("call", "expired", "cancelled", "unanswered")
    mine = (history.c.recall_id == recall_id) & history.c.event.not_in(of_items)
    columns = [history.c[field.name] for field in fields(Entry)]
    rows = connection.execute(select(*columns).where(mine).order_by(history.c.id))
    return [Entry(**row._mapping) for row in rows]


def ended_entries(recall_id: int, actor: str, event: str, ended: Sequence[Ended], at: datetime) -> list[Entry]:
    """Return entries that name items which ended together, in lists of bounded length."""
    return [
        Entry(
            at=at,
            event=event,
            actor=actor,
            recall_id=recall_id,
            detail={"items": [one.to_fact() for one in ended[start : start + ITEMS_PER_ENTRY]]},
        )
        for start in range(0, len(ended), ITEMS_PER_ENTRY)
    ]
