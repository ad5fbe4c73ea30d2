"""Everything the ledger knows of send calls: which requests are sends, and what their answers leave to record.

Sources: open.dingtalk.com, "send one-on-one bot messages in batches", "send group messages by bot", "send messages in
person-to-person chats by bot"; the field `filteredStaffIdList` is the official SDK's.

Doors inside other people's programs load this file too, where only the standard library is sure to be there: what
needs more is imported where it is used.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from .message import Campaign, Chat, ConversationId, KeylessSend, Message, RobotCode, UserId

SEND_PATHS = {
    "/v1.0/robot/oToMessages/batchSend": Chat.ONE_TO_ONE,
    "/v1.0/robot/groupMessages/send": Chat.GROUP,
    "/v1.0/robot/privateChatMessages/send": Chat.PRIVATE,
}
TAG_MAX_CHARACTERS = 256
_UNDELIVERED = {
    "invalid": "invalidStaffIdList",
    "flow_controlled": "flowControlledStaffIdList",
    "filtered": "filteredStaffIdList",
}
_ASKED = ("robotCode", "userIds", "openConversationId")
_ANSWERED = ("processQueryKey", *_UNDELIVERED.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One send call as a door saw it; of the bodies only what is recorded, never what the message says.

    `status` is None when no answer came, and `trouble` says why. `id` names the call, once in the world.
    """

    id: str
    path: str
    asked: Mapping[str, Any]
    sent_at: datetime
    campaign: str | None = None
    source: str | None = None
    status: int | None = None
    answered: Mapping[str, Any] = field(default_factory=dict)
    trouble: str | None = None


def chat_of(method: str, url: str) -> Chat | None:
    """Return the kind of chat that a request sends to, whatever its host; None when it is no send."""
    try:
        return SEND_PATHS.get(urlsplit(url).path) if method.upper() == "POST" else None
    except ValueError:  # no address at all, such as http://[
        return None


def path_of(chat: Chat) -> str:
    """Return the path that sends to a kind of chat."""
    return next(path for path, kind in SEND_PATHS.items() if kind is chat)


def asked_of(request_body: object) -> Mapping[str, Any]:
    """Return what is recorded of a send's request; the body may be bytes, text or parsed JSON."""
    return _picked(request_body, _ASKED)


def answered_of(response_body: object) -> Mapping[str, Any]:
    """Return what is recorded of a send's answer; the body may be bytes, text or parsed JSON."""
    return _picked(response_body, _ANSWERED)


def tag_of(text: str | None) -> str | None:
    """Return a campaign or source as it can be recorded: a key must not be lost over a tag that is too long or odd."""
    return (_text(text) or "")[:TAG_MAX_CHARACTERS] or None


def outcome_of(exchange: Exchange) -> Message | KeylessSend | None:
    """Return what a send call left behind: a message; a trace when it may have gone out without a key; or nothing.

    Only a plain refusal leaves nothing. Raise InvalidMessageError when the answer has a key but the rest does not make
    a message.
    """
    chat = SEND_PATHS.get(exchange.path)
    if chat is None:
        return None
    if exchange.answered.get("processQueryKey"):
        tagged = replace(exchange, campaign=tag_of(exchange.campaign), source=tag_of(exchange.source))
        return _message(chat, tagged)
    if exchange.status is not None and 300 <= exchange.status < 500:
        return None
    asked, users = exchange.asked, exchange.asked.get("userIds")
    return KeylessSend(
        trace=exchange.id,
        robot_code=RobotCode(_text(asked.get("robotCode")) or ""),
        sent_at=exchange.sent_at,
        chat=chat,
        open_conversation_id=ConversationId(_text(asked.get("openConversationId")) or "") or None,
        campaign=Campaign(tag_of(exchange.campaign) or "") or None,
        source=tag_of(exchange.source),
        recipients=tuple(UserId(user) for user in users if _text(user)) if isinstance(users, (list, tuple)) else (),
        why=exchange.trouble or f"the answer ({exchange.status}) has no processQueryKey",
    )


