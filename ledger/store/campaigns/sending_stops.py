"""Rows of `sending_stops`: campaigns of which nothing more is to be sent, each until somebody lets it go on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from ledger.core.json_value import JsonValue
from ledger.store.dialects import insert_into
from ledger.store.schema import sending_stops


@dataclass(frozen=True, slots=True, kw_only=True)
class SendingStop(JsonValue):
    """A campaign of which nothing more is to be sent: since when, by whom, and for which recall, if for one."""

    campaign: str
    stopped_by: str
    stopped_at: datetime
    recall_id: int | None


def add(connection: Connection, stop: SendingStop) -> bool:
    """Stop a campaign; say whether it was not stopped yet."""
    row = {
        "campaign": stop.campaign,
        "stopped_by": stop.stopped_by,
        "stopped_at": stop.stopped_at,
        "recall_id": stop.recall_id,
    }
    new = insert_into(connection, sending_stops).values(row).on_conflict_do_nothing()
    return connection.execute(new.execution_options(preserve_rowcount=True)).rowcount == 1


def drop(connection: Connection, campaign: str) -> bool:
    """Let a campaign go on; say whether it was stopped."""
    return connection.execute(delete(sending_stops).where(sending_stops.c.campaign == campaign)).rowcount == 1


def stopped_by(connection: Connection, campaign: str) -> str | None:
    """Return who stopped a campaign."""
    who: str | None = connection.scalar(select(sending_stops.c.stopped_by).where(sending_stops.c.campaign == campaign))
    return who


def listed(connection: Connection) -> list[SendingStop]:
    """Return all that are stopped, by name."""
    rows = connection.execute(select(sending_stops).order_by(sending_stops.c.campaign))
    return [SendingStop(**row._mapping) for row in rows]


def names(connection: Connection) -> frozenset[str]:
    """Return the names alone."""
    return frozenset(connection.execute(select(sending_stops.c.campaign)).scalars())
