"""From a send call and its answer to what the ledger records of it: messages, or traces of what has no key.

A key is recorded whatever its request looked like: what cannot be read of that is left out, and shown as not known.

Doors inside other people's programs load this file too, where only the standard library is sure to be there: what
needs more is imported where it is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..bodies import fields_of, ids_of, plain_text
from ..limits import NAME_MAX_CHARACTERS, RECIPIENTS_MAX
from .deliveries import Delivery, answered_fields, asked_fields, deliveries_of
from .excerpt import EXCERPT, excerpt_of
from .expiry import seconds_of
from .message import UNKNOWN, Campaign, Chat, ConversationId, Keyless, KeylessSend, Message, RobotCode, UserId
from .send_calls import CREATE_AND_DELIVER, KEYLESS_PATHS, PATHS, SEND_PATHS, path_of, send_path

__all__ = ["SEND_PATHS", "Exchange", "answered_of", "asked_of", "capture", "capture_pair", "outcomes_of", "path_of"]

UNDELIVERED = {
    "invalid": "invalidStaffIdList",
    "flow_controlled": "flowControlledStaffIdList",
    "filtered": "filteredStaffIdList",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One send call as a door saw it; of the bodies only what is recorded, of what the message says
    an excerpt at most.

    What was sent shall vanish after `expires_in` seconds.

    `path` is the documented one. `status` is None when no answer came, and `trouble` says why. `id` names the call,
    once in the world. `keyless` is set for what is known to have no key, and why.
    """

    id: str
    path: str
    asked: Mapping[str, Any]
    sent_at: datetime
    campaign: str | None = None
    source: str | None = None
    expires_in: float | None = None
    status: int | None = None
    answered: Mapping[str, Any] = field(default_factory=dict)
    trouble: str | None = None
    keyless: Keyless | None = None

    @property
    def has_key(self) -> bool:
        """Say whether the answer has something by which what was sent can be recalled."""
        return bool(self.answered.get("processQueryKey") or self.answered.get("spaces"))


def asked_of(request_body: object, *, keeps_excerpt: bool = False) -> Mapping[str, Any]:
    """Return what is recorded of a send's request; the body may be bytes, text or parsed JSON.

    Of what the message says that is nothing, or an excerpt where somebody wants it.
    """
    fields = fields_of(request_body)
    excerpt = excerpt_of(fields) if keeps_excerpt else None
    return {**asked_fields(fields), **({EXCERPT: excerpt} if excerpt else {})}


def answered_of(response_body: object) -> Mapping[str, Any]:
    """Return what is recorded of a send's answer; the body may be bytes, text or parsed JSON."""
    fields = fields_of(response_body)
    return {**answered_fields(fields), **{name: fields[name] for name in UNDELIVERED.values() if fields.get(name)}}


def tag_of(text: str | None) -> str | None:
    """Return a campaign or source as it can be recorded: a key must not be lost over a tag that is too long or odd."""
    return (plain_text(text) or "")[:NAME_MAX_CHARACTERS] or None


def outcomes_of(exchange: Exchange) -> tuple[Message | KeylessSend, ...]:
    """Return what a send call left behind: messages; traces of what went out without a key, or may have; or nothing.

    Only a plain refusal leaves nothing. Raise InvalidMessageError when the answer has a key that is none.
    """
    if exchange.path not in PATHS:
        return ()
    kind = exchange.keyless or (KEYLESS_PATHS[exchange.path][0] if exchange.path in KEYLESS_PATHS else None)
    is_refused = exchange.status is not None and 300 <= exchange.status < 500
    if exchange.path not in SEND_PATHS:
        # Of robot messages, nobody documents an answer that says no with a status that says yes.
        is_refused = is_refused or bool(exchange.answered.get("refused"))
    deliveries = deliveries_of(exchange.path, exchange.asked, exchange.answered)
    if kind is not None:
        return () if is_refused else (_trace(exchange, deliveries[0], kind, exchange.id),)
    left: list[Message | KeylessSend] = []
    for number, delivery in enumerate(deliveries):
        if delivery.key:
            left.append(_message(exchange, delivery))
        elif not is_refused:
            name = exchange.id if len(deliveries) == 1 else f"{exchange.id}/{number}"
            left.append(_trace(exchange, delivery, Keyless.CARD if delivery.is_answered else Keyless.NO_KEY, name))
    return tuple(left)


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
    path = send_path(method, url)
    if path is None:
        return None
    exchange = Exchange(
        id="",
        path=path,
        # Whether it is kept is for who records it.
        asked=asked_of(request_body, keeps_excerpt=True),
        sent_at=sent_at,
        campaign=campaign,
        source=source,
        status=200,
        answered=answered_of(response_body),
    )
    messages = [one for one in outcomes_of(exchange) if isinstance(one, Message)]
    if len(messages) > 1:
        from ...errors import InvalidMessageError

        keys = ", ".join(message.process_query_key for message in messages)
        raise InvalidMessageError(f"the card went to several chats: write a row for each of its keys ({keys})")
    return messages[0] if messages else None