def capture(
    *,
    method: str,
    url: str,
    request_body: object,
    response_body: object,
    sent_at: datetime,
    campaign: str | None = None,
    source: str | None = None,
) -> Message | None:
    """Return the message that a send call made, or None when it was no send or returned no key.

    Bodies may be bytes, text or parsed JSON. Raise InvalidMessageError when the answer has a key but the rest does
    not make a message.
    """
    chat, answered = chat_of(method, url), answered_of(response_body)
    if chat is None or not answered.get("processQueryKey"):
        return None
    exchange = Exchange(
        id="",
        path=urlsplit(url).path,
        asked=asked_of(request_body),
        sent_at=sent_at,
        campaign=campaign,
        source=source,
        answered=answered,
    )
    return _message(chat, exchange)


def capture_pair(pair: Mapping[str, Any]) -> Message:
    """Read an import row that holds a captured request and response; raise InvalidMessageError with what is missing.

    The request is `{"method","url" or "path","body"}`, the response `{"body"}`; without a body of its own, either may
    be the body itself, and a request without a path is taken for what its fields say.
    """
    from ..errors import InvalidMessageError

    request, response = pair.get("request"), pair.get("response")
    if not isinstance(request, Mapping) or not isinstance(response, Mapping):
        raise InvalidMessageError("a captured pair needs a `request` and a `response`, both objects")
    body = request.get("body", request)
    where = request.get("url") or request.get("path") or _path_for(_parsed(body))
    sent_at = pair.get("sentAt")
    if sent_at is None:
        raise InvalidMessageError("sentAt is missing: give it in the row, or for all rows with --sent-at")
    message = capture(
        method=str(request.get("method", "POST")),
        url=str(where),
        request_body=body,
        response_body=response.get("body", response),
        sent_at=sent_at,
        campaign=pair.get("campaign"),
        source=pair.get("source"),
    )
    if message is None:
        raise InvalidMessageError("the captured pair is not a send call whose response has a processQueryKey")
    return message


def _message(chat: Chat, exchange: Exchange) -> Message:
    from .row import Row

    asked, answered = exchange.asked, exchange.answered
    undelivered = {why: answered[name] for why, name in _UNDELIVERED.items() if answered.get(name)}
    return Row.read(
        {
            "processQueryKey": answered["processQueryKey"],
            "robotCode": asked.get("robotCode"),
            "userIds": _reached(asked.get("userIds") or (), undelivered.values()),
            # The API takes no notice of a conversation in a one-on-one send; a key must not be lost over it.
            "openConversationId": None if chat is Chat.ONE_TO_ONE else asked.get("openConversationId"),
            "chat": chat.value,
            "campaign": exchange.campaign,
            "sentAt": exchange.sent_at,
            "source": exchange.source,
            "undelivered": undelivered,
        }
    ).to_message()


def _reached(asked: object, undelivered: Any) -> object:
    """Return the users without those that the answer names as missed; what is no list is left for Row to refuse."""
    if not isinstance(asked, (list, tuple)):
        return asked
    lists = [users for users in undelivered if isinstance(users, (list, tuple))]
    missed = {user for users in lists for user in users if isinstance(user, str)}
    return [user for user in asked if not (isinstance(user, str) and user in missed)]


def _path_for(body: Mapping[str, Any]) -> str:
    return path_of(Chat.GROUP if body.get("openConversationId") else Chat.ONE_TO_ONE)


def _picked(body: object, names: tuple[str, ...]) -> Mapping[str, Any]:
    parsed = _parsed(body)
    return {name: parsed[name] for name in names if parsed.get(name)}


def _parsed(body: object) -> Mapping[str, Any]:
    if isinstance(body, (bytes, bytearray, str)):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return {}
    return body if isinstance(body, Mapping) else {}


def _text(value: object) -> str | None:
    """Return a text that any database can keep, or None."""
    if not isinstance(value, str):
        return None
    return value.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
