"""Everything the ledger knows of send calls: which requests are sends, and which messages their answers name.

Sources: open.dingtalk.com, "send one-on-one bot messages in batches", "send group messages by bot", "send messages in
person-to-person chats by bot"; the field `filteredStaffIdList` is the official SDK's.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from ledger.core.message import Chat, Message
from ledger.core.row import Row
from ledger.errors import InvalidMessageError

SEND_PATHS = {
    "/v1.0/robot/oToMessages/batchSend": Chat.ONE_TO_ONE,
    "/v1.0/robot/groupMessages/send": Chat.GROUP,
    "/v1.0/robot/privateChatMessages/send": Chat.PRIVATE,
}
_UNDELIVERED = {
    "invalid": "invalidStaffIdList",
    "flow_controlled": "flowControlledStaffIdList",
    "filtered": "filteredStaffIdList",
}


def chat_of(method: str, url: str) -> Chat | None:
    """Return the kind of chat that a request sends to, whatever its host; None when it is no send."""
    try:
        return SEND_PATHS.get(urlsplit(url).path) if method.upper() == "POST" else None
    except ValueError:  # no address at all, such as http://[
        return None


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
    chat = chat_of(method, url)
    answer, asked = _parsed(response_body), _parsed(request_body)
    if chat is None or not answer.get("processQueryKey"):
        return None
    undelivered = {why: answer[name] for why, name in _UNDELIVERED.items() if answer.get(name)}
    return Row.read(
        {
            "processQueryKey": answer["processQueryKey"],
            "robotCode": asked.get("robotCode"),
            "userIds": _reached(asked.get("userIds") or (), undelivered.values()),
            # The API takes no notice of a conversation in a one-on-one send; a key must not be lost over it.
            "openConversationId": None if chat is Chat.ONE_TO_ONE else asked.get("openConversationId"),
            "chat": chat,
            "campaign": campaign,
            "sentAt": sent_at,
            "source": source,
            "undelivered": undelivered,
        }
    ).to_message()


def capture_pair(pair: Mapping[str, Any]) -> Message:
    """Read an import row that holds a captured request and response; raise InvalidMessageError with what is missing.

    The request is `{"method","url" or "path","body"}`, the response `{"body"}`; without a body of its own, either may
    be the body itself, and a request without a path is taken for what its fields say.
    """
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


def _reached(asked: object, undelivered: Iterable[object]) -> object:
    """Return the users without those that the answer names as missed; what is no list is left for Row to refuse."""
    if not isinstance(asked, (list, tuple)):
        return asked
    lists = [users for users in undelivered if isinstance(users, (list, tuple))]
    missed = {user for users in lists for user in users if isinstance(user, str)}
    return [user for user in asked if not (isinstance(user, str) and user in missed)]


def _path_for(body: Mapping[str, Any]) -> str:
    chat = Chat.GROUP if body.get("openConversationId") else Chat.ONE_TO_ONE
    return next(path for path, kind in SEND_PATHS.items() if kind is chat)


def _parsed(body: object) -> Mapping[str, Any]:
    if isinstance(body, (bytes, bytearray, str)):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            return {}
    return body if isinstance(body, Mapping) else {}
