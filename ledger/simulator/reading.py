"""The read status of one one-on-one message.

Source: the page on the read status of robot messages at open.dingtalk.com.
"""

from datetime import timedelta
from typing import Any

from .desk import Ask
from .messages import Chat, Message
from .recalling import has_expired
from .refusals import Refusal


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
    return {
        "sendStatus": send_status(ask, message),
        "messageReadInfoList": [
            {"userId": user, "name": user, "readStatus": "READ" if user in ask.behaviour.readers else "UNREAD"}
            for user in message.users
        ],
    }


def send_status(ask: Ask, message: Message) -> str:
    """Return RECALLED, PROCESSING or SUCCESS, the last perhaps misspelt as in the documentation."""
    if message.recalled_at is not None:
        return "RECALLED"
    if ask.now - message.sent_at < timedelta(seconds=ask.behaviour.processing_seconds):
        return "PROCESSING"
    return "SUCESS" if ask.behaviour.misspelt_success else "SUCCESS"
