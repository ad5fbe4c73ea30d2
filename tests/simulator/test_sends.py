"""What a send answers and which message it leaves behind."""

import base64

import pytest

from ledger.simulator import Behaviour, Chat, Request

from .worlds import OTO_SEND, ROBOT, Caller, code_of


def test_one_key_stands_for_all_users_of_a_call() -> None:
    caller = Caller()
    answer = caller.send(["u1", "u2"]).json()
    (message,) = caller.world.messages()
    assert answer == {"processQueryKey": message.key, "invalidStaffIdList": [], "flowControlledStaffIdList": []}
    assert (message.users, message.robot_code, message.sent_at) == (("u1", "u2"), ROBOT, caller.clock())


def test_a_key_is_44_characters_of_base64_that_need_encoding() -> None:
    for key in Caller().world.make_keys(200):
        assert len(key) == 44
        assert {"+", "/", "="} <= set(key)
        assert len(base64.b64decode(key, validate=True)) == 32


def test_users_who_cannot_be_reached_are_named_by_kind_and_left_out() -> None:
    rules = Behaviour(
        invalid_users=frozenset({"i"}), flow_controlled_users=frozenset({"f"}), filtered_users=frozenset({"x"})
    )
    caller = Caller(rules)
    answer = caller.send(["i", "f", "x", "ok"]).json()
    assert answer["invalidStaffIdList"] == ["i"]
    assert answer["flowControlledStaffIdList"] == ["f"]
    assert answer["filteredStaffIdList"] == ["x"]
    assert caller.world.messages()[0].users == ("ok",)


def test_an_unknown_user_sinks_the_whole_call() -> None:
    caller = Caller(Behaviour(unknown_users=frozenset({"nobody"})))
    assert code_of(caller.send(["u1", "nobody"])) == (400, "staffId.notExisted")
    assert caller.world.messages() == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"userIds": []}, "invalidParameter.userIds.empty"),
        ({"userIds": [f"u{i}" for i in range(21)]}, "invalidParameter.userIds.overMax"),
        ({"robotCode": ""}, "invalidParameter.robotCode.empty"),
        ({"msgKey": None}, "invalidParameter.msgKey.empty"),
        ({"msgParam": "no JSON"}, "invalidParameter.msgParam.invalid"),
    ],
)
def test_a_send_that_is_not_whole_is_refused(fields: dict[str, object], code: str) -> None:
    assert code_of(Caller().send(**{"users": ["u1"], **fields})) == (400, code)


@pytest.mark.parametrize(("path", "chat"), [("groupMessages", Chat.GROUP), ("privateChatMessages", Chat.PRIVATE)])
def test_a_send_to_a_conversation_answers_the_key_alone(path: str, chat: Chat) -> None:
    caller = Caller()
    body = {"robotCode": ROBOT, "openConversationId": "cid", "msgKey": "sampleText", "msgParam": "{}"}
    answer = caller.post(f"/v1.0/robot/{path}/send", body).json()
    (message,) = caller.world.messages()
    assert answer == {"processQueryKey": message.key}
    assert (message.chat, message.conversation) == (chat, "cid")


def test_a_body_that_is_no_json_is_an_invalid_parameter() -> None:
    caller = Caller()
    request = Request.of("POST", OTO_SEND, {"X-Acs-Dingtalk-Access-Token": caller.token}, b"{")
    assert code_of(caller.world.handle(request)) == (400, "invalidParameter.param.invalid")


def test_the_same_seed_makes_the_same_world() -> None:
    assert Caller().send().body == Caller().send().body


@pytest.mark.parametrize(
    ("rules", "fields", "code"),
    [
        (Behaviour(illegal_users=frozenset({"u1"})), {}, "illegal.receivers"),
        (Behaviour(robots_without_chats=frozenset({ROBOT})), {}, "robot.oto.notExist"),
        (
            Behaviour(unsafe_texts=frozenset({"evil.example"})),
            {"msgParam": '{"content": "evil.example"}'},
            "contain.unsafe.url",
        ),
        (Behaviour(), {"msgParam": '"' + "x" * 15_000 + '"'}, "invalidParameter.msgParam.tooLong"),
    ],
)
def test_a_send_is_refused_for_whom_it_is_for_who_sends_and_what_it_says(
    rules: Behaviour, fields: dict[str, str], code: str
) -> None:
    caller = Caller(rules)
    assert code_of(caller.send(["u1", "u2"], **fields)) == (400, code)
    assert caller.world.messages() == []


def test_what_each_user_got_is_counted_of_a_robot_or_a_template() -> None:
    caller = Caller(Behaviour(invalid_users=frozenset({"i"})))
    caller.send(["u1", "u2", "i"])
    caller.send(["u1"], msgKey="sampleMarkdown")
    assert caller.world.received() == {"u1": 2, "u2": 1}
    assert caller.world.received(msg_key="sampleText") == {"u1": 1, "u2": 1}
    assert not caller.world.received("another robot")
