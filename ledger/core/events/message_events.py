"""Events of messages as DingTalk pushes them: somebody has read one, or one was recalled, whoever did that.

Sources: open.dingtalk.com, "bot message read event", "bot message withdrawal event". Whose id a recall names, in which
kinds of chat they come, and whether a recall by the API pushes one is not said there.
Spools of senders are read with this file: the standard library and relative imports only.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from ...clock import format_time, parse_time
from ...errors import InputError
from ..limits import KEY_MAX_BYTES, KEY_MAX_CHARACTERS, NAME_MAX_CHARACTERS, check_text
from ..recording.message import MessageKey, RobotCode, UserId

# As times go: a text or a number of milliseconds since 1970.
_LATEST_MS = 253_402_300_799_000


class EventKind(StrEnum):
    """What happened to a message."""

    READ = "read"
    RECALL = "recall"


KINDS: Mapping[str, EventKind] = {"robot_msg_read": EventKind.READ, "robot_msg_recall": EventKind.RECALL}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageEvent:
    """One event: one message and, mostly, one user; `happened_at` is when, by DingTalk's clock, if it says so."""

    event_id: str
    kind: EventKind
    process_query_key: MessageKey
    robot_code: RobotCode | None = None
    user_id: UserId | None = None
    happened_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPush:
    """One push as it came, to which app and when: it counts, whatever is in it; `event` when that is a message's.

    `number` is which push of its month and app it is for the process (`source`) that it came to, from 1 on.
    """

    app: str
    at: datetime
    source: str
    number: int
    event: MessageEvent | None = None


def kind_of(headers: Mapping[str, Any], data: Any) -> EventKind | None:
    """Return what kind of event a push is of; None for one that is none of a message."""
    return KINDS.get(str(_fields(headers, data).get("eventtype", "")))


def event_of(headers: Mapping[str, Any], data: Any) -> MessageEvent | None:
    """Read an event of a message in any of its shapes; None for another event, and for one that names no message.

    Stream nests what happened in `data`, HTTP has it flat and in capitals; `data` may be a text of JSON. What cannot be
    kept of a user or a robot is left out.
    """
    fields = _fields(headers, data)
    kind, key = KINDS.get(str(fields.get("eventtype", ""))), _text(fields, "processquerykey", KEY_MAX_CHARACTERS)
    if kind is None or key is None or len(key.encode()) > KEY_MAX_BYTES:
        return None
    user = _text(fields, "userid", NAME_MAX_CHARACTERS)
    happened = fields.get("operattime", fields.get("operatetime"))
    known = _text(fields, "eventid", NAME_MAX_CHARACTERS)
    return MessageEvent(
        event_id=known or _made_up(kind, key, user, str(happened)),
        kind=kind,
        process_query_key=MessageKey(key),
        robot_code=RobotCode(robot) if (robot := _text(fields, "robotcode", NAME_MAX_CHARACTERS)) else None,
        user_id=UserId(user) if user else None,
        happened_at=_moment(happened),
    )


def facts_of_push(push: EventPush) -> dict[str, Any]:
    """Return a push as a line of a journal says it; `push_of` reads it."""
    event = push.event
    facts = {"app": push.app, "at": format_time(push.at), "source": push.source, "number": push.number}
    if event is None:
        return facts
    return {
        **facts,
        "event": {
            "id": event.event_id,
            "kind": event.kind.value,
            "key": event.process_query_key,
            "robot": event.robot_code,
            "user": event.user_id,
            "happenedAt": None if event.happened_at is None else format_time(event.happened_at),
        },
    }


def push_of(facts: Mapping[str, Any]) -> EventPush:
    """Return the push of which `facts_of_push` has written; raise KeyError, TypeError or ValueError for none."""
    said = facts.get("event")
    event = None
    if said is not None:
        happened = said["happenedAt"]
        event = MessageEvent(
            event_id=str(said["id"]),
            kind=EventKind(said["kind"]),
            process_query_key=MessageKey(said["key"]),
            robot_code=said["robot"],
            user_id=said["user"],
            happened_at=None if happened is None else _read(happened),
        )
    return EventPush(
        app=str(facts["app"]),
        at=_read(facts["at"]),
        source=str(facts["source"]),
        number=int(facts["number"]),
        event=event,
    )


def _read(text: str) -> datetime:
    try:
        return parse_time(text)
    except InputError as error:
        raise ValueError(text) from error


def _fields(headers: Mapping[str, Any], data: Any) -> dict[str, Any]:
    """Return what a push says, by names in small letters: what is further in counts more."""
    outer = _mapping(data)
    inner = _mapping(outer.get("data", outer.get("Data")))
    return {str(name).lower(): value for part in (headers, outer, inner) for name, value in part.items()}


def _mapping(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, Mapping) else {}


def _text(fields: Mapping[str, Any], name: str, most: int) -> str | None:
    """Return a text that every database can hold."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        return None
    try:
        return check_text(name, value, most)
    except InputError:
        return None


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        milliseconds = int(value) if isinstance(value, str) else value
        if not 0 < milliseconds <= _LATEST_MS:
            return None
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError):
        return None


def _made_up(kind: EventKind, key: str, user: str | None, happened: str) -> str:
    """Return an id for an event that has none: the same for what is the same."""
    said = json.dumps([kind.value, key, user, happened])
    return f"sha256:{hashlib.sha256(said.encode('ascii', 'replace')).hexdigest()}"
