"""Inserting: messages in, rows of the database out, in bounded transactions; recording twice changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from ledger.clock import Clock
from ledger.core.deadline import deadline_of
from ledger.core.events.message_events import EventPush
from ledger.core.recording.expiry import expiry_of
from ledger.core.recording.message import KeylessSend, Message
from ledger.services.recording.batches import BatchWritten
from ledger.services.recording.write_apart import Content, Written, write_apart
from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.events.message_events import insert_pushes
from ledger.store.faults import repeated
from ledger.store.recording.incoming import NewMessage, insert_each, insert_messages
from ledger.store.recording.keyless import insert_traces
from ledger.store.recording.known_messages import merge


class Inserter:
    """Writes messages into the ledger."""

    def __init__(self, database: Database, clock: Clock, settings: Settings) -> None:
        self._database, self._clock = database, clock
        self._keeps_excerpt = settings.keep_excerpt
        self._margin = timedelta(seconds=settings.margin_seconds)
        self._group_window = timedelta(hours=settings.group_window_hours)

    def ask(self) -> None:
        """Raise DatabaseError while the database does not answer."""
        self._database.ask()

    def write_each(self, contents: Sequence[Content]) -> list[Written]:
        """Record messages, traces and pushes; say of each whether it was new to the ledger.

        Messages that are new go in with one statement, and none of them when that fails: then its error is raised. What
        was there already, traces and pushes are seen to afterwards, and what fails then is apart from what is in.
        """
        messages = [one for one in contents if isinstance(one, Message)]
        traces = [one for one in contents if isinstance(one, KeylessSend)]
        pushes = [one for one in contents if isinstance(one, EventPush)]
        of_messages = iter(self._write_messages(messages) if messages else ())
        of_traces = iter(write_apart(self._write_traces, traces) if traces else ())
        of_pushes = iter(write_apart(self._write_pushes, pushes) if pushes else ())
        return [
            next(of_messages)
            if isinstance(one, Message)
            else next(of_pushes if isinstance(one, EventPush) else of_traces)
            for one in contents
        ]

    @repeated
    def write(self, messages: Sequence[Message]) -> BatchWritten:
        """Record messages in one transaction, the fast way for many."""
        with self._database.write() as connection:
            recorded = insert_messages(connection, self._new(messages))
            # Which of them are not new, the fast way does not tell: where none differs, that is the same.
            notes = merge(connection, messages) if recorded < len(messages) else []
        return BatchWritten(recorded=recorded, duplicates=len(messages) - recorded, notes=_numbered(notes))

    def _write_messages(self, messages: Sequence[Message]) -> list[Written]:
        new = insert_each(self._database, self._new(messages))
        known = [message for message, is_new in zip(messages, new, strict=True) if not is_new]
        merged = iter(write_apart(self._merge, known) if known else ())
        return [Written(is_new=True) if is_new else next(merged) for is_new in new]

    @repeated
    def _merge(self, known: Sequence[Message]) -> list[Written]:
        with self._database.write() as connection:
            return [Written(note=note) for note in merge(connection, known)]

    @repeated
    def _write_traces(self, traces: Sequence[KeylessSend]) -> list[Written]:
        with self._database.write() as connection:
            return [Written(is_new=is_new) for is_new in insert_traces(connection, traces, self._clock.now())]

    @repeated
    def _write_pushes(self, pushes: Sequence[EventPush]) -> list[Written]:
        with self._database.write() as connection:
            return [Written(is_new=is_new) for is_new in insert_pushes(connection, pushes)]

    def _new(self, messages: Sequence[Message]) -> list[NewMessage]:
        now = self._clock.now()
        deadlines = [deadline_of(message.sent_at, message.chat, self._group_window) for message in messages]
        return [
            NewMessage(
                # It may have waited in a spool since when excerpts were kept.
                message=message if self._keeps_excerpt or message.excerpt is None else replace(message, excerpt=None),
                deadline=deadline,
                recorded_at=now,
                expires_at=expiry_of(message.expires_at, deadline, now, self._margin),
            )
            for message, deadline in zip(messages, deadlines, strict=True)
        ]


def _numbered(notes: Sequence[str | None]) -> dict[int, str]:
    return {index: note for index, note in enumerate(notes) if note is not None}
