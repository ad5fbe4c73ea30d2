"""Rows of `message_events` and `event_usage`: what was pushed of messages, and how many pushes the month has had."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, select

from ledger.core.events.message_events import EventKind, EventPush, MessageEvent
from ledger.core.persons.person import is_pseudonym
from ledger.core.recalls.quota import month_of
from ledger.store.dialects import insert_into
from ledger.store.faults import dropped, of_rows
from ledger.store.recording.selecting import among
from ledger.store.schema import event_usage, message_events, messages


def insert_pushes(connection: Connection, pushes: Sequence[EventPush]) -> list[bool]:
    """Write events and count pushes; say of each whether it is new. An event that is there already is left as it is.

    Raise InvalidMessageError when the values of one are at fault, StatementRefusedError when the database drops one
    without an error.
    """
    statement = insert_into(connection, message_events).on_conflict_do_nothing().returning(message_events.c.event_id)
    events = {push.event.event_id: (push.event, push) for push in pushes if push.event is not None}
    erased = _keys_of_erased(connection, {event.process_query_key for event, _ in events.values()})
    new: set[str] = set()
    # In one order everywhere, so that two writers of the same events wait for each other instead of deadlocking.
    for event_id, (event, push) in sorted(events.items()):
        with of_rows(message_events):
            new.update(connection.scalars(statement, _values(_unnamed(event, erased), push)))
        if event_id not in new and not _is_there(connection, event_id):
            raise dropped(message_events)
    highest: dict[tuple[str, str, str], int] = {}
    for push in pushes:
        which = push.app, month_of(push.at), push.source
        highest[which] = max(highest.get(which, 0), push.number)
    for which, number in sorted(highest.items()):
        _count(connection, *which, number)
    # Of those that came twice in one go, the first is new.
    return [push.event is None or _taken(new, push.event.event_id) for push in pushes]


def used_pushes(connection: Connection, month: str, but_for: str = "") -> int:
    """Return how many pushes of a month have come, of all apps: the quota is the organisation's; but for one source."""
    of_month = event_usage.c.month == month
    counted = select(func.sum(event_usage.c.pushes)).where(of_month, event_usage.c.source != but_for)
    return int(connection.scalar(counted) or 0)


def forget_pushes(connection: Connection, before: str) -> None:
    """Delete the counts of months before one: nothing asks for them any more."""
    connection.execute(delete(event_usage).where(event_usage.c.month < before))


def count_events(connection: Connection, kind: EventKind) -> int:
    """Return how many events of a kind there are."""
    counted = select(func.count()).select_from(message_events).where(message_events.c.kind == kind.value)
    return connection.scalar(counted) or 0


def readers_told(connection: Connection) -> dict[int, int]:
    """Return how many people events have named as readers of messages, by the numbers of these."""
    columns = message_events.c
    counted = (
        select(columns.process_query_key, func.count(columns.user_id.distinct()))
        .where(columns.kind == EventKind.READ.value, columns.user_id.is_not(None))
        .group_by(columns.process_query_key)
    )
    readers: dict[str, int] = {row[0]: row[1] for row in connection.execute(counted)}
    if not readers:
        return {}
    known = among(messages.c.process_query_key, sorted(readers), is_sqlite=connection.dialect.name == "sqlite")
    found = select(messages.c.id, messages.c.process_query_key).where(known)
    return {number: readers[key] for number, key in connection.execute(found)}


def purge_events(connection: Connection, received_before: datetime, limit: int) -> int:
    """Delete up to `limit` events that came before a moment, and whose message is not there (any more)."""
    columns = message_events.c
    known = select(messages.c.id).where(messages.c.process_query_key == columns.process_query_key).exists()
    due = select(columns.id).where(columns.received_at <= received_before, ~known).limit(limit)
    return connection.execute(delete(message_events).where(columns.id.in_(due))).rowcount


def purge_events_of(connection: Connection, keys: Sequence[str]) -> None:
    """Delete the events of keys that no message has any more."""
    columns = message_events.c
    known = select(messages.c.id).where(messages.c.process_query_key == columns.process_query_key).exists()
    connection.execute(delete(message_events).where(columns.process_query_key.in_(keys), ~known))


def _keys_of_erased(connection: Connection, keys: Collection[str]) -> dict[str, set[str]]:
    """Return the messages of some keys that reached somebody who was erased, each with the names that it has."""
    columns = messages.c
    found: dict[str, set[str]] = {}
    wanted = select(columns.process_query_key, columns.recipients).where(columns.process_query_key.in_(sorted(keys)))
    for key, recipients in connection.execute(wanted) if keys else ():
        if any(map(is_pseudonym, recipients)):
            found.setdefault(key, set()).update(recipients)
    return found


def _unnamed(event: MessageEvent, erased: Mapping[str, set[str]]) -> MessageEvent:
    """Leave out a user who may be the one that was erased: an event does not bring the id back."""
    names = erased.get(event.process_query_key)
    return event if names is None or event.user_id in names else replace(event, user_id=None)


def _values(event: MessageEvent, push: EventPush) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "app": push.app,
        "kind": event.kind.value,
        "process_query_key": event.process_query_key,
        "robot_code": event.robot_code,
        "user_id": event.user_id,
        "happened_at": event.happened_at,
        "received_at": push.at,
    }


def _is_there(connection: Connection, event_id: str) -> bool:
    found = select(message_events.c.id).where(message_events.c.event_id == event_id)
    return connection.execute(found).first() is not None


def _count(connection: Connection, app: str, month: str, source: str, number: int) -> None:
    """Keep the highest number that a source gave."""
    statement = insert_into(connection, event_usage).values(app=app, month=month, source=source, pushes=number)
    columns = ["app", "month", "source"]
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=columns, set_={"pushes": number}, where=event_usage.c.pushes < number
        )
    )


def _taken(new: set[str], event_id: str) -> bool:
    is_new = event_id in new
    new.discard(event_id)
    return is_new
