"""Where one send call went: a delivery for each chat, with the key that it got, if any.

Robot messages and interactive cards go to one chat. Cards of the card platform go to any number of spaces, and each has
a `carrierId`, which is its key in chats; a space can fail although the call succeeded as a whole. Source:
open.dingtalk.com, "create and deliver cards", "deliver cards".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..bodies import fields_of, id_of, ids_of
from .message import Chat, Keyless
from .send_calls import DELIVERY_PATHS, INTERACTIVE_PATHS, KEYLESS_PATHS, SEND_PATHS

_MODELS = {
    "IM_GROUP": "imGroupOpenDeliverModel",
    "IM_ROBOT": "imRobotOpenDeliverModel",
    "IM_SINGLE": "imSingleOpenDeliverModel",
}
_CHATS = {"IM_GROUP": Chat.GROUP, "IM_ROBOT": Chat.ONE_TO_ONE, "IM_SINGLE": Chat.PRIVATE}
KEYLESS_CHATS = {kind: Chat.ONE_TO_ONE if kind is Keyless.WORK_NOTIFICATION else Chat.GROUP for kind in Keyless}
# What an answer may call IM.
_OF_CHATS = ("IM_GROUP", "IM_SINGLE")
_SPACES = "dtv1.card//"
# Of the ids of users, those that the rest of the world knows.
_BY_UNION_ID = "2"
ASKED = ("robotCode", "userIds", "openConversationId", "openSpaceId", "userIdType", "conversationType")
ASKED_OF_CARDS = ("receiverUserIdList", "singleChatReceiver", "userid_list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One chat that a send went to; what the call did not say is None. `is_answered`: the answer speaks of it."""

    key: Any
    chat: Chat
    robot: str | None
    conversation: str | None
    users: tuple[str, ...]
    is_answered: bool = False


def asked_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return of a request what says where it goes; never what the message says."""
    picked = {name: fields[name] for name in (*ASKED, *ASKED_OF_CARDS) if fields.get(name)}
    for name in _MODELS.values():
        model = fields.get(name)
        if isinstance(model, Mapping):
            picked[name] = {part: model[part] for part in ("robotCode", "recipients") if model.get(part)}
    return picked


def answered_fields(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return of an answer the key, or those of the spaces, and whether it is a refusal in spite of its status."""
    result = fields.get("result")
    inside = result if isinstance(result, Mapping) else {}
    spaces = inside.get("deliverResults", result)
    key = _key_of(fields) or _key_of(inside)
    picked: dict[str, Any] = {"processQueryKey": key} if key else {}
    if isinstance(spaces, Sequence) and not isinstance(spaces, str):
        names = ("spaceType", "spaceId", "success", "carrierId")
        picked["spaces"] = [{name: one.get(name) for name in names} for one in spaces if isinstance(one, Mapping)]
    if fields.get("success") is False or fields.get("errcode"):
        picked["refused"] = True
    return picked


def _key_of(fields: Mapping[str, Any]) -> Any:
    key = fields.get("processQueryKey")
    return id_of(key or None) if isinstance(key, int) else key


def deliveries_of(path: str, asked: Mapping[str, Any], answered: Mapping[str, Any]) -> Sequence[Delivery]:
    """Return where a send call went; of a card's spaces, those that it did not fail in."""
    if path in DELIVERY_PATHS:
        return tuple(_of_card(asked, answered))
    conversation, users = id_of(asked.get("openConversationId")), ids_of(asked.get("userIds"))
    chat = SEND_PATHS.get(path, Chat.GROUP if conversation else Chat.ONE_TO_ONE)
    if path in KEYLESS_PATHS:
        chat, users = KEYLESS_CHATS[KEYLESS_PATHS[path][0]], ids_of(asked.get("userid_list"))
    elif path in INTERACTIVE_PATHS:
        single = fields_of(asked.get("singleChatReceiver")).get("userId")
        chat, users = INTERACTIVE_PATHS[path] or chat, ids_of(asked.get("receiverUserIdList") or single)
        if str(asked.get("userIdType")) == _BY_UNION_ID:
            users = ()
    return (
        Delivery(
            key=answered.get("processQueryKey"),
            chat=chat,
            robot=id_of(asked.get("robotCode")),
            # The API takes no notice of a conversation in a one-on-one send.
            conversation=None if chat is Chat.ONE_TO_ONE else conversation,
            users=users,
        ),
    )


def _of_card(asked: Mapping[str, Any], answered: Mapping[str, Any]) -> Iterator[Delivery]:
    wanted = list(_spaces_of(asked.get("openSpaceId")))
    results = answered.get("spaces")
    if not results:
        if answered.get("refused"):
            return
        for name, kind in wanted or [("", "IM_ROBOT")]:
            yield _to_space(asked, name, kind, None)
        return
    for result in results:
        if not isinstance(result, Mapping) or result.get("success") is False:
            continue
        name, kind = _space_of(result, wanted)
        yield _to_space(asked, name, kind, result.get("carrierId"), is_answered=True)


def _spaces_of(text: object) -> Iterator[tuple[str, str]]:
    """Yield the id and the type of each space of `dtv1.card//TYPE.id;TYPE.id`."""
    if not isinstance(text, str):
        return
    for part in text.removeprefix(_SPACES).split(";"):
        kind, _, name = part.strip().partition(".")
        if name:
            yield name, kind.upper()


def _space_of(result: Mapping[str, Any], wanted: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Return the id and the type of a space that an answer names; its types are coarser than those of the request."""
    name, kind = id_of(result.get("spaceId")) or "", (id_of(result.get("spaceType")) or "").upper()
    if name.startswith((_SPACES, *_MODELS, "ONE_BOX")):
        name, kind = next(_spaces_of(name), (name, kind))
    if not name and len(wanted) == 1:
        return wanted[0]
    # A conversation can be two spaces, one for its messages and one for what hangs above them.
    asked = [one for own, one in wanted if own == name and (one == kind or (kind == "IM" and one in _OF_CHATS))]
    return name, asked[0] if asked else "IM_GROUP" if kind == "IM" else kind


def _to_space(asked: Mapping[str, Any], name: str, kind: str, key: object, *, is_answered: bool = False) -> Delivery:
    chat = _CHATS.get(kind, Chat.ONE_TO_ONE)
    users: tuple[str, ...] = ()
    if chat is Chat.GROUP:
        users = ids_of(_model(asked, kind).get("recipients"))
    elif kind == "IM_ROBOT" and str(asked.get("userIdType")) != _BY_UNION_ID:
        users = ids_of([name])
    return Delivery(
        # Elsewhere a carrierId is no key.
        key=key if kind in _CHATS else None,
        chat=chat,
        robot=_robot(asked, kind),
        conversation=None if chat is Chat.ONE_TO_ONE else id_of(name),
        users=users,
        is_answered=is_answered,
    )


def _robot(asked: Mapping[str, Any], kind: str) -> str | None:
    """Return the robot of a space; unnamed it is that of the app, which another space of the call may name."""
    named = (_model(asked, kind), asked, *(_model(asked, other) for other in _MODELS))
    return next((robot for robot in (id_of(one.get("robotCode")) for one in named) if robot), None)


def _model(asked: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    model = asked.get(_MODELS.get(kind, ""))
    return model if isinstance(model, Mapping) else {}
