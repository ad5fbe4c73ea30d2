"""The management door over real HTTP: looking, changing, seeding, scripting."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ledger.simulator import Behaviour, Simulator

from .worlds import OTO_RECALL, ROBOT


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A running simulator."""
    with Simulator(seed=1) as running:
        yield running


@pytest.fixture
def door(simulator: Simulator) -> Iterator[httpx.Client]:
    """A caller at its management door."""
    with httpx.Client(base_url=f"{simulator.url}/_simulator/") as client:
        yield client


def recall(simulator: Simulator, keys: list[str]) -> Any:
    """Recall keys as an app; return the answer."""
    headers = {"x-acs-dingtalk-access-token": simulator.world.issue_token()}
    body = {"robotCode": ROBOT, "processQueryKeys": keys}
    return httpx.post(simulator.url + OTO_RECALL, json=body, headers=headers).json()


def test_messages_can_be_seeded_as_if_sent_hours_ago(simulator: Simulator, door: httpx.Client) -> None:
    sent_at = datetime.now(UTC) - timedelta(hours=25)
    message = {"key": "a+/=", "robotCode": ROBOT, "userIds": ["u1"], "sentAt": sent_at.isoformat()}
    assert door.post("messages", json={"messages": [message]}).json() == {"seeded": 1, "keys": ["a+/="]}
    assert recall(simulator, ["a+/="])["code"] == "robot.processQueryKey.expired"
    shown = door.get("messages").json()
    assert shown["total"] == 1
    assert shown["recalled"] == 0
    assert shown["messages"] == [
        {
            **message,
            **dict.fromkeys(("openConversationId", "app", "recalledAt", "msgKey", "msgParam")),
            "chat": "one_on_one",
        }
    ]


def test_many_messages_can_share_everything_but_their_key(simulator: Simulator, door: httpx.Client) -> None:
    shared = {"robotCode": ROBOT, "openConversationId": "cid", "userIds": ["u1"]}
    door.post("messages", json={"keys": ["a", "b"], **shared})
    made = door.post("messages", json={"count": 3, **shared}).json()["keys"]
    assert [message.key for message in simulator.world.messages()] == ["a", "b", *made]
    assert {message.chat for message in simulator.world.messages()} == {"group"}


def test_messages_can_be_filtered_and_aged(simulator: Simulator, door: httpx.Client) -> None:
    door.post("messages", json={"keys": ["a", "b"], "robotCode": ROBOT})
    assert door.post("age", json={"seconds": 90_000, "keys": ["a"]}).json() == {"aged": 1}
    assert recall(simulator, ["a"])["code"] == "robot.processQueryKey.expired"
    assert recall(simulator, ["b"])["successResult"] == ["b"]
    (shown,) = door.get("messages", params={"key": "b", "robotCode": ROBOT, "limit": 1}).json()["messages"]
    assert shown["recalledAt"] is not None


def test_the_calls_are_shown_with_their_counts(simulator: Simulator, door: httpx.Client) -> None:
    simulator.world.make_messages(1, robot_code=ROBOT)
    recall(simulator, ["x"])
    recall(simulator, [])
    shown = door.get("calls", params={"path": OTO_RECALL, "limit": "1"}).json()
    assert shown["total"] == 2
    assert shown["by_path"] == {OTO_RECALL: 2}
    assert shown["by_code"] == {"invalid.processQueryKey": 1, "invalidParameter.processQueryKey.missing": 1}
    assert shown["busiest_second"][OTO_RECALL] in (1, 2)
    (call,) = shown["calls"]
    assert call["code"] == "invalidParameter.processQueryKey.missing"
    assert call["app"] == "dingapp"


def test_the_management_door_is_never_counted(door: httpx.Client) -> None:
    for _ in range(3):
        assert door.get("calls").json()["total"] == 0


def test_the_behaviour_changes_field_by_field(simulator: Simulator, door: httpx.Client) -> None:
    wishes: dict[str, Any] = {
        "bad_key": "in_failed_result",
        "silent_keys": ["k"],
        "failed_reasons": {"a": "SYSTEM_ERROR", "b": {"reason": "later", "times": 1}},
        "calls_per_second": None,
        "latency_seconds": 0,
    }
    shown = door.post("behaviour", json=wishes).json()
    assert shown == door.get("behaviour").json()
    assert shown["failed_reasons"]["b"] == {"reason": "later", "times": 1}
    assert shown["second_recall"] == "success"
    assert simulator.world.behaviour.silent_keys == frozenset({"k"})
    assert simulator.world.behaviour.calls_per_second is None


