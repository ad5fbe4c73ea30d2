"""The three send calls.

Source: the pages on one-on-one, group and person-to-person messages of robots at open.dingtalk.com.
"""

import json
from dataclasses import replace
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
    if robot in rules.robots_without_chats:
        raise Refusal("robot.oto.notExist")
    if not rules.unknown_users.isdisjoint(users):
        raise Refusal("staffId.notExisted")
    if not rules.illegal_users.isdisjoint(users):
        raise Refusal("illegal.receivers")
    missed = rules.invalid_users | rules.flow_controlled_users | rules.filtered_users
    key = ask.ids.message_key()
    reached = tuple(user for user in users if user not in missed)
    message = Message(key=key, robot_code=robot, sent_at=ask.now, users=reached, app=ask.app)
    ask.messages.add([replace(message, msg_key=ask.fields["msgKey"], msg_param=ask.fields["msgParam"])])
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
    """Refuse a message without a template key, or whose parameters are no JSON in a text, too long, or not safe."""
    ask.text("msgKey", "invalidParameter.msgKey.empty")
    content = ask.text("msgParam", "invalidParameter.msgParam.invalid")
    try:
        json.loads(content)
    except ValueError:
        raise Refusal("invalidParameter.msgParam.invalid") from None
    most = ask.behaviour.longest_msg_param_bytes
    if most is not None and len(content.encode("utf-8", "surrogatepass")) > most:
        raise Refusal("invalidParameter.msgParam.tooLong")
    if any(text in content for text in ask.behaviour.unsafe_texts):
        raise Refusal("contain.unsafe.url")
