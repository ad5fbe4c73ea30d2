"""Senders for tests: messages that the simulated DingTalk knows, as rows that the ledger records."""

from datetime import datetime, timedelta
from typing import Any

from ledger import Ledger
from ledger.clock import format_time
from ledger.simulator import Chat, World


def send(
    book: Ledger,
    world: World,
    count: int,
    *,
    robot: str = "robot-1",
    campaign: str | None = "spring",
    sent_ago: timedelta = timedelta(hours=1),
    users: list[str] | None = None,
    conversation: str | None = None,
) -> list[str]:
    """Send messages some time ago, record them, and return their keys; each reaches a user of its own by default."""
    sent_at = book.parts.clock.now() - sent_ago
    chat = Chat.GROUP if conversation else Chat.ONE_ON_ONE
    keys = world.make_messages(
        count, robot_code=robot, sent_at=sent_at, chat=chat, conversation=conversation, users=users or ()
    )
    rows = [row(key, sent_at, robot=robot, campaign=campaign, users=users, conversation=conversation) for key in keys]
    imported = book.record_many(rows)
    assert imported.rejected == ()
    return keys


def row(
    key: str,
    sent_at: datetime,
    *,
    robot: str = "robot-1",
    campaign: str | None = "spring",
    users: list[str] | None = None,
    conversation: str | None = None,
) -> dict[str, Any]:
    """Return an acceptable row of `import`."""
    made: dict[str, Any] = {
        "processQueryKey": key,
        "robotCode": robot,
        "userIds": users if users is not None else [] if conversation else [f"user-of-{key[:8]}"],
        "sentAt": format_time(sent_at),
    }
    if campaign:
        made["campaign"] = campaign
    if conversation:
        made["openConversationId"] = conversation
    return made
