"""What a recall answers, for good keys, bad keys and every choice that the documentation leaves open."""

from datetime import timedelta
from typing import Any

import pytest

from ledger.simulator import BadKey, Behaviour, Chat, Message, SecondRecall

from .worlds import ROBOT, Caller, code_of

DAY = timedelta(hours=24)
LENIENT = Behaviour(bad_key=BadKey.IN_FAILED_RESULT)


def test_a_recalled_message_is_named_and_marked() -> None:
    caller = Caller()
    (key,) = caller.keys()
    assert caller.recall([key]).json() == {"successResult": [key], "failedResult": {}}
    message = caller.world.message(key)
    assert message is not None
    assert message.recalled_at == caller.clock()


def test_twenty_keys_are_allowed_and_one_more_is_not() -> None:
    caller = Caller()
    keys = caller.keys(21)
    assert code_of(caller.recall(keys)) == (400, "invalidParameter.processQueryKeys.overMax")
    assert caller.recall(keys[:20]).json()["successResult"] == keys[:20]


@pytest.mark.parametrize("keys", [None, []])
def test_no_key_at_all_is_missing(keys: object) -> None:
    assert code_of(Caller().recall(keys)) == (400, "invalidParameter.processQueryKey.missing")


@pytest.mark.parametrize("keys", ["text", [""], [7]])
def test_keys_that_are_no_texts_are_invalid(keys: object) -> None:
    assert code_of(Caller().recall(keys)) == (400, "invalidParameter.param.invalid")


def test_an_empty_robot_code_is_an_invalid_parameter() -> None:
    caller = Caller()
    assert code_of(caller.recall(caller.keys(), robot="")) == (400, "invalidParameter.param.invalid")


def test_a_robot_that_the_organisation_does_not_have_is_refused() -> None:
    caller = Caller(robots=[ROBOT])
    assert code_of(caller.recall(caller.keys(), robot="other")) == (400, "invalidParameter.robotCode")


def test_a_key_of_another_robot_is_not_allowed() -> None:
    caller = Caller()
    assert code_of(caller.recall(caller.keys(), robot="other")) == (400, "not.allowed.robotCode")


def test_a_key_of_another_app_is_invalid() -> None:
    caller = Caller()
    key = caller.send().json()["processQueryKey"]
    caller.token = caller.world.issue_token("another")
    assert code_of(caller.recall([key])) == (400, "invalid.processQueryKey")


def test_a_bad_key_sinks_the_whole_call_and_changes_nothing() -> None:
    caller = Caller()
    (key,) = caller.keys()
    assert code_of(caller.recall([key, "unknown"])) == (400, "invalid.processQueryKey")
    assert caller.world.messages()[0].recalled_at is None


def test_a_bad_key_can_fail_alone() -> None:
    caller = Caller(LENIENT)
    (key,) = caller.keys()
    expected = {"successResult": [key], "failedResult": {"unknown": "invalid.processQueryKey"}}
    assert caller.recall([key, "unknown"]).json() == expected


def test_a_key_that_is_exactly_24_hours_old_is_recalled_by_default() -> None:
    caller = Caller()
    assert caller.recall(caller.keys(age=DAY)).status == 200


def test_the_last_instant_can_be_too_late() -> None:
    caller = Caller(Behaviour(last_instant_counts=False))
    assert code_of(caller.recall(caller.keys(age=DAY))) == (400, "robot.processQueryKey.expired")


def test_a_key_older_than_24_hours_answers_expired() -> None:
    caller = Caller()
    keys = caller.keys(age=DAY + timedelta(microseconds=1))
    assert code_of(caller.recall(keys)) == (400, "robot.processQueryKey.expired")


def test_the_window_of_group_messages_can_be_lifted() -> None:
    caller = Caller(Behaviour(group_recall_window_seconds=None))
    keys = caller.keys(age=3 * DAY, chat=Chat.GROUP)
    assert in_conversation(caller, "groupMessages/recall", keys) == (200, None)


@pytest.mark.parametrize(
    ("path", "chat"), [("groupMessages/recall", Chat.GROUP), ("privateChatMessages/batchRecall", Chat.PRIVATE)]
)
def test_a_message_of_a_conversation_is_recalled_in_its_own_chat_only(path: str, chat: Chat) -> None:
    caller = Caller()
    keys = caller.keys(chat=chat)
    assert in_conversation(caller, path, keys, conversation="elsewhere") == (400, "invalid.processQueryKey")
    assert in_conversation(caller, path, keys, conversation="") == (400, "invalidParameter.param.invalid")
    assert code_of(caller.recall(keys)) == (400, "invalid.processQueryKey")
    assert in_conversation(caller, path, keys) == (200, None)


