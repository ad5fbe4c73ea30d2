"""Recording: rows in, messages stored, in bounded transactions; recording twice changes nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledger.clock import Clock, format_time
from ledger.core.capture import capture_pair
from ledger.core.deadline import deadline_of
from ledger.core.message import KeylessSend, Message
from ledger.core.row import Row
from ledger.errors import InvalidMessageError
from ledger.services.importer import Imported, Line, OnRejected, Recorded, import_lines
from ledger.settings import Settings
from ledger.store.database import Database
from ledger.store.incoming import NewMessage, insert_each, insert_messages
from ledger.store.keyless import insert_traces

# A later time is a wrong zone or a wrong clock, and would promise a deadline that is not there.
FUTURE_TOLERANCE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a row takes when it lacks it."""

    campaign: str | None = None
    robot: str | None = None
    sent_at: datetime | None = None
    source: str | None = None


class Recorder:
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

    def import_lines(
        self, lines: Iterable[Line], defaults: Defaults, on_rejected: OnRejected | None = None
    ) -> Iterator[Imported]:
        """Record rows and yield the sums after each transaction; bad rows are listed and do not stop the others."""
        return import_lines(lines, reader(defaults, self._clock), self.write, on_rejected)

    def write(self, messages: Sequence[Message]) -> Recorded:
        """Record messages in one transaction."""
        new = self._new(messages)
        with self._database.write() as connection:
            recorded = insert_messages(connection, new)
        return Recorded(recorded=recorded, duplicates=len(messages) - recorded)

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


def reader(defaults: Defaults, clock: Clock) -> Callable[[Mapping[str, Any] | str], Message]:
    """Return what reads the fields of a line into a message, and raises InvalidMessageError when they make none."""

    def read(fields: Mapping[str, Any] | str) -> Message:
        if isinstance(fields, str):
            raise InvalidMessageError(fields)
        return read_row(fields, defaults, clock.now())

    return read


def within(
    read: Callable[[Mapping[str, Any] | str], Message], robots: frozenset[str]
) -> Callable[[Mapping[str, Any] | str], Message]:
    """Return what reads as `read` does, and refuses messages of other robots than these (none: all may be)."""

    def read_within(fields: Mapping[str, Any] | str) -> Message:
        message = read(fields)
        if message.robot_code not in robots:
            raise InvalidMessageError(f"robot {message.robot_code!r} is not one that this token may record for")
        return message

    return read_within if robots else read


def read_row(fields: Mapping[str, Any], defaults: Defaults, now: datetime) -> Message:
    """Read a row into a message; raise InvalidMessageError when it is not acceptable."""
    message = _message(fields, defaults)
    if message.sent_at > now + FUTURE_TOLERANCE:
        raise InvalidMessageError(
            f"sentAt {format_time(message.sent_at)} is in the future: check its offset and the sender's clock"
        )
    return message


def _message(fields: Mapping[str, Any], defaults: Defaults) -> Message:
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    if "request" in given or "response" in given:
        pair = {"campaign": defaults.campaign, "source": defaults.source, "sentAt": defaults.sent_at, **given}
        return capture_pair(pair)
    wanted = {
        "campaign": ("campaign", defaults.campaign),
        "source": ("source", defaults.source),
        "robotCode": ("robot_code", defaults.robot),
        "sentAt": ("sent_at", defaults.sent_at),
    }
    for wire, (name, value) in wanted.items():
        if value is not None and wire not in given and name not in given:
            given[wire] = value
    return Row.read(given).to_message()
