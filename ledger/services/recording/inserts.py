"""Inserting: messages in, rows of the database out, in bounded transactions; recording twice changes nothing."""

from collections.abc import Sequence
from datetime import timedelta

from ledger.clock import Clock
from ledger.core.deadline import deadline_of
from ledger.core.message import KeylessSend, Message
from ledger.services.recording.batches import BatchWritten
from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.incoming import NewMessage, insert_each, insert_messages
from ledger.store.keyless import insert_traces


class Inserter:
    """Writes messages into the ledger."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database, self._clock = database, clock
        self._group_window = timedelta(hours=settings.group_window_hours)

    def write_each(self, contents: Sequence[Message | KeylessSend]) -> list[bool]:
        """Record messages and traces in one transaction; say of each whether it was new to the ledger."""
        messages = [one for one in contents if isinstance(one, Message)]
        traces = [one for one in contents if isinstance(one, KeylessSend)]
        new = self._new(messages)
        with self._database.write() as connection:
            of_messages = iter(insert_each(connection, new) if new else ())
            of_traces = iter(insert_traces(connection, traces, self._clock.now()) if traces else ())
        return [next(of_messages if isinstance(one, Message) else of_traces) for one in contents]

    def write(self, messages: Sequence[Message]) -> BatchWritten:
        """Record messages in one transaction, the fast way for many: it does not say which were new."""
        new = self._new(messages)
        with self._database.write() as connection:
            recorded = insert_messages(connection, new)
        return BatchWritten(recorded=recorded, duplicates=len(messages) - recorded)

    def _new(self, messages: Sequence[Message]) -> list[NewMessage]:
        now = self._clock.now()
        return [
            NewMessage(
                message=message,
                deadline=deadline_of(message.sent_at, message.chat, self._group_window),
                recorded_at=now,
            )
            for message in messages
        ]