def test_the_path_of_the_recall_has_a_lower_case_t() -> None:
    caller = Caller()
    assert code_of(caller.post("/v1.0/robot/oToMessages/batchRecall", {})) == (404, "InvalidAction.NotFound")


def test_a_second_recall_succeeds_by_default_and_keeps_the_first_time() -> None:
    caller = Caller()
    keys, first = caller.keys(), caller.clock()
    caller.recall(keys)
    caller.clock.advance(5)
    assert caller.recall(keys).json()["successResult"] == keys
    assert caller.world.messages()[0].recalled_at == first


def test_a_second_recall_can_fail_with_a_reason() -> None:
    caller = Caller(Behaviour(second_recall=SecondRecall.FAILED_RESULT, second_recall_reason="gone"))
    (key,) = caller.keys()
    caller.recall([key])
    assert caller.recall([key]).json()["failedResult"] == {key: "gone"}


@pytest.mark.parametrize("bad_key", list(BadKey))
def test_a_second_recall_can_be_an_invalid_key_whatever_other_bad_keys_do(bad_key: BadKey) -> None:
    caller = Caller(Behaviour(second_recall=SecondRecall.INVALID_KEY_400, bad_key=bad_key))
    keys = caller.keys()
    caller.recall(keys)
    assert code_of(caller.recall(keys)) == (400, "invalid.processQueryKey")


def test_a_key_is_not_ready_for_a_moment_after_its_send() -> None:
    caller = Caller(Behaviour(not_ready_seconds=2))
    key = caller.send().json()["processQueryKey"]
    assert code_of(caller.recall([key])) == (400, "invalid.processQueryKey")
    caller.clock.advance(2)
    assert caller.recall([key]).json()["successResult"] == [key]


@pytest.mark.parametrize("recalled", [False, True])
def test_a_silent_key_is_in_neither_list(recalled: bool) -> None:
    caller = Caller()
    named, silent = caller.keys(2)
    caller.world.change(silent_keys=[silent], silent_keys_are_recalled=recalled)
    assert caller.recall([named, silent]).json() == {"successResult": [named], "failedResult": {}}
    assert (caller.world.messages()[1].recalled_at is not None) is recalled


def test_the_next_keys_can_be_silent() -> None:
    caller = Caller(Behaviour(silent_next=2))
    keys = caller.keys(3)
    assert caller.recall(keys).json()["successResult"] == keys[2:]


def test_empty_results_can_be_null() -> None:
    caller = Caller(Behaviour(null_fields=True))
    keys = caller.keys()
    assert caller.recall(keys).json() == {"successResult": keys, "failedResult": None}
    caller.world.change(failed_reasons={"*": "SYSTEM_ERROR"})
    assert caller.recall(keys).json()["successResult"] is None


def test_a_reason_is_given_verbatim_for_the_first_asks_only() -> None:
    caller = Caller()
    (key,) = caller.keys()
    caller.world.change(failed_reasons={key: {"reason": "somehow: 失败", "times": 2}})
    answers = [caller.recall([key]).json()["failedResult"] for _ in range(3)]
    assert answers == [{key: "somehow: 失败"}, {key: "somehow: 失败"}, {}]


def test_a_key_that_is_named_twice_is_recalled_once() -> None:
    caller = Caller()
    (key,) = caller.keys()
    assert caller.recall([key, key]).json()["successResult"] == [key]


def test_seeded_messages_can_be_given_whole() -> None:
    caller = Caller()
    caller.world.seed_messages([Message(key="k+/=", robot_code=ROBOT, sent_at=caller.clock())])
    assert caller.recall(["k+/="]).json()["successResult"] == ["k+/="]


def test_aged_messages_expire() -> None:
    caller = Caller()
    keys = caller.keys(2)
    assert caller.world.age_messages(DAY, keys[:1]) == 1
    assert code_of(caller.recall(keys[:1])) == (400, "robot.processQueryKey.expired")
    assert caller.recall(keys[1:]).status == 200


def in_conversation(caller: Caller, path: str, keys: list[str], conversation: str = "cid") -> tuple[int, Any]:
    """Recall in a conversation; return the status and the code of an error, if any."""
    body = {"robotCode": ROBOT, "openConversationId": conversation, "processQueryKeys": keys}
    reply = caller.post(f"/v1.0/robot/{path}", body)
    return reply.status, reply.json().get("code")
