"""Rows of `stream_connections`: what each process does about the events of each app, said again and again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from ledger.core.events.stream_state import StreamStanding, StreamState
from ledger.store.schema import stream_connections


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidState:
    """How the connection of a process stands, and when it said so last."""

    owner: str
    state: StreamState
    seen_at: datetime


def say(connection: Connection, owner: str, states: Sequence[StreamState], now: datetime) -> None:
    """Say how the connections of a process stand."""
    leave(connection, owner)
    rows = [
        {
            "app": one.app,
            "owner": owner,
            "standing": one.standing.value,
            "since": one.since,
            "error": one.error,
            "seen_at": now,
        }
        for one in states
    ]
    if rows:
        connection.execute(insert(stream_connections), rows)


def leave(connection: Connection, owner: str) -> None:
    """Say that a process holds none any more."""
    connection.execute(delete(stream_connections).where(stream_connections.c.owner == owner))


def forget(connection: Connection, seen_before: datetime) -> None:
    """Forget processes that say nothing any more."""
    connection.execute(delete(stream_connections).where(stream_connections.c.seen_at < seen_before))


def listed(connection: Connection, seen_since: datetime) -> list[SaidState]:
    """Return what processes have said since a moment, by app."""
    columns = stream_connections.c
    found = select(stream_connections).where(columns.seen_at >= seen_since).order_by(columns.app, columns.owner)
    return [
        SaidState(
            owner=row.owner,
            seen_at=row.seen_at,
            state=StreamState(app=row.app, standing=StreamStanding(row.standing), since=row.since, error=row.error),
        )
        for row in connection.execute(found)
    ]