@pytest.mark.parametrize(
    ("wish", "hint"),
    [
        ({"latency_secnds": 1}, "did you mean 'latency_seconds'?"),
        ({"bad_key": "whole_call"}, "did you mean 'whole_call_400'?"),
        ({"null_fields": 1}, "null_fields has to be bool"),
        ({"calls_per_second": True}, "calls_per_second has to be int"),
        ({"silent_keys": "k"}, "silent_keys has to be a list"),
        ({"failed_reasons": ["k"]}, "failed_reasons has to map"),
        ({"failed_reasons": {"k": {"reson": "x"}}}, "did you mean 'reason'?"),
        ({"zzz": 1}, "it has bad_key,"),
    ],
)
def test_a_wrong_wish_is_a_400_that_says_what_was_meant(door: httpx.Client, wish: object, hint: str) -> None:
    answer = door.post("behaviour", json=wish)
    assert answer.status_code == 400
    assert hint in answer.json()["error"]


def test_tokens_can_be_revoked_through_the_door(simulator: Simulator, door: httpx.Client) -> None:
    token = simulator.world.issue_token()
    assert door.post("behaviour", json={"revoke_tokens": True}).status_code == 200
    assert simulator.world.issue_token() != token


def test_answers_can_be_queued_by_code_or_by_hand(simulator: Simulator, door: httpx.Client) -> None:
    answers = [{"code": "system.busy", "path": OTO_RECALL}, {"status": 200, "body": {}, "times": 2}]
    assert door.post("answers", json={"answers": answers}).json() == {"waiting": 3}
    assert recall(simulator, ["k"])["code"] == "system.busy"
    assert recall(simulator, ["k"]) == {}
    assert door.post("answers", json={"cut": "after_work"}).json() == {"waiting": 2}


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ({"cut": "before"}, "did you mean 'before_work'?"),
        ({"code": "system.eror"}, "did you mean 'system.error'?"),
        ({"stauts": 500}, "did you mean 'status'?"),
        ({"status": "500"}, "status has to be int"),
    ],
)
def test_a_wrong_answer_is_not_queued(door: httpx.Client, answer: object, hint: str) -> None:
    assert hint in door.post("answers", json=answer).json()["error"]


@pytest.mark.parametrize(
    "seed",
    [
        {"messages": [{"key": "k"}]},
        {"messages": [{"key": "k", "robotCode": "r", "sentAt": "2026-03-01T10:00:00"}]},
        {"keys": ["k"], "robotcode": "r"},
        {"messages": "all"},
        {"keys": "k", "robotCode": "r"},
        {"count": "many", "robotCode": "r"},
    ],
)
def test_a_message_that_is_not_whole_is_not_seeded(simulator: Simulator, door: httpx.Client, seed: object) -> None:
    assert door.post("messages", json=seed).status_code == 400
    assert simulator.world.messages() == []


def test_apps_and_robots_can_be_configured(simulator: Simulator, door: httpx.Client) -> None:
    assert door.post("apps", json={"apps": {"a": "s"}, "robots": ["r"]}).status_code == 200
    wrong = httpx.post(f"{simulator.url}/v1.0/oauth2/accessToken", json={"appKey": "b", "appSecret": "s"})
    assert wrong.json()["code"] == "invalidClientIdOrSecret"
    assert recall(simulator, ["k"])["code"] == "invalidParameter.robotCode"


def test_a_reset_starts_over(simulator: Simulator, door: httpx.Client) -> None:
    simulator.world.change(null_fields=True)
    assert door.post("reset", json={}).json() == {"reset": True}
    assert simulator.world.behaviour == Behaviour()


def test_a_wrong_door_names_the_right_ones(door: httpx.Client) -> None:
    answer = door.get("call")
    assert answer.status_code == 404
    assert "did you mean 'GET /_simulator/calls'?" in answer.json()["error"]


def test_a_body_that_is_no_object_is_refused(door: httpx.Client) -> None:
    assert door.post("reset", content=b"[").status_code == 400
    assert door.post("reset").status_code == 200
