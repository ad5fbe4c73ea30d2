"""Rows: fields that programs and people hand in, read into messages; what lacks is filled in, what is wrong refused."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ledger.clock import Clock, format_time
from ledger.core.access.bounds import Bounds
from ledger.core.recording.capture import capture_pair
from ledger.core.recording.message import Message
from ledger.core.recording.row import Row, row_of
from ledger.errors import InvalidMessageError
from ledger.spool.refused import REASON

# A later time is a wrong zone or a wrong clock, and would promise a deadline that is not there.
FUTURE_TOLERANCE = timedelta(minutes=5)
# What is older cannot be recalled for long, and is a time that was written wrong, but for files of history.
OLDEST = timedelta(days=30)
_EXPIRY = ("expiresAt", "expiresIn", "expires_at", "expires_in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a row takes when it lacks it; `of_history` are rows that may be of any age."""

    campaign: str | None = None
    robot: str | None = None
    sent_at: datetime | None = None
    source: str | None = None
    of_history: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One row of input with its number; `fields` is a text when the line could not even be parsed: why.

    `raw` is the row as it stands in its file, None when there is none or it is too long to be kept.
    """

    number: int
    fields: Mapping[str, Any] | str
    raw: bytes | None = None


Read = Callable[[Mapping[str, Any] | str], Message]


def reader(defaults: Defaults, clock: Clock) -> Read:
    """Return what reads the fields of a line into a message, and raises InvalidMessageError when they make none."""

    def read(fields: Mapping[str, Any] | str) -> Message:
        if isinstance(fields, str):
            raise InvalidMessageError(fields)
        return read_row(fields, defaults, clock.now())

    return read


def within(read: Read, bounds: Bounds) -> Read:
    """Return what reads as `read` does, and refuses messages that are out of bounds."""

    def read_within(fields: Mapping[str, Any] | str) -> Message:
        message = read(fields)
        if not bounds.hold_robot(message.robot_code):
            raise InvalidMessageError(f"robot {message.robot_code!r} is not one that this token may record for")
        if not bounds.hold_campaign(message.campaign):
            named = "without a campaign" if message.campaign is None else f"of campaign {message.campaign!r}"
            raise InvalidMessageError(f"messages {named} are none that this token may record")
        return message

    return read_within if bounds else read


def read_row(fields: Mapping[str, Any], defaults: Defaults, now: datetime) -> Message:
    """Read a row into a message; raise InvalidMessageError when it is not acceptable."""
    message = message_of(fields, defaults)
    if message.sent_at > now + FUTURE_TOLERANCE:
        raise InvalidMessageError(
            f"sentAt {format_time(message.sent_at)} is in the future: check its offset and the sender's clock"
        )
    if message.sent_at < now - OLDEST and not defaults.of_history:
        raise InvalidMessageError(
            f"sentAt {format_time(message.sent_at)} is more than {OLDEST.days} days ago: check how it was written; "
            "`ledger import` takes history of any age"
        )
    return message


def message_of(fields: Mapping[str, Any], defaults: Defaults) -> Message:
    """Make a message of a row or of a captured pair, whatever its time; raise InvalidMessageError."""
    # A row that was refused once comes with the reason; it is the rest that counts.
    given = {name: value for name, value in fields.items() if value not in (None, "") and name != REASON}
    if "request" in given or "response" in given:
        pair = {"campaign": defaults.campaign, "source": defaults.source, "sentAt": defaults.sent_at, **given}
        message = capture_pair({name: value for name, value in pair.items() if name not in _EXPIRY})
        expiry = {name: value for name, value in given.items() if name in _EXPIRY}
        return Row.read(row_of(message) | expiry).to_message() if expiry else message
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