def capture_pair(pair: Mapping[str, Any]) -> Message:
    """Read an import row that holds a captured request and response; raise InvalidMessageError with what is missing.

    The request is `{"method","url" or "path","body"}`, the response `{"body"}`; without a body of its own, either may
    be the body itself, and a request without a path is taken for what its fields say.
    """
    from ...errors import InvalidMessageError

    request, response = pair.get("request"), pair.get("response")
    if not isinstance(request, Mapping) or not isinstance(response, Mapping):
        raise InvalidMessageError("a captured pair needs a `request` and a `response`, both objects")
    body = request.get("body", request)
    where = request.get("url") or request.get("path") or _path_for(fields_of(body))
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


def _message(exchange: Exchange, delivery: Delivery) -> Message:
    from .row import Row

    answered = exchange.answered
    undelivered = {why: ids_of(answered[name]) for why, name in UNDELIVERED.items() if answered.get(name)}
    users = _reached(delivery, undelivered)
    return Row.read(
        {
            "processQueryKey": delivery.key,
            "robotCode": delivery.robot or UNKNOWN,
            # More than any send can have: it is not known who of them it reached.
            "userIds": users if len(users) <= RECIPIENTS_MAX else (),
            "openConversationId": None if delivery.chat is Chat.ONE_TO_ONE else delivery.conversation or UNKNOWN,
            "chat": delivery.chat.value,
            "campaign": tag_of(exchange.campaign),
            "sentAt": exchange.sent_at,
            "source": tag_of(exchange.source),
            "undelivered": {why: missed[:RECIPIENTS_MAX] for why, missed in undelivered.items() if missed},
            EXCERPT: exchange.asked.get(EXCERPT),
            "expiresIn": seconds_of(exchange.expires_in),
        }
    ).to_message()


def _trace(exchange: Exchange, delivery: Delivery, kind: Keyless, name: str) -> KeylessSend:
    return KeylessSend(
        trace=name,
        robot_code=RobotCode(delivery.robot or ""),
        sent_at=exchange.sent_at,
        chat=delivery.chat,
        open_conversation_id=ConversationId(delivery.conversation) if delivery.conversation else None,
        campaign=Campaign(tag_of(exchange.campaign) or "") or None,
        source=tag_of(exchange.source),
        recipients=tuple(UserId(user) for user in delivery.users),
        why=exchange.trouble or _why(exchange, kind),
        kind=kind,
    )


def _why(exchange: Exchange, kind: Keyless) -> str:
    return f"the answer ({exchange.status}) has no processQueryKey" if kind is Keyless.NO_KEY else kind.reason


def _reached(delivery: Delivery, undelivered: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the users without those that the answer names as missed."""
    missed = {user for users in undelivered.values() for user in users}
    return tuple(user for user in delivery.users if user not in missed)


def _path_for(body: Mapping[str, Any]) -> str:
    if body.get("openSpaceId"):
        return CREATE_AND_DELIVER
    return path_of(Chat.GROUP if body.get("openConversationId") else Chat.ONE_TO_ONE)
