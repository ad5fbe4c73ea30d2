"""The three recall calls.

Source: the pages on the recall of one-on-one, group and person-to-person messages of robots at open.dingtalk.com.
"""

from datetime import timedelta
from enum import Enum
from typing import Any

from .behaviour import BadKey, FailedReason, SecondRecall
from .desk import Ask
from .messages import Chat, Message
from .refusals import Refusal


class Unnamed(Enum):
    """The outcome of a key that the answer does not name."""

    SILENT = "silent"


def recall_one_on_one(ask: Ask) -> dict[str, Any]:
    """Recall one-on-one messages of a robot."""
    return recall(ask, Chat.ONE_ON_ONE)


def recall_in_group(ask: Ask) -> dict[str, Any]:
    """Recall messages of a robot in a group."""
    return recall(ask, Chat.GROUP)


def recall_private(ask: Ask) -> dict[str, Any]:
    """Recall messages of a robot between two people."""
    return recall(ask, Chat.PRIVATE)


def recall(ask: Ask, chat: Chat) -> dict[str, Any]:
    """Recall keys: first every objection, so that a refused call changes nothing, then key by key."""
    ask.text("robotCode")
    conversation = None if chat is Chat.ONE_ON_ONE else ask.text("openConversationId")
    keys = ask.texts(
        "processQueryKeys", "invalidParameter.processQueryKey.missing", "invalidParameter.processQueryKeys.overMax"
    )
    robot = ask.robot()
    objections = {key: objection(ask, chat, robot, conversation, key) for key in keys}
    for key, code in objections.items():
        if code is not None and sinks_the_call(ask, key):
            raise Refusal(code)
    done: list[str] = []
    failed: dict[str, str] = {}
    for key, code in objections.items():
        outcome = settle(ask, key) if code is None else code
        if outcome is None:
            done.append(key)
        elif isinstance(outcome, str):
            failed[key] = outcome
    nulls = ask.behaviour.null_fields
    return {"successResult": done or (None if nulls else []), "failedResult": failed or (None if nulls else {})}


def objection(ask: Ask, chat: Chat, robot: str, conversation: str | None, key: str) -> str | None:
    """Return the code that speaks against recalling a key, or None."""
    if key in ask.behaviour.silent_keys or reason_for(ask, key) is not None:
        return None
    message = ask.messages.find(key)
    if message is None or message.chat is not chat or message.app not in (None, ask.app):
        return "invalid.processQueryKey"
    if message.robot_code != robot:
        return "not.allowed.robotCode"
    if message.conversation != conversation:
        return "invalid.processQueryKey"
    if has_expired(ask, message):
        return "robot.processQueryKey.expired"
    if message.recalled_at is not None and ask.behaviour.second_recall is SecondRecall.INVALID_KEY_400:
        return "invalid.processQueryKey"
    if ask.now - message.sent_at < timedelta(seconds=ask.behaviour.not_ready_seconds):
        return ask.behaviour.not_ready_code
    return None


def sinks_the_call(ask: Ask, key: str) -> bool:
    """Tell whether a key that is objected to takes the whole call along."""
    if ask.behaviour.bad_key is BadKey.WHOLE_CALL_400:
        return True
    message = ask.messages.find(key)
    again = message is not None and message.recalled_at is not None
    return again and ask.behaviour.second_recall is SecondRecall.INVALID_KEY_400


def settle(ask: Ask, key: str) -> str | Unnamed | None:
    """Recall one key: None when it is done, a reason when it failed, or SILENT."""
    if key in ask.behaviour.silent_keys or ask.tally.silent_left > 0:
        if key not in ask.behaviour.silent_keys:
            ask.tally.silent_left -= 1
        if ask.behaviour.silent_keys_are_recalled and ask.messages.find(key) is not None:
            ask.messages.recall(key, ask.now)
        return Unnamed.SILENT
    scripted = reason_for(ask, key)
    if scripted is not None:
        ask.tally.failed_asks[key] += 1
        return scripted.reason
    message = ask.messages.find(key)
    if message is not None and message.recalled_at is not None:
        again = ask.behaviour.second_recall is SecondRecall.FAILED_RESULT
        return ask.behaviour.second_recall_reason if again else None
    ask.messages.recall(key, ask.now)
    return None


def reason_for(ask: Ask, key: str) -> FailedReason | None:
    """Return the reason that the behaviour wants for a key and that is not used up."""
    reasons = ask.behaviour.failed_reasons
    wanted = reasons.get(key) or reasons.get("*")
    if wanted is None or (wanted.times is not None and ask.tally.failed_asks[key] >= wanted.times):
        return None
    return wanted


def has_expired(ask: Ask, message: Message) -> bool:
    """Tell whether a message is past the window, by the pretend DingTalk's own clock."""
    group = message.chat is Chat.GROUP
    seconds = ask.behaviour.group_recall_window_seconds if group else ask.behaviour.recall_window_seconds
    if seconds is None:
        return False
    age, window = ask.now - message.sent_at, timedelta(seconds=seconds)
    return age > window or (age == window and not ask.behaviour.last_instant_counts)
