"""The calls that send cards.

Source: the pages "create and deliver cards", "deliver cards", and those of the closed interfaces for interactive cards,
at open.dingtalk.com, and the official SDK's models of two that have no page any more. The first of them shows a list of
spaces as the result, the official SDK an object around it: both are played.
"""

import json
from typing import Any

from .desk import Ask
from .messages import Chat, Message
from .refusals import Refusal

SCHEME = "dtv1.card//"
CHATS = {"IM_GROUP": Chat.GROUP, "IM_ROBOT": Chat.ONE_ON_ONE, "IM_SINGLE": Chat.PRIVATE}
# What an answer calls the spaces of chats between people.
ANSWERED = {"IM_GROUP": "IM", "IM_SINGLE": "IM"}


def create_and_deliver(ask: Ask) -> dict[str, Any]:
    """Make a card and send it to its spaces."""
    ask.text("cardTemplateId", "param.cardTemplateIdEmpty")
    results = deliveries(ask)
    nested = {"outTrackId": ask.fields["outTrackId"], "deliverResults": results}
    return {"success": True, "result": nested if ask.behaviour.card_results_are_nested else results}


def deliver(ask: Ask) -> dict[str, Any]:
    """Send a card that is there already to its spaces."""
    return {"success": True, "result": deliveries(ask)}


def deliveries(ask: Ask) -> list[dict[str, Any]]:
    """Send to each space; one can fail while the call as a whole succeeds."""
    ask.text("outTrackId", "param.outTrackIdEmpty")
    spaces = ask.text("openSpaceId", "param.openSpaceIdInvalid")
    if not spaces.startswith(SCHEME):
        raise Refusal("param.openSpaceIdInvalid")
    return [into_space(ask, space) for space in spaces.removeprefix(SCHEME).split(";")]


def into_space(ask: Ask, space: str) -> dict[str, Any]:
    """Send to one space, `TYPE.id`; only chats give a carrierId."""
    kind, _, name = space.partition(".")
    kind = kind.upper()
    if not name or kind not in {*CHATS, "ONE_BOX"}:
        raise Refusal("param.openSpaceIdInvalid")
    answer = {"spaceType": ANSWERED.get(kind, kind), "spaceId": name}
    if name in ask.behaviour.failed_spaces:
        return {**answer, "success": False, "carrierId": None, "errorMsg": "spaceId is illegal"}
    key = None
    if kind in CHATS:
        key = ask.ids.message_key()
        is_group = kind == "IM_GROUP"
        model = ask.fields.get("imGroupOpenDeliverModel" if is_group else "imRobotOpenDeliverModel") or {}
        robot = model.get("robotCode")
        if is_group and not robot:
            raise Refusal("param.openDeliverModelEmpty")
        put(ask, key, CHATS[kind], robot or ask.app, () if kind != "IM_ROBOT" else (name,), name)
    return {**answer, "success": True, "carrierId": key, "errorMsg": ""}


def send_interactive(ask: Ask) -> dict[str, Any]:
    """Send an interactive card of the older kind, to people (0) or a group (1)."""
    ask.text("outTrackId", "param.outTrackIdEmpty")
    key = ask.ids.message_key()
    if ask.fields.get("conversationType") == 1:
        conversation = ask.text("openConversationId")
        put(ask, key, Chat.GROUP, ask.robot(), (), conversation)
    else:
        users = ask.texts("receiverUserIdList", "param.receiverUserIdListEmpty", "param.receiverUserIdListOverMax")
        put(ask, key, Chat.ONE_ON_ONE, ask.app, tuple(users), None)
    return {"success": True, "result": {"processQueryKey": key}}


def send_interactive_to_private_chat(ask: Ask) -> dict[str, Any]:
    """Send an interactive card of the older kind to a chat between two people."""
    ask.text("outTrackId", "param.outTrackIdEmpty")
    key = ask.ids.message_key()
    put(ask, key, Chat.PRIVATE, ask.robot(), (), ask.text("openConversationId"))
    return {"success": True, "result": {"processQueryKey": key}}


def send_interactive_of_robot(ask: Ask) -> dict[str, Any]:
    """Send an interactive card of the oldest kind."""
    ask.text("cardBizId", "param.cardBizIdEmpty")
    return to_group_or_person(ask)


def send_interactive_by_template(ask: Ask) -> dict[str, Any]:
    """Send an interactive card that is made of a template."""
    ask.text("outTrackId", "param.outTrackIdEmpty")
    return to_group_or_person(ask)


def update_interactive_of_robot(ask: Ask) -> dict[str, Any]:
    """Change a card that is out; its answer has a key, of which nobody says whether it is that of the send."""
    ask.text("cardBizId", "param.cardBizIdEmpty")
    return {"processQueryKey": ask.ids.message_key()}


def to_group_or_person(ask: Ask) -> dict[str, Any]:
    """Send to the group that a request names, or else to a person."""
    robot = ask.robot()
    key, conversation = ask.ids.message_key(), ask.fields.get("openConversationId")
    if conversation:
        put(ask, key, Chat.GROUP, robot, (), str(conversation))
        return {"processQueryKey": key}
    try:
        user = json.loads(ask.text("singleChatReceiver"))["userId"]
    except (ValueError, KeyError, TypeError):
        raise Refusal("invalidParameter.param.invalid") from None
    put(ask, key, Chat.ONE_ON_ONE, robot, (user,), None)
    return {"processQueryKey": key}


def put(ask: Ask, key: str, chat: Chat, robot: str, users: tuple[str, ...], conversation: str | None) -> None:
    """Keep what was sent to one chat."""
    message = Message(
        key=key,
        robot_code=robot,
        sent_at=ask.now,
        chat=chat,
        users=users,
        conversation=None if chat is Chat.ONE_ON_ONE else conversation,
        app=ask.app,
    )
    ask.messages.add([message])
