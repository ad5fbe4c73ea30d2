"""What the management door shows, as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from .changes import check_names
from .messages import Message
from .world import World

Item = TypeVar("Item")


def calls_view(world: World, query: Mapping[str, str]) -> dict[str, Any]:
    """Show the counts and the calls, oldest first; `path` picks one path, `limit` the last so many."""
    check_names("this door", query, ["path", "limit"])
    calls = last(world.calls(query.get("path")), query.get("limit"))
    return {**world.counts(), "calls": [call.as_json() for call in calls]}


def messages_view(world: World, query: Mapping[str, str]) -> dict[str, Any]:
    """Show messages, oldest first; `key` picks one, `robotCode` those of a robot, `limit` the last so many."""
    check_names("this door", query, ["key", "robotCode", "limit"])
    key, robot = query.get("key"), query.get("robotCode")
    everything = world.messages()
    chosen = [m for m in everything if key in (None, m.key) and robot in (None, m.robot_code)]
    return {
        "total": len(everything),
        "recalled": sum(message.recalled_at is not None for message in everything),
        "messages": [message_view(message) for message in last(chosen, query.get("limit"))],
    }


def message_view(message: Message) -> dict[str, Any]:
    """Show one message."""
    return {
        "key": message.key,
        "robotCode": message.robot_code,
        "chat": message.chat,
        "openConversationId": message.conversation,
        "userIds": list(message.users),
        "app": message.app,
        "sentAt": message.sent_at.isoformat(),
        "msgKey": message.msg_key,
        "msgParam": message.msg_param,
        "recalledAt": None if message.recalled_at is None else message.recalled_at.isoformat(),
    }


def behaviour_view(world: World) -> dict[str, Any]:
    """Show the behaviour with every field."""
    shown = asdict(world.behaviour)
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in shown.items()}


def last(items: Sequence[Item], limit: str | None) -> Sequence[Item]:
    """Return the last `limit` items, or all."""
    return items if limit is None else items[max(0, len(items) - int(limit)) :]
