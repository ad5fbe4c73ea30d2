"""Stream connections of the pretend DingTalk: tickets, whom a push goes to, when it comes again."""

import json
from datetime import timedelta

import pytest

from ledger.clock import FakeClock
from ledger.simulator import Request, World

OPEN = "/v1.0/gateway/connections/open"
WANTED = {"clientId": "dingapp", "clientSecret": "secret", "subscriptions": [{"type": "EVENT", "topic": "*"}]}


@pytest.fixture
def listened(world: World) -> World:
    world.listen(lambda: "ws://127.0.0.1:1/connect", lambda: None)
    return world


def ticket(world: World) -> str:
    reply = world.handle(Request.post(OPEN, WANTED))
    assert reply.status == 200
    return str(reply.json()["ticket"])


def connected(world: World) -> int:
    number = world.stream_enter(ticket(world))
    assert number is not None
    world.stream_is_open(number)
    return number


def test_a_ticket_is_for_one_connection_within_90_seconds(listened: World, clock: FakeClock) -> None:
    one, late = ticket(listened), ticket(listened)
    assert listened.stream_enter(one) is not None
    assert listened.stream_enter(one) is None
    clock.advance(timedelta(seconds=90))
    assert listened.stream_enter(late) is None


def test_wrong_secrets_and_strange_subscriptions_are_refused(listened: World) -> None:
    listened.configure(apps={"dingapp": "secret"})
    wrong = listened.handle(Request.post(OPEN, {**WANTED, "clientSecret": "wrong"}))
    assert (wrong.status, wrong.json()["code"]) == (401, "authFailed")
    assert listened.handle(Request.post(OPEN, {**WANTED, "subscriptions": "all"})).status == 400


def test_without_anybody_who_listens_there_is_no_connection(world: World) -> None:
    assert world.handle(Request.post(OPEN, WANTED)).status == 503


def test_a_push_goes_to_one_connection_and_comes_again_after_10_and_30_seconds(
    listened: World, clock: FakeClock
) -> None:
    numbers = {connected(listened), connected(listened)}
    listened.push_event("robot_msg_read", "key", "ann")
    sent = []
    for seconds in (0, 9, 1, 29, 1, 1000):
        clock.advance(timedelta(seconds=seconds))
        sent.append([number for number, _ in listened.stream_due()])
    assert [len(some) for some in sent] == [1, 0, 1, 0, 1, 0]
    assert {number for some in sent for number in some} <= numbers


def test_what_is_acknowledged_does_not_come_again_and_later_does(listened: World, clock: FakeClock) -> None:
    number = connected(listened)
    for status in ("SUCCESS", "LATER"):
        listened.push_event("robot_msg_read", status, "ann")
        ((_, text),) = listened.stream_due()
        headers = {"messageId": json.loads(text)["headers"]["messageId"]}
        said = {"code": 200, "headers": headers, "data": json.dumps({"status": status})}
        listened.stream_answer(number, json.dumps(said))
    clock.advance(timedelta(seconds=10))
    ((_, text),) = listened.stream_due()
    assert json.loads(json.loads(text)["data"])["data"]["processQueryKey"] == "LATER"


def test_who_is_told_to_go_gets_nothing_more_and_is_shut_after_10_seconds(listened: World, clock: FakeClock) -> None:
    first, second = connected(listened), connected(listened)
    listened.push_system("disconnect")
    assert sorted(number for number, _ in listened.stream_due()) == [first, second]
    third = connected(listened)
    for number in range(5):
        listened.push_event("robot_msg_read", f"k-{number}", "ann")
    assert {number for number, _ in listened.stream_due()} == {third}
    assert listened.stream_shut() == []
    clock.advance(timedelta(seconds=10))
    assert listened.stream_shut() == [first, second]


def test_a_recall_by_the_api_pushes_events_only_where_that_is_wanted(listened: World) -> None:
    keys = listened.make_messages(2, robot_code="robot-1", users=("ann", "bob"))
    token = listened.issue_token("dingapp")
    for key, wanted in zip(keys, (False, True), strict=True):
        listened.change(recall_pushes_events=wanted)
        body = {"robotCode": "robot-1", "processQueryKeys": [key]}
        assert listened.handle(Request.post("/v1.0/robot/otoMessages/batchRecall", body, token=token)).status == 200
    said = [json.loads(json.loads(push.text)["data"])["data"] for push in listened.pushes()]
    assert [(one["processQueryKey"], one["userId"]) for one in said] == [(keys[1], "ann"), (keys[1], "bob")]
