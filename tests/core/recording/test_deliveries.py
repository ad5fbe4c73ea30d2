"""Cards: which of their spaces have a key that can be recalled, and what is said of the others."""

from typing import Any

import pytest

from ledger.core.recording.capture import Exchange, answered_of, asked_of, outcomes_of
from ledger.core.recording.message import UNKNOWN, Chat, Keyless, KeylessSend, Message
from ledger.core.recording.send_calls import CREATE_AND_DELIVER, KEYLESS_PATHS, send_path
from tests.core.values import NOW

SINGLE = '{"userId":"ann"}'
OLD_CARD = "/v1.0/im/interactiveCards/send"
OLD_ROBOT_CARD = "/v1.0/im/v1.0/robot/interactiveCards/send"
TEMPLATE_CARD = "/v1.0/im/interactiveCards/templates/send"
PRIVATE_CARD = "/v1.0/im/privateChat/interactiveCards/send"
CARD: dict[str, Any] = {
    "outTrackId": "card-1",
    "cardTemplateId": "secret-template",
    "cardData": {"cardParamMap": {"title": "secret"}},
    "openSpaceId": "dtv1.card//IM_GROUP.cid1==;IM_ROBOT.ann;IM_SINGLE.cid2==;ONE_BOX.cid3==",
    "imGroupOpenDeliverModel": {"robotCode": "dingbot", "recipients": ["bob"], "extension": {"x": "secret"}},
    "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT"},
}


def space(kind: str, name: str, key: str | None, *, success: bool = True) -> dict[str, Any]:
    """Return what an answer says of one space."""
    return {"spaceType": kind, "spaceId": name, "success": success, "carrierId": key, "errorMsg": ""}


SPACES = [
    space("IM", "cid1==", "k-group"),
    space("IM_ROBOT", "ann", "k-robot"),
    space("IM", "cid2==", "k-private"),
    space("ONE_BOX", "cid3==", None),
]


def left_of(
    asked: dict[str, Any], answer: object, path: str = CREATE_AND_DELIVER, status: int | None = 200
) -> list[Message | KeylessSend]:
    """Return what a send call leaves behind."""
    exchange = Exchange(
        id="e1", path=path, asked=asked_of(asked), sent_at=NOW, status=status, answered=answered_of(answer)
    )
    return list(outcomes_of(exchange))


def keys_of(left: list[Message | KeylessSend]) -> list[str]:
    """Return the keys of what can be recalled."""
    return [one.process_query_key for one in left if isinstance(one, Message)]


@pytest.mark.parametrize(
    "result", [SPACES, {"outTrackId": "card-1", "deliverResults": SPACES}], ids=["list", "deliverResults"]
)
def test_each_space_of_a_card_that_has_a_key_is_a_message_of_its_own(result: object) -> None:
    group, robot, private, box = left_of(CARD, {"success": True, "result": result})
    assert isinstance(group, Message)
    assert isinstance(robot, Message)
    assert isinstance(private, Message)
    assert (group.chat, group.open_conversation_id, group.recipients) == (Chat.GROUP, "cid1==", ("bob",))
    assert (robot.chat, robot.open_conversation_id, robot.recipients) == (Chat.ONE_TO_ONE, None, ("ann",))
    assert (private.chat, private.open_conversation_id) == (Chat.PRIVATE, "cid2==")
    assert {one.robot_code for one in (group, robot, private)} == {"dingbot"}
    assert isinstance(box, KeylessSend)
    assert (box.kind, box.trace) == (Keyless.CARD, "e1/3")


def test_a_space_that_failed_under_a_success_leaves_nothing() -> None:
    answer = {"success": True, "result": [SPACES[0], space("IM_ROBOT", "ann", None, success=False)]}
    assert keys_of(left_of(CARD, answer)) == ["k-group"]
    assert len(left_of(CARD, answer)) == 1


def test_a_card_whose_robot_is_not_named_says_so() -> None:
    asked = {"openSpaceId": "dtv1.card//IM_ROBOT.ann", "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT"}}
    (message,) = left_of(asked, {"success": True, "result": [space("IM_ROBOT", "ann", "k")]})
    assert isinstance(message, Message)
    assert (message.robot_code, message.recipients) == (UNKNOWN, ("ann",))


def test_union_ids_are_no_user_ids() -> None:
    asked = {"openSpaceId": "dtv1.card//IM_ROBOT.union", "userIdType": 2}
    (message,) = left_of(asked, {"result": [space("IM_ROBOT", "union", "k")]})
    assert isinstance(message, Message)
    assert message.recipients == ()


@pytest.mark.parametrize("name", ["cid1==", "dtv1.card//IM_GROUP.cid1==", "IM_GROUP.cid1=="])
def test_a_space_is_known_however_the_answer_names_it(name: str) -> None:
    (message,) = left_of({"openSpaceId": "dtv1.card//im_group.cid1=="}, {"result": [space("IM_GROUP", name, "k")]})
    assert isinstance(message, Message)
    assert (message.chat, message.open_conversation_id) == (Chat.GROUP, "cid1==")


