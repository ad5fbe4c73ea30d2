"""The door for tests and demonstrations under /_simulator/: look at what happened, change how things go.

It is not part of DingTalk: nothing here is counted, limited or noted.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from .changes import check_names, nearest
from .exchange import Reply, Request
from .orders import age_of, messages_of, script_of
from .views import behaviour_view, calls_view, messages_view
from .world import World

PREFIX = "/_simulator/"


def answer(world: World, request: Request) -> Reply:
    """Answer one request to the management door; mistakes are a 400 with an `error` that says what was meant."""
    fields = {} if request.method == "POST" and not request.body else request.fields()
    handler = DOORS.get((request.method, request.path.removeprefix(PREFIX)))
    if handler is None:
        known = [f"{method} {PREFIX}{name}" for method, name in DOORS]
        return reply(
            404, {"error": f"no such door{nearest(f'{request.method} {request.path}', known)}", "doors": known}
        )
    if fields is None:
        return reply(400, {"error": "the body has to be a JSON object"})
    try:
        return reply(200, handler(world, fields))
    except ValueError as mistake:
        return reply(400, {"error": str(mistake)})


def reply(status: int, payload: object) -> Reply:
    """Write a payload out."""
    headers = {"Content-Type": "application/json;charset=utf-8"}
    return Reply(status=status, headers=headers, body=json.dumps(payload, ensure_ascii=False).encode())


def change_behaviour(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Change what is named; `revoke_tokens` is done once and not kept."""
    wishes = dict(fields)
    revoke = wishes.pop("revoke_tokens", False)
    world.change(**wishes)
    if revoke:
        world.revoke_tokens()
    return behaviour_view(world)


def queue_answers(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Queue one answer, or those of a list under `answers`."""
    wanted = fields.get("answers", [fields])
    if not isinstance(wanted, list):
        raise ValueError("answers has to be a list")
    world.script(*[script_of(item) for item in wanted])
    return {"waiting": world.scripts_waiting()}


def seed_messages(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Take in `messages`, or many alike: `keys` that share everything else, or a `count` of made-up ones."""
    messages = messages_of(world, fields)
    return {"seeded": world.seed_messages(messages), "keys": [message.key for message in messages]}


def age_messages(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Make messages older by `seconds`; all of them, or those of `keys`."""
    by, keys = age_of(fields)
    return {"aged": world.age_messages(by, keys)}


def configure(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Say which `apps` (key to secret) and `robots` (a list of codes) there are."""
    check_names("this door", fields, ["apps", "robots"])
    apps, robots = fields.get("apps"), fields.get("robots")
    if not isinstance(apps, dict | None) or not isinstance(robots, list | None):
        raise ValueError("apps has to map app keys to secrets, and robots has to be a list of robot codes")
    world.configure(apps=apps, robots=robots)
    return {"apps": sorted(apps or {}), "robots": robots or []}


def push_events(world: World, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Push one event of a message: its `key`, `event` (robot_msg_read by default, robot_msg_recall), a `user`."""
    check_names("this door", fields, ["key", "event", "user", "app"])
    key, user, app = (fields.get(name) for name in ("key", "user", "app"))
    kind = fields.get("event", "robot_msg_read")
    if not all(isinstance(one, str) for one in (key, kind)) or not all(
        isinstance(one, str | None) for one in (user, app)
    ):
        raise ValueError("key, event and user have to be texts, and there has to be a key")
    return {"eventId": world.push_event(str(kind), str(key), user, app=None if app is None else str(app))}


def disconnect(world: World, _fields: Mapping[str, Any]) -> dict[str, Any]:
    """Tell every Stream connection to go, as DingTalk does before it closes one."""
    connections = world.stream_connections()
    world.push_system("disconnect")
    return {"connections": connections}


def reset(world: World, _fields: Mapping[str, Any]) -> dict[str, Any]:
    """Start over."""
    world.reset()
    return {"reset": True}


def show_behaviour(world: World, _fields: Mapping[str, Any]) -> dict[str, Any]:
    """Show the behaviour of the moment."""
    return behaviour_view(world)


DOORS: Mapping[tuple[str, str], Callable[[World, Mapping[str, Any]], dict[str, Any]]] = MappingProxyType(
    {
        ("GET", "calls"): calls_view,
        ("GET", "messages"): messages_view,
        ("GET", "behaviour"): show_behaviour,
        ("POST", "behaviour"): change_behaviour,
        ("POST", "answers"): queue_answers,
        ("POST", "messages"): seed_messages,
        ("POST", "age"): age_messages,
        ("POST", "apps"): configure,
        ("POST", "events"): push_events,
        ("POST", "disconnect"): disconnect,
        ("POST", "reset"): reset,
    }
)
