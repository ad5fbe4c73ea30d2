"""What the management door is asked for, read from JSON into values; every mistake is a ValueError that says so."""

from collections.abc import Collection, Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from .changes import check_names, choice, converted
from .exchange import Cut
from .messages import Chat, Message
from .refusals import STATUS_AND_MESSAGE
from .scripts import ScriptedAnswer
from .world import World

SHARED_FIELDS = ("robotCode", "userIds", "sentAt", "openConversationId", "chat", "app")
MESSAGE_FIELDS = ("key", *SHARED_FIELDS)
SEED_FIELDS = ("messages", "keys", "count", *SHARED_FIELDS)
SCRIPT_TYPES = {
    "times": int,
    "status": int | None,
    "delay_seconds": float,
    "path": str | None,
    "headers": dict,
    "does_work": bool | None,
}
SCRIPT_FIELDS = (*(field.name for field in fields_of(ScriptedAnswer)), "code")


def script_of(item: object) -> ScriptedAnswer:
    """Read a scripted answer; `code` stands for the documented answer of that error."""
    if not isinstance(item, dict):
        raise ValueError(f"an answer has to be an object, not {item!r}")
    check_names("an answer", item, SCRIPT_FIELDS)
    values = {name: converted(name, value, SCRIPT_TYPES.get(name, object)) for name, value in item.items()}
    if values.get("cut") is not None:
        values["cut"] = choice("cut", values["cut"], Cut)
    code = values.pop("code", None)
    if code is None:
        return ScriptedAnswer(**values)
    if code not in STATUS_AND_MESSAGE and "status" not in values:
        choice_of_code(code)
    error = ScriptedAnswer.error(code, status=values.pop("status", None))
    return replace(error, **values)


def choice_of_code(code: object) -> None:
    """Raise ValueError for an error code that is not documented, naming the nearest one that is."""
    check_names("the list of documented errors", [str(code)], STATUS_AND_MESSAGE)


def messages_of(world: World, fields: Mapping[str, Any]) -> list[Message]:
    """Read the messages to seed."""
    check_names("this door", fields, SEED_FIELDS)
    if "messages" in fields:
        return [message_of(item, world.now()) for item in listed("messages", fields["messages"])]
    shared = {name: fields[name] for name in SHARED_FIELDS if name in fields}
    pattern = message_of({"key": "-", **shared}, world.now())
    if "keys" in fields:
        keys = listed("keys", fields["keys"])
    else:
        keys = world.make_keys(converted("count", fields.get("count", 1), int))
    return [replace(pattern, key=str(key)) for key in keys]


def listed(name: str, value: object) -> list[Any]:
    """Return a value that has to be a list."""
    if not isinstance(value, list):
        raise ValueError(f"{name} has to be a list, not {value!r}")
    return value


def message_of(item: object, now: datetime) -> Message:
    """Read one message; without `sentAt` it was sent now, without `chat` its conversation decides."""
    if not isinstance(item, dict):
        raise ValueError(f"a message has to be an object, not {item!r}")
    check_names("a message", item, MESSAGE_FIELDS)
    key, robot = item.get("key"), item.get("robotCode")
    if not (isinstance(key, str) and key and isinstance(robot, str) and robot):
        raise ValueError("a message needs a key and a robotCode")
    conversation = item.get("openConversationId")
    chat = item.get("chat", Chat.ONE_ON_ONE if conversation is None else Chat.GROUP)
    return Message(
        key=key,
        robot_code=robot,
        sent_at=moment_of(item["sentAt"]) if "sentAt" in item else now,
        chat=Chat(choice("chat", chat, Chat)),
        users=tuple(listed("userIds", item.get("userIds", []))),
        conversation=conversation,
        app=item.get("app"),
    )


def moment_of(text: object) -> datetime:
    """Read an aware time in ISO 8601."""
    moment = datetime.fromisoformat(str(text))
    if moment.tzinfo is None:
        raise ValueError(f"sentAt {text!r} has no zone: add one, as in 2026-03-01T10:00:00+08:00")
    return moment


def age_of(fields: Mapping[str, Any]) -> tuple[timedelta, Collection[str] | None]:
    """Read by how much to age which messages."""
    check_names("this door", fields, ["seconds", "keys"])
    seconds = fields.get("seconds")
    if not isinstance(seconds, int | float):
        raise ValueError("seconds has to be a number")
    keys = fields.get("keys")
    return timedelta(seconds=seconds), None if keys is None else frozenset(listed("keys", keys))