def test_a_card_whose_request_cannot_be_read_is_recorded_by_what_its_answer_says() -> None:
    left = left_of({}, {"success": True, "result": SPACES})
    assert keys_of(left) == ["k-group", "k-robot", "k-private"]


@pytest.mark.parametrize("status", [None, 200, 500])
def test_a_card_without_an_answer_leaves_a_trace_for_each_space(status: int | None) -> None:
    left = left_of(CARD, b"", status=status)
    assert [one.kind for one in left if isinstance(one, KeylessSend)] == [Keyless.NO_KEY] * 4
    assert len({one.trace for one in left if isinstance(one, KeylessSend)}) == 4


@pytest.mark.parametrize(("status", "answer"), [(400, {"code": "param.outTrackIdEmpty"}), (200, {"success": False})])
def test_a_refused_card_leaves_nothing(status: int, answer: object) -> None:
    assert left_of(CARD, answer, status=status) == []


def test_what_a_card_says_is_never_kept() -> None:
    assert "secret" not in str(asked_of(CARD))
    assert "outTrackId" not in str(answered_of({"result": {"outTrackId": "x", "deliverResults": SPACES}}))


@pytest.mark.parametrize(
    ("path", "asked", "answer", "chat", "users"),
    [
        (OLD_CARD, {"conversationType": 0, "receiverUserIdList": ["ann"]}, "nested", Chat.ONE_TO_ONE, ("ann",)),
        (OLD_CARD, {"conversationType": 1, "openConversationId": "cid", "robotCode": "r"}, "nested", Chat.GROUP, ()),
        (OLD_ROBOT_CARD, {"singleChatReceiver": SINGLE, "robotCode": "r"}, "flat", Chat.ONE_TO_ONE, ("ann",)),
        (OLD_ROBOT_CARD, {"openConversationId": "cid", "robotCode": "r"}, "flat", Chat.GROUP, ()),
        (TEMPLATE_CARD, {"singleChatReceiver": SINGLE, "robotCode": "r"}, "flat", Chat.ONE_TO_ONE, ("ann",)),
        (TEMPLATE_CARD, {"openConversationId": "cid", "robotCode": "r"}, "flat", Chat.GROUP, ()),
        (PRIVATE_CARD, {"openConversationId": "cid", "robotCode": "r"}, "nested", Chat.PRIVATE, ()),
        (PRIVATE_CARD, {"receiverUserIdList": ["ann"], "robotCode": "r"}, "nested", Chat.PRIVATE, ("ann",)),
        (OLD_CARD, {"receiverUserIdList": ["union"], "userIdType": 2}, "nested", Chat.ONE_TO_ONE, ()),
    ],
)
def test_an_old_interactive_card_is_recorded_with_its_key(
    path: str, asked: dict[str, Any], answer: str, chat: Chat, users: tuple[str, ...]
) -> None:
    nested = {"success": True, "result": {"processQueryKey": "k"}}
    (message,) = left_of(asked, nested if answer == "nested" else {"processQueryKey": "k"}, path)
    assert isinstance(message, Message)
    assert (message.process_query_key, message.chat, message.recipients) == ("k", chat, users)
    assert message.robot_code == asked.get("robotCode", UNKNOWN)


@pytest.mark.parametrize("path", KEYLESS_PATHS)
def test_what_never_gets_a_key_leaves_a_trace_that_says_why_unless_it_was_refused(path: str) -> None:
    kind, parameter = KEYLESS_PATHS[path]
    assert send_path("POST", f"https://oapi.dingtalk.com{path}?{parameter}=x") == path
    (trace,) = left_of({"msgtype": "text"}, {"errcode": 0, "errmsg": "ok"}, path)
    assert isinstance(trace, KeylessSend)
    assert (trace.kind, trace.why) == (kind, kind.reason)
    assert left_of({}, {"errcode": 310000, "errmsg": "keywords not in content"}, path) == []


def test_a_work_notification_says_whom_it_was_for() -> None:
    path = "/topapi/message/corpconversation/asyncsend_v2"
    (trace,) = left_of({"agent_id": 1, "userid_list": "ann,bob"}, {"errcode": 0, "task_id": 7}, path)
    assert isinstance(trace, KeylessSend)
    assert (trace.chat, trace.recipients) == (Chat.ONE_TO_ONE, ("ann", "bob"))


def only(left: list[Message | KeylessSend]) -> Message:
    """Return the one message that was left behind."""
    (message,) = left
    assert isinstance(message, Message)
    return message


def test_a_space_without_a_name_in_the_answer_is_the_only_one_that_was_asked_for() -> None:
    asked = {"openSpaceId": "dtv1.card//IM_SINGLE.cid2==", "robotCode": "dingbot"}
    message = only(left_of(asked, {"result": [{"success": True, "carrierId": "k"}]}))
    assert (message.chat, message.open_conversation_id, message.robot_code) == (Chat.PRIVATE, "cid2==", "dingbot")


