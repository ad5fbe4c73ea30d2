"""Messages that are there already when they come again: their new users are added, nothing else is changed."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, select, update

from ledger.core.recording.known_message import KnownMessage, new_users, note_on
from ledger.core.recording.message import Message, MessageKey, RobotCode, UserId
from ledger.store.faults import dropped
from ledger.store.schema import messages

KEYS_PER_STATEMENT = 500

_Key = tuple[RobotCode, MessageKey]


def merge(connection: Connection, again: Sequence[Message]) -> list[str | None]:
    """Add users that are new to messages; return for each how it differs from what there was, None when it does not.

    Raise StatementRefusedError when one is not there at all: then the database let it fall without an error.
    """
    known = _known(connection, {_key(message) for message in again}, lock=False)
    fuller = {_key(one) for one in again if (found := known.get(_key(one))) and new_users(found, one)}
    if fuller:
        # Locked, and read again: somebody else may be adding others.
        known |= _known(connection, fuller, lock=True)
    if any(_key(one) not in known for one in again):
        raise dropped(messages)
    notes: list[str | None] = []
    for message in again:
        found = known[_key(message)]
        added = new_users(found, message)
        notes.append(note_on(found, message, len(added)))
        if added:
            known[_key(message)] = _add(connection, found, added)
    return notes


def _key(message: Message) -> _Key:
    return message.robot_code, message.process_query_key


def _known(connection: Connection, keys: set[_Key], *, lock: bool) -> dict[_Key, KnownMessage]:
    found: dict[_Key, KnownMessage] = {}
    columns, ordered = messages.c, sorted(keys, key=lambda key: key[1])
    for start in range(0, len(ordered), KEYS_PER_STATEMENT):
        some = [key for _, key in ordered[start : start + KEYS_PER_STATEMENT]]
        wanted = select(
            columns.id,
            columns.robot_code,
            columns.process_query_key,
            columns.campaign,
            columns.recipients,
            columns.undelivered,
        ).where(columns.process_query_key.in_(some))
        # In one order everywhere, so that two of us wait for each other instead of deadlocking.
        for row in connection.execute(wanted.order_by(columns.id).with_for_update() if lock else wanted):
            if (row.robot_code, row.process_query_key) in keys:
                found[row.robot_code, row.process_query_key] = KnownMessage(
                    id=row.id, campaign=row.campaign, recipients=tuple(row.recipients), undelivered=row.undelivered
                )
    return found


def _add(connection: Connection, known: KnownMessage, added: Sequence[UserId]) -> KnownMessage:
    recipients = (*known.recipients, *added)
    values = {"recipients": list(recipients), "recipient_count": len(recipients)}
    connection.execute(update(messages).where(messages.c.id == known.id).values(values))
    return replace(known, recipients=recipients)
