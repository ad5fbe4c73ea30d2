"""The three send calls.

Source: the pages on one-on-one, group and person-to-person messages of robots at open.dingtalk.com.
"""

import json
from typing import Any

from .desk import Ask
from .messages import Chat, Message
from .refusals import Refusal


def send_one_on_one(ask: Ask) -> dict[str, Any]:
    """Send to at most 20 users under one key; users who did not get it are named in lists."""
    robot = ask.robot("invalidParameter.robotCode.empty")
    users = ask.texts("userIds", "invalidParameter.userIds.empty", "invalidParameter.userIds.overMax")
    check_content(ask)
    rules = ask.behaviour
    if not rules.unknown_users.isdisjoint(users):
        raise Refusal("staffId.notExisted")
    missed = rules.invalid_users | rules.flow_controlled_users | rules.filtered_users
    key = ask.ids.message_key()
    reached = tuple(user for user in users if user not in missed)
    ask.messages.add([Message(key=key, robot_code=robot, sent_at=ask.now, users=reached, app=ask.app)])
    answer: dict[str, Any] = {
        "processQueryKey": key,
        "invalidStaffIdList": [user for user in users if user in rules.invalid_users],
        "flowControlledStaffIdList": [user for user in users if user in rules.flow_controlled_users],
    }
    # Only the official SDK knows this list; the page does not, so it is left out while it would be empty.
    filtered = [user for user in users if user in rules.filtered_users]
    return answer | {"filteredStaffIdList": filtered} if filtered else answer


def send_to_group(ask: Ask) -> dict[str, Any]:
    """Send to a group conversation."""
    return send_to_conversation(ask, Chat.GROUP)


def send_private(ask: Ask) -> dict[str, Any]:
    """Send to a conversation between two people."""
    return send_to_conversation(ask, Chat.PRIVATE)


def send_to_conversation(ask: Ask, chat: Chat) -> dict[str, Any]:
    """Send to one conversation under one key."""
    robot = ask.robot("invalidParameter.robotCode.empty")
    conversation = ask.text("openConversationId")
    check_content(ask)
    key = ask.ids.message_key()
    ask.messages.add(
        [Message(key=key, robot_code=robot, sent_at=ask.now, chat=chat, conversation=conversation, app=ask.app)]
    )
    return {"processQueryKey": key}


def check_content(ask: Ask) -> None:
    """Refuse a message without a template key, or whose parameters are not JSON in a text."""
    ask.text("msgKey", "invalidParameter.msgKey.empty")
    content = ask.text("msgParam", "invalidParameter.msgParam.invalid")
    try:
        json.loads(content)
    except ValueError:
        raise Refusal("invalidParameter.msgParam.invalid") from None