def test_of_two_spaces_of_one_conversation_the_one_for_messages_has_the_key() -> None:
    asked = {"openSpaceId": "dtv1.card//ONE_BOX.cid==;IM_SINGLE.cid=="}
    message = only(left_of(asked, {"result": [space("IM", "cid==", "k")]}))
    assert (message.chat, message.open_conversation_id) == (Chat.PRIVATE, "cid==")


@pytest.mark.parametrize("kind", ["ONE_BOX", "COOP", ""])
def test_a_carrier_id_of_what_is_no_chat_is_no_key(kind: str) -> None:
    asked = {"openSpaceId": "dtv1.card//ONE_BOX.cid3=="}
    (trace,) = left_of(asked, {"result": [space(kind, "ONE_BOX.cid3==" if kind == "ONE_BOX" else "x", "no-key")]})
    assert isinstance(trace, KeylessSend)
    assert (trace.kind, trace.chat, trace.recipients) == (Keyless.CARD, Chat.ONE_TO_ONE, ())


def test_each_space_has_the_robot_that_its_own_model_names() -> None:
    asked = {
        "openSpaceId": "dtv1.card//IM_GROUP.cid1==;IM_ROBOT.ann",
        "robotCode": "of-the-call",
        "imGroupOpenDeliverModel": {"robotCode": "of-groups"},
        "imRobotOpenDeliverModel": {"robotCode": "of-people"},
    }
    group, person = left_of(asked, {"result": [SPACES[0], SPACES[1]]})
    assert (group.robot_code, person.robot_code) == ("of-groups", "of-people")


def test_what_cannot_be_read_of_an_answer_hides_no_space_after_it() -> None:
    failed = space("IM_ROBOT", "ann", None, success=False)
    assert keys_of(left_of(CARD, {"result": [None, failed, "x", SPACES[0]]})) == ["k-group"]


def test_a_trace_keeps_what_is_known_of_its_send() -> None:
    exchange = Exchange(
        id="e1",
        path=CREATE_AND_DELIVER,
        asked=asked_of({"openSpaceId": "dtv1.card//IM_GROUP.cid1==", "robotCode": "dingbot"}),
        sent_at=NOW,
        campaign="spring",
        source="hr",
        trouble="ReadTimeout",
    )
    (trace,) = outcomes_of(exchange)
    assert isinstance(trace, KeylessSend)
    assert (trace.trace, trace.robot_code, trace.sent_at) == ("e1", "dingbot", NOW)
    assert (trace.chat, trace.open_conversation_id) == (Chat.GROUP, "cid1==")
    assert (trace.campaign, trace.source, trace.why, trace.kind) == ("spring", "hr", "ReadTimeout", Keyless.NO_KEY)


def test_a_card_that_names_no_space_leaves_a_trace_of_a_chat_with_a_person() -> None:
    (trace,) = left_of({}, {"success": True})
    assert (trace.chat, trace.open_conversation_id, trace.recipients) == (Chat.ONE_TO_ONE, None, ())


@pytest.mark.parametrize("name", ["dtv1.card//", "dtv1.card//IM_GROUP", "IM_GROUP."])
def test_a_space_whose_name_says_no_id_is_recorded_as_it_was_named(name: str) -> None:
    message = only(left_of({"openSpaceId": "dtv1.card//IM_GROUP.cid1=="}, {"result": [space("IM_GROUP", name, "k")]}))
    assert (message.process_query_key, message.chat, message.open_conversation_id) == ("k", Chat.GROUP, name)


def test_a_space_that_nobody_asked_for_is_not_taken_for_the_one_that_was() -> None:
    answer = {"result": [SPACES[0], space("IM_ROBOT", "ann", "k-robot")]}
    group, person = left_of({"openSpaceId": "dtv1.card//IM_GROUP.cid1=="}, answer)
    assert (group.chat, group.open_conversation_id) == (Chat.GROUP, "cid1==")
    assert (person.chat, person.recipients) == (Chat.ONE_TO_ONE, ("ann",))


def test_a_dot_in_the_id_of_a_user_belongs_to_it() -> None:
    (trace,) = left_of({"openSpaceId": "dtv1.card//IM_ROBOT.ann.lee"}, b"", status=None)
    assert trace.recipients == ("ann.lee",)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (CREATE_AND_DELIVER, {"openSpaceId": "dtv1.card//IM_ROBOT.ann"}),
        ("/v1.0/robot/oToMessages/batchSend", {"userIds": ["ann"], "openConversationId": "cid1=="}),
    ],
)
def test_what_a_person_got_alone_is_in_no_conversation_although_it_has_no_key(path: str, asked: dict[str, Any]) -> None:
    (trace,) = left_of(asked, b"", path, status=None)
    assert isinstance(trace, KeylessSend)
    assert (trace.chat, trace.open_conversation_id, trace.recipients) == (Chat.ONE_TO_ONE, None, ("ann",))
