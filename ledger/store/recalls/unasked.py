"""Items that ended without any ask of ours, cancelled or expired: only others can have taken them back."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from ledger.core.deadline import WINDOW
from ledger.core.recording.message import Route
from ledger.store.events import elsewhere
from ledger.store.recalls.asked_items import ROUTE, route_of
from ledger.store.schema import recall_items


@dataclass(frozen=True, slots=True, kw_only=True)
class Unasked:
    """An item that no recall of ours ever asked for, and that nobody is known to have taken back."""

    message_id: int
    route: Route
    process_query_key: str


def unasked(connection: Connection, recall_id: int, now: datetime) -> list[Unasked]:
    """Return those of a recall that have ended, while their read status can be asked.

    That a conversation takes nothing back any more ends no question: it can be asked for as long as any other.
    """
    columns = recall_items.c
    named = (columns.message_id, columns.process_query_key, *(columns[name] for name in ROUTE))
    ended = (columns.recall_id == recall_id, columns.outcome.is_not(None), columns.sent_at > now - WINDOW)
    rows = connection.execute(select(*named).where(*ended, columns.attempts == 0).order_by(columns.id)).all()
    there = {one.message_id for one in elsewhere.answered_gone(connection, [row.message_id for row in rows])}
    return [
        Unasked(message_id=row.message_id, route=route_of(row), process_query_key=row.process_query_key)
        for row in rows
        if row.message_id in there
    ]
