"""Rows of `keyless_sends`: sends that may have reached people, and whose key nobody knows."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, select

from ledger.core.recording.message import Keyless, KeylessSend
from ledger.store.dialects import insert_into
from ledger.store.faults import dropped, of_rows
from ledger.store.schema import keyless_sends


def insert_traces(connection: Connection, sends: Sequence[KeylessSend], recorded_at: datetime) -> list[bool]:
    """Write traces and say of each whether it was new; one that is there already is left as it is.

    Raise InvalidMessageError when the values of one of them are at fault, StatementRefusedError when the database
    drops one without an error.
    """
    statement = insert_into(connection, keyless_sends).on_conflict_do_nothing().returning(keyless_sends.c.trace)
    new: set[str] = set()
    # In one order everywhere, so that two writers of the same traces wait for each other instead of deadlocking.
    for send in sorted(sends, key=lambda send: send.trace):
        values = {
            "trace": send.trace,
            "robot_code": send.robot_code,
            "chat": send.chat.value,
            "open_conversation_id": send.open_conversation_id,
            "campaign": send.campaign,
            "source": send.source,
            "sent_at": send.sent_at,
            "recipients": list(send.recipients),
            "why": send.why,
            "kind": send.kind.value,
            "recorded_at": recorded_at,
        }
        with of_rows(keyless_sends):
            new.update(connection.scalars(statement, values))
    known = {send.trace for send in sends} - new
    if known:
        found = select(func.count()).where(keyless_sends.c.trace.in_(known))
        if connection.scalar(found) != len(known):
            raise dropped(keyless_sends)
    return [send.trace in new for send in sends]


def count_by_campaign(
    connection: Connection, sent_after: datetime, within: Collection[str] = ()
) -> dict[str | None, dict[Keyless, int]]:
    """Return how many sends without a key there were since a moment, by campaign and kind; of some robots or of all."""
    columns = keyless_sends.c
    parts = (columns.campaign, columns.kind)
    statement = select(*parts, func.count()).where(columns.sent_at > sent_after).group_by(*parts)
    if within:
        statement = statement.where(columns.robot_code.in_(within))
    counts: dict[str | None, dict[Keyless, int]] = {}
    for campaign, kind, count in connection.execute(statement):
        counts.setdefault(campaign, {})[Keyless(kind)] = count
    return counts


def count_lost(connection: Connection, sent_after: datetime) -> int:
    """Return how many sends since a moment should have had a key, which never came back."""
    columns = keyless_sends.c
    lost = (columns.sent_at > sent_after) & (columns.kind == Keyless.NO_KEY)
    return connection.scalar(select(func.count()).select_from(keyless_sends).where(lost)) or 0


def purge_traces(connection: Connection, sent_before: datetime, limit: int) -> list[datetime]:
    """Delete up to `limit` traces of sends before a moment; return their send times."""
    columns = keyless_sends.c
    due = select(columns.id).where(columns.sent_at <= sent_before).order_by(columns.sent_at).limit(limit)
    statement = delete(keyless_sends).where(columns.id.in_(due)).returning(columns.sent_at)
    return list(connection.scalars(statement))
