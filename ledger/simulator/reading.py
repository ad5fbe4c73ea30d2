"""Who has read a message: the read status of a one-on-one message, and the readers of one in a conversation.

Source: the pages on the read status of robot messages, one-on-one, in groups and person to person, at
open.dingtalk.com.
"""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from .behaviour import ReadsAfterRecall
from .desk import Ask
from .messages import Chat, Message
from .recalling import has_expired
from .refusals import Refusal

MOST_PER_PAGE = 200
CURSOR = "after-"


def read_status(ask: Ask) -> dict[str, Any]:
    """Tell how a message fared and who has read it."""
    robot = ask.robot()
    message = ask.messages.find(ask.text("processQueryKey", "invalidParameter.processQueryKey.missing"))
    if message is None or message.chat is not Chat.ONE_ON_ONE or message.app not in (None, ask.app):
        raise Refusal("processQueryKey.expireTime")
    if message.robot_code != robot:
        raise Refusal("not.allowed.robotCode")
    if has_expired(ask, message):
        raise Refusal("processQueryKey.expireTime")
    shown = shown_of(ask, message, message.users)
    listed = [
        {"userId": user, "name": user, "readStatus": "READ" if user in ask.behaviour.readers else "UNREAD"}
        for user in shown
    ]
    return told(ask, {"sendStatus": send_status(ask, message), "messageReadInfoList": listed})


def readers_in_group(ask: Ask) -> dict[str, Any]:
    """Tell who has read a message in a group, a page of them."""
    page = readers(ask, Chat.GROUP)
    if ask.behaviour.names_union_ids:
        users = page.get("readUserIds") or ()
        page["readUsers"] = [{"userId": user, "unionId": f"union-{user}"} for user in users]
    return page


def readers_in_private(ask: Ask) -> dict[str, Any]:
    """Tell who has read a message between two people."""
    return readers(ask, Chat.PRIVATE)


def readers(ask: Ask, chat: Chat) -> dict[str, Any]:
    """Tell how a message in a conversation fared, and a page of its readers; who has not read it is not told."""
    key = ask.text("processQueryKey", "invalidParameter.processQueryKey.missing")
    robot, conversation = ask.robot(), ask.text("openConversationId", "miss.openConversationId")
    size, start = page_size(ask), page_start(ask)
    message = ask.messages.find(key)
    if message is None or message.chat is not chat or message.app not in (None, ask.app):
        raise Refusal("invalid.processQueryKey")
    if message.robot_code != robot:
        raise Refusal("unauthorized")
    if message.conversation != conversation:
        raise Refusal("resource.not.found")
    if has_expired(ask, message):
        raise Refusal("processQueryKey.expireTime")
    known = ask.behaviour.readers
    every = sorted(known.intersection(message.users) if message.users else known)
    shown = shown_of(ask, message, every)
    page, has_more = shown[start : start + size], len(shown) > start + size
    answer = {"sendStatus": send_status(ask, message), "readUserIds": page, "hasMore": has_more}
    return told(ask, {**answer, "nextToken": f"{CURSOR}{start + size}" if has_more else ""})


def page_size(ask: Ask) -> int:
    """Return how many readers are wanted; raise Refusal for what is no number of 1 to 200."""
    size = ask.fields.get("maxResults", MOST_PER_PAGE)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MOST_PER_PAGE:
        raise Refusal("invalidParameter.pageSize.invalid")
    return size


def page_start(ask: Ask) -> int:
    """Return how many readers are on the pages before; raise Refusal for a token that was never given."""
    token = ask.fields.get("nextToken") or f"{CURSOR}0"
    if not isinstance(token, str) or not token.startswith(CURSOR) or not token.removeprefix(CURSOR).isdecimal():
        raise Refusal("invalidParameter.cursor.invalid")
    return int(token.removeprefix(CURSOR))


def shown_of(ask: Ask, message: Message, users: Collection[str]) -> list[str]:
    """Return whom the answer names: of a recalled message perhaps nobody, or nothing at all."""
    if message.recalled_at is not None:
        if ask.behaviour.reads_after_recall is ReadsAfterRecall.EXPIRED_400:
            raise Refusal("processQueryKey.expireTime")
        if ask.behaviour.reads_after_recall is ReadsAfterRecall.NOBODY:
            return []
    return list(users)


def told(ask: Ask, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer without what the behaviour leaves out, with null for what is empty where it wants that."""
    kept = {name: value for name, value in answer.items() if name not in ask.behaviour.reads_leave_out}
    return {name: None if ask.behaviour.null_fields and not value else value for name, value in kept.items()}


def send_status(ask: Ask, message: Message) -> str:
    """Return RECALLED, PROCESSING or SUCCESS, the last perhaps misspelt as in the documentation."""
    still_there = ask.behaviour.still_there
    if message.recalled_at is not None and message.key not in still_there:
        return "RECALLED"
    if ask.now - message.sent_at < timedelta(seconds=ask.behaviour.processing_seconds):
        return "PROCESSING"
    return "SUCESS" if ask.behaviour.misspelt_success else "SUCCESS"
