"""Stream connections of the pretend DingTalk: tickets, who is connected, what is pushed, and what is pushed again.

Sources: the page on the Stream protocol at open-dingtalk's developerpedia, the pages on the events of robot messages.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .behaviour import Behaviour
from .ids import IdMaker
from .messages import Message
from .refusals import Refusal

TICKET_LIFE = timedelta(seconds=90)
PUSHED_AGAIN_AFTER = (timedelta(seconds=10), timedelta(seconds=30))
CLOSED_AFTER = timedelta(seconds=10)
OVER_QUOTA = 20001


@dataclass(slots=True, kw_only=True)
class Push:
    """One frame on its way to one of an app's connections, until somebody acknowledges it or the tries are over."""

    app: str
    message_id: str
    text: str
    due_at: datetime | None
    tries: int = 0
    ack: Mapping[str, Any] | None = None
    acked_by: int | None = None
    sent_to: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Caller:
    """Who is connected: for which app, and from when on it is shut, once it was told to go."""

    app: str
    is_open: bool = False
    closes_at: datetime | None = None


class StreamDesk:
    """Hands out tickets and pushes; no sockets here, and not thread-safe: the world's lock guards it."""

    def __init__(self, ids: IdMaker, seed: int | None) -> None:
        self._ids, self._random = ids, random.Random(seed)  # noqa: S311 - which connection, no secret
        self._tickets: dict[str, tuple[str, datetime]] = {}
        self.callers: dict[int, Caller] = {}
        self.pushes: list[Push] = []
        self._numbers = 0

    def open(self, app: str, fields: Mapping[str, Any], endpoint: str, now: datetime) -> dict[str, Any]:
        """Give out a ticket for one connection; raise Refusal for subscriptions that are none."""
        wanted = fields.get("subscriptions")
        if not isinstance(wanted, list) or not all(isinstance(one, dict) and one.get("type") for one in wanted):
            raise Refusal("invalidParameter.param.invalid")
        ticket = self._ids.token()
        self._tickets[ticket] = (app, now + TICKET_LIFE)
        return {"endpoint": endpoint, "ticket": ticket}

    def enter(self, ticket: str, now: datetime) -> int | None:
        """Let somebody in, once for a ticket; return the number of the connection, None for who has none."""
        app, until = self._tickets.pop(ticket, ("", now))
        if until <= now:
            return None
        self._numbers += 1
        self.callers[self._numbers] = Caller(app=app)
        return self._numbers

    def leave(self, number: int) -> None:
        """Forget a connection that is over."""
        self.callers.pop(number, None)

    def push(self, app: str, frame: Any, now: datetime, *, copies: int = 1) -> None:
        """Put a frame on its way, or whatever takes the place of one."""
        text = json.dumps(frame)
        headers = frame.get("headers") if isinstance(frame, dict) else None
        message_id = str(headers.get("messageId", "")) if isinstance(headers, dict) else ""
        self.pushes += [Push(app=app, message_id=message_id, text=text, due_at=now) for _ in range(copies)]

    def push_event(self, app: str, kind: str, data: Mapping[str, Any], now: datetime, rules: Behaviour) -> str:
        """Put an event on its way; return its id. Without quota it has no content."""
        event_id = self._ids.token()
        born = int(now.timestamp() * 1000)
        said = {
            "eventUnifiedAppId": "unified-app",
            "eventCorpId": "dingcorp",
            "eventType": kind,
            "eventId": event_id,
            "eventBornTime": born,
        }
        headers = {**said, "topic": "*", "messageId": self._ids.token(), "contentType": "application/json"}
        content = {"errCode": OVER_QUOTA} if rules.stream_over_quota else {**said, "data": dict(data)}
        frame = {
            "specVersion": "1.0",
            "type": "EVENT",
            "headers": {**headers, "eventBornTime": str(born), "time": str(born)},
            "data": json.dumps(content, ensure_ascii=False),
        }
        self.push(app, frame, now, copies=2 if rules.stream_duplicates else 1)
        return event_id

    def push_system(self, topic: str, now: datetime) -> None:
        """Tell every connection something of the line itself: `ping`, or that it has to go (`disconnect`)."""
        for number, caller in self.callers.items():
            headers = {"topic": topic, "messageId": self._ids.token(), "contentType": "application/json"}
            frame = {"specVersion": "1.0", "type": "SYSTEM", "headers": headers, "data": json.dumps({"opaque": number})}
            text = json.dumps(frame)
            self.pushes.append(
                Push(app=caller.app, message_id=headers["messageId"], text=text, due_at=now, sent_to=[number])
            )
            if topic == "disconnect":
                caller.closes_at = now + CLOSED_AFTER

    def due(self, now: datetime) -> list[tuple[int, str]]:
        """Return what has to be sent now, each to the connection that it was given to."""
        found = []
        for push in self.pushes:
            if push.due_at is None or push.due_at > now:
                continue
            if push.sent_to and push.tries == 0:  # of the line itself
                push.tries, push.due_at = 1, None
                found.append((push.sent_to[0], push.text))
                continue
            open_ones = [
                number
                for number, one in self.callers.items()
                if one.app == push.app and one.is_open and one.closes_at is None
            ]
            if not open_ones:
                continue
            number = self._random.choice(open_ones)
            push.sent_to.append(number)
            left = push.tries < len(PUSHED_AGAIN_AFTER)
            push.due_at = now + PUSHED_AGAIN_AFTER[push.tries] if left else None
            push.tries += 1
            found.append((number, push.text))
        return found

    def shut(self, now: datetime) -> list[int]:
        """Return the connections that were told to go, and whose time is over."""
        return [number for number, one in self.callers.items() if one.closes_at is not None and one.closes_at <= now]

    def take_answer(self, number: int, text: str | bytes) -> None:
        """Take what somebody answered; what is no acknowledgement of a push is nothing."""
        try:
            said = json.loads(text)
            message_id = said["headers"]["messageId"]
        except (ValueError, KeyError, TypeError):
            return
        for push in self.pushes:
            is_open = push.ack is None or not _is_taken(push.ack)
            if push.message_id == message_id and number in push.sent_to and is_open:
                push.ack, push.acked_by = said, number
                if _is_taken(said):
                    push.due_at = None
                return


def _is_taken(ack: Mapping[str, Any]) -> bool:
    if ack.get("code") != 200:
        return False
    try:
        return bool(json.loads(ack.get("data") or "{}").get("status") != "LATER")
    except (ValueError, AttributeError):
        return False


def content_of(message: Message, user: str | None, kind: str, now: datetime) -> dict[str, Any]:
    """Return what an event says of a message and of somebody; of a recall the time is a number, else a text."""
    moment = int(now.timestamp() * 1000)
    return {
        "unionId": f"union-{user}",
        "operatTime": moment if kind == "robot_msg_recall" else str(moment),
        "robotCode": message.robot_code,
        "openConversationId": message.conversation or f"cid-{message.key[:8]}",
        **({"userId": user} if user is not None else {}),
        "processQueryKey": message.key,
    }
