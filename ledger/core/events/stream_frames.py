"""Frames of a Stream connection: what DingTalk sends, and what is answered. Whatever a frame holds, nothing is raised.

Source: open-dingtalk's developerpedia, docs/learn/stream/protocol.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

EVENT, SYSTEM, CALLBACK = "EVENT", "SYSTEM", "CALLBACK"
PING, DISCONNECT = "ping", "disconnect"
# What a push says once the month's pushes are used up; it has no content then.
OVER_QUOTA = 20001
# All events that are ticked in the developer console come: a subscription cannot name single ones.
SUBSCRIPTIONS = ({"type": EVENT, "topic": "*"},)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame; `headers` and `data` are as they came, `message_id` is what an answer to it names."""

    type: str
    topic: str
    message_id: str
    headers: Mapping[str, Any]
    data: Any

    @property
    def is_over_quota(self) -> bool:
        """Say whether DingTalk tells of used-up pushes in the place of an event."""
        found = parsed(self.data)
        return isinstance(found, Mapping) and str(found.get("errCode")) == str(OVER_QUOTA)


class EventStatus(StrEnum):
    """What an answer to an event says: it is kept, or it is to come again."""

    SUCCESS = "SUCCESS"
    LATER = "LATER"


def read_frame(raw: str | bytes) -> Frame | None:
    """Read what came; None for what is no frame."""
    found = parsed(raw)
    if not isinstance(found, Mapping):
        return None
    headers = found.get("headers")
    headers = headers if isinstance(headers, Mapping) else {}
    return Frame(
        type=str(found.get("type", "")),
        topic=str(headers.get("topic", "")),
        message_id=str(headers.get("messageId", "")),
        headers=headers,
        data=found.get("data"),
    )


def answer_to_ping(frame: Frame) -> str:
    """Return the answer to a ping: what it said."""
    return _answer(frame, 200, "OK", frame.data if isinstance(frame.data, str) else json.dumps(frame.data))


def answer_to_event(frame: Frame, status: EventStatus) -> str:
    """Return the answer to an event."""
    return _answer(frame, 200, "OK", json.dumps({"status": status.value}))


def answer_to_stranger(frame: Frame) -> str:
    """Return the answer to what nobody here has asked for."""
    return _answer(frame, 404, "nobody here takes this", json.dumps({"response": None}))


def _answer(frame: Frame, code: int, message: str, data: str) -> str:
    headers = {"messageId": frame.message_id, "contentType": "application/json"}
    return json.dumps({"code": code, "headers": headers, "message": message, "data": data})


def parsed(raw: object) -> Any:
    """Return JSON as values, what is none as it is; None for what cannot be read."""
    if not isinstance(raw, str | bytes):
        return raw
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
