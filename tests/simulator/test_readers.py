"""Who has read a message in a conversation: readers alone, a page at a time, and all ways in which answers can lack."""

from typing import Any

import pytest

from ledger.simulator import Behaviour, Chat, ReadsAfterRecall, Reply

from .worlds import ROBOT, Caller, code_of

QUERIES = {
    Chat.GROUP: "/v1.0/robot/groupMessages/query",
    Chat.PRIVATE: "/v1.0/robot/privateChatMessages/query",
}
READERS = frozenset(f"user{number:03}" for number in range(5))


def ask(caller: Caller, key: str, chat: Chat = Chat.GROUP, **fields: Any) -> Reply:
    body: dict[str, Any] = {"robotCode": ROBOT, "openConversationId": "cid", "processQueryKey": key, "maxResults": 200}
    return caller.post(QUERIES[chat], {name: value for name, value in (body | fields).items() if value is not None})


def a_message(caller: Caller, chat: Chat = Chat.GROUP, users: tuple[str, ...] = ()) -> str:
    (key,) = caller.world.make_messages(1, robot_code=ROBOT, chat=chat, conversation="cid", users=users)
    return key


@pytest.mark.parametrize("chat", list(QUERIES))
def test_readers_alone_are_told_a_page_at_a_time(chat: Chat) -> None:
    caller = Caller(Behaviour(readers=READERS))
    key, seen, token = a_message(caller, chat), list[str](), None
    for size in (2, 2, 1):
        page = ask(caller, key, chat, maxResults=2, nextToken=token).json()
        assert (page["sendStatus"], len(page["readUserIds"])) == ("SUCCESS", size)
        seen, token = seen + page["readUserIds"], page["nextToken"]
        assert page["hasMore"] is bool(token)
    assert seen == sorted(READERS)


def test_of_a_message_whose_members_are_known_only_they_can_be_readers() -> None:
    caller = Caller(Behaviour(readers=READERS | {"nobody"}))
    page = ask(caller, a_message(caller, users=("user001", "other"))).json()
    assert page["readUserIds"] == ["user001"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"processQueryKey": None}, "invalidParameter.processQueryKey.missing"),
        ({"processQueryKey": "other"}, "invalid.processQueryKey"),
        ({"openConversationId": None}, "miss.openConversationId"),
        ({"openConversationId": "other"}, "resource.not.found"),
        ({"robotCode": "other"}, "unauthorized"),
        ({"maxResults": 201}, "invalidParameter.pageSize.invalid"),
        ({"nextToken": "made up"}, "invalidParameter.cursor.invalid"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_code(fields: dict[str, Any], code: str) -> None:
    caller = Caller(Behaviour(readers=READERS))
    assert code_of(ask(caller, a_message(caller), **fields)) == (400, code)


def test_what_is_empty_may_be_null_and_what_is_there_may_be_left_out() -> None:
    caller = Caller(Behaviour(null_fields=True, misspelt_success=True))
    key = a_message(caller)
    assert ask(caller, key).json() == {
        "sendStatus": "SUCESS",
        "readUserIds": None,
        "hasMore": None,
        "nextToken": None,
    }
    caller.world.change(reads_leave_out=["readUserIds", "sendStatus"], null_fields=False, names_union_ids=True)
    assert ask(caller, key).json() == {"hasMore": False, "nextToken": "", "readUsers": []}


@pytest.mark.parametrize("after", list(ReadsAfterRecall))
def test_after_a_recall_readers_are_told_or_nobody_or_nothing(after: ReadsAfterRecall) -> None:
    caller = Caller(Behaviour(readers=READERS, reads_after_recall=after))
    key = a_message(caller)
    caller.world.change(second_recall="success")
    caller.post(
        "/v1.0/robot/groupMessages/recall", {"robotCode": ROBOT, "openConversationId": "cid", "processQueryKeys": [key]}
    )
    reply = ask(caller, key)
    if after is ReadsAfterRecall.EXPIRED_400:
        assert code_of(reply) == (400, "processQueryKey.expireTime")
        return
    readers = sorted(READERS) if after is ReadsAfterRecall.READERS else []
    assert (reply.json()["sendStatus"], reply.json()["readUserIds"]) == ("RECALLED", readers)
    caller.world.change(still_there=[key])
    assert ask(caller, key).json()["sendStatus"] == "SUCCESS"
