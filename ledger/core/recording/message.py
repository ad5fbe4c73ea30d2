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

# Stands for a robot or a conversation that a send did not name, so that its key can be kept and shown for what it is.
UNKNOWN = "(unknown)"


class Chat(StrEnum):
    """The kind of chat that a message went to; each kind has send and recall paths of its own."""

    ONE_TO_ONE = "one_to_one"
    GROUP = "group"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One processQueryKey: what a single send call returned, and to whom it went.

    `recipients` are the user ids that got it (empty for a group, whose members the API does not name);
    `undelivered` maps a reason (invalid, flow_controlled, filtered) to the user ids that did not get it. `excerpt` is
    the beginning of what it says, where that is kept.
    At `expires_at` it shall vanish, if whoever sent it wants that.
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
    excerpt: str | None = None
    expires_at: datetime | None = None


class Keyless(StrEnum):
    """Why a send has no key that could be recalled."""

    NO_KEY = "no_key"  # it should have had one, which never came back
    CARD = "card"
    WEBHOOK = "webhook"
    SESSION_WEBHOOK = "session_webhook"
    WORK_NOTIFICATION = "work_notification"
    SCENE_GROUP = "scene_group"

    @property
    def reason(self) -> str:
        """Say why nobody can recall it through the ledger."""
        return _REASONS[self]


_REASONS = {
    Keyless.NO_KEY: "the answer with its key never came back",
    Keyless.CARD: "DingTalk gives cards outside of chats no carrierId",
    Keyless.WEBHOOK: "a group webhook (/robot/send) returns no key",
    Keyless.SESSION_WEBHOOK: "a session webhook returns no key",
    Keyless.WORK_NOTIFICATION: "a work notification has a task_id and no key: recall it with corpconversation/recall",
    Keyless.SCENE_GROUP: "a scene group message has an open_msg_id, for which no recall is documented",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeylessSend:
    """A send call that reached people, or may have, and left no key that could be recalled; `kind` says why.

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
    kind: Keyless = Keyless.NO_KEY


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Route:
    """What one recall call may hold together: one app, kind of chat, robot and conversation."""

    app: AppName
    chat: Chat
    robot_code: RobotCode
    open_conversation_id: ConversationId | None = None
