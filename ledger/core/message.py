"""What one send left behind: the message, its route, and the words used for both."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

MessageKey = NewType("MessageKey", str)
RobotCode = NewType("RobotCode", str)
ConversationId = NewType("ConversationId", str)
UserId = NewType("UserId", str)
Campaign = NewType("Campaign", str)
AppName = NewType("AppName", str)


class Chat(StrEnum):
    """The kind of chat that a message went to; each kind has send and recall paths of its own."""

    ONE_TO_ONE = "one_to_one"
    GROUP = "group"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One processQueryKey: what a single send call returned, and to whom it went.

    `recipients` are the user ids that got it (empty for a group, whose members the API does not name);
    `undelivered` maps a reason (invalid, flow_controlled, filtered) to the user ids that did not get it.
    """

    process_query_key: MessageKey
    robot_code: RobotCode
    sent_at: datetime
    chat: Chat = Chat.ONE_TO_ONE
    open_conversation_id: ConversationId | None = None
    campaign: Campaign | None = None
    source: str | None = None
    recipients: tuple[UserId, ...] = ()
    undelivered: Mapping[str, tuple[UserId, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeylessSend:
    """A send call that may have reached people although its key never came back: it cannot be recalled.

    `trace` is the name that its door gave the call, so that taking it in twice is harmless; `why` says what is known.
    """

    trace: str
    robot_code: RobotCode
    sent_at: datetime
    chat: Chat
    open_conversation_id: ConversationId | None
    campaign: Campaign | None
    source: str | None
    recipients: tuple[UserId, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Route:
    """What one recall call may hold together: one app, kind of chat, robot and conversation."""

    app: AppName
    chat: Chat
    robot_code: RobotCode
    open_conversation_id: ConversationId | None = None
