"""A recall over HTTP, from plan to report: run by the worker of the service, or waiting for another one."""

import json
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.sending import send

from .conftest import ServeLedger, Service

SPRING = {"campaign": "spring", "reason": "wrong link"}


def planned(client: httpx.Client, **fields: Any) -> int:
    answer = client.post("/v1/recalls", json={**SPRING, **fields})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["recall_id"])


def followed(client: httpx.Client, recall_id: int) -> list[dict[str, Any]]:
    """Follow a recall to its end; return the states that were shown."""
    with client.stream("GET", f"/v1/recalls/{recall_id}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in events.iter_lines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_the_worker_of_the_service_makes_the_calls_and_everybody_can_watch(
    serve_ledger: ServeLedger, world: World
) -> None:
    service = serve_ledger(with_worker=True)
    send(service.book, world, 45)
    with service.signed_up(Role.OPERATOR, name="wang") as wang:
        answer = wang.post("/v1/recalls", json=SPRING)
        plan = answer.json()
        assert (answer.status_code, plan["status"], plan["eligible"], plan["calls"]) == (201, "planned", 45, 3)
        assert (plan["approval"], [call for call in world.calls() if call.keys]) == (None, [])
        started = wang.post(f"/v1/recalls/{plan['recall_id']}/run")
        assert started.status_code == 202
        last = followed(wang, plan["recall_id"])[-1]
        assert (last["status"], last["recalled"], last["actor"]) == ("finished", 45, "wang")
        whole = wang.get(f"/v1/recalls/{plan['recall_id']}").json()
    assert whole["selection"] == {"campaign": "spring"}
    assert [one["event"] for one in whole["timeline"]] == ["planned", "started", "finished"]
    assert all(message.recalled_at for message in world.messages())


def test_who_comes_back_to_a_recall_that_is_over_is_told_to_stop(service: Service, world: World) -> None:
    send(service.book, world, 1)
    plan = service.book.plan(campaign="spring", reason="wrong link")
    service.book.run(plan)
    address = f"/v1/recalls/{plan.recall_id}/events"
    with service.client() as client:
        first = client.get(address).text
        (seen,) = [line.removeprefix("id: ") for line in first.splitlines() if line.startswith("id: ")]
        assert client.get(address, headers={"Last-Event-ID": seen}).status_code == 204
        assert "event: progress" in client.get(address, headers={"Last-Event-ID": "before"}).text


def test_what_is_followed_ends_at_once_when_the_token_is_revoked(service: Service, world: World) -> None:
    send(service.book, world, 1)
    number = service.book.plan(campaign="spring", reason="wrong link").recall_id
    with (
        service.signed_up(Role.AUDITOR, name="li") as li,
        li.stream("GET", f"/v1/recalls/{number}/events") as events,
    ):
        lines = events.iter_lines()
        assert any(line.startswith("data: ") for line in lines)
        service.book.parts.service_tokens.revoke("li", actor="tester")
        started = time.monotonic()
        assert not [line for line in lines if line.startswith("data: ")]
        assert time.monotonic() - started < 3


def test_what_the_service_lacks_pauses_the_recall_at_once_and_is_said(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(with_worker=True, app_key=None, app_secret=None)
    send(service.book, world, 1)
    with service.client() as client:
        result = client.post(f"/v1/recalls/{planned(client)}/run").json()
    assert (result["status"], result["error"]["code"]) == ("paused", "credentials")
    assert "LEDGER_APP_KEY" in result["error"]["message"]


def test_without_a_worker_here_a_started_recall_waits_for_one_elsewhere(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with service.client() as client:
        recall_id = planned(client)
        assert client.post(f"/v1/recalls/{recall_id}/run").json()["status"] == "running"
        assert client.post(f"/v1/recalls/{recall_id}/pause").json()["status"] == "paused"
        assert client.post(f"/v1/recalls/{recall_id}/resume").json()["status"] == "running"
        cancelled = client.post(f"/v1/recalls/{recall_id}/cancel").json()
        assert (cancelled["status"], cancelled["cancelled"]) == ("cancelled", 2)
        again = client.post(f"/v1/recalls/{recall_id}/run")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"reason": "x"}, 422, "empty_selection"),
        ({"campaign": "spring"}, 422, "invalid_request"),
        ({"campaign": "spring", "reason": "  "}, 422, "invalid_request"),
        ({"campaign": "", "reason": "x"}, 422, "invalid_request"),
        ({"users": [], "reason": "x"}, 422, "invalid_request"),
        ({"campain": "spring", "reason": "x"}, 422, "invalid_request"),
        ({"since": "2026-03-01T10:00:00", "reason": "x"}, 422, "invalid_request"),
        ({"since": 1772330400, "reason": "x"}, 422, "invalid_request"),
        ({"campaign": "a\x00b", "reason": "x"}, 422, "invalid_request"),
    ],
)
def test_what_does_not_say_clearly_what_is_meant_is_refused(
    service: Service, asked: dict[str, Any], status: int, code: str
) -> None:
    with service.client() as client:
        answer = client.post("/v1/recalls", json=asked)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "--" not in answer.json()["detail"]
        assert client.get("/v1/recalls").json() == {"items": [], "next": None}


@pytest.mark.parametrize("verb", ["run", "pause", "resume", "retry", "cancel", "unstick", "approve"])
def test_a_recall_that_is_not_there_is_a_404(service: Service, verb: str) -> None:
    with service.client() as client:
        answer = client.post(f"/v1/recalls/99/{verb}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_recall")


def test_a_plan_that_takes_nothing_can_be_looked_at_and_not_run(service: Service, world: World) -> None:
    send(service.book, world, 1, sent_ago=timedelta(hours=25))
    with service.client() as client:
        answer = client.post(f"/v1/recalls/{planned(client)}/run")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_eligible")


def test_what_failed_is_asked_again(service: Service, world: World) -> None:
    send(service.book, world, 1, users=["ann"])
    plan = service.book.plan(campaign="spring", reason="wrong link")
    service.book.run(plan)
    with service.client() as client:
        answer = client.post(f"/v1/recalls/{plan.recall_id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_eligible")


def test_a_sticky_recall_says_until_when_and_can_be_unstuck(service: Service, world: World) -> None:
    send(service.book, world, 1)
    with service.client() as client:
        recall_id = planned(client, sticky_seconds=3600)
        assert client.get(f"/v1/recalls/{recall_id}").json()["sticky_until"].startswith("2026-03-01T13:00:00")
        assert client.get("/v1/campaigns").json()[0]["sticky_until"] is None
        assert client.post(f"/v1/recalls/{recall_id}/unstick").json()["sticky_until"] is None


def test_a_token_of_one_robot_takes_back_its_messages_only(service: Service, world: World) -> None:
    send(service.book, world, 3, robot="robot-1")
    send(service.book, world, 2, robot="robot-2")
    everything = service.book.plan(campaign="spring", reason="all of it")
    with service.signed_up(Role.OPERATOR, robots=("robot-1",)) as bound:
        plan = bound.post("/v1/recalls", json=SPRING).json()
        assert (plan["eligible"], plan["robots"]) == (3, {"robot-1": 3})
        assert bound.post("/v1/recalls", json={**SPRING, "robot": "robot-2"}).status_code == 403
        assert bound.post(f"/v1/recalls/{everything.recall_id}/run").status_code == 403
        assert bound.get(f"/v1/recalls/{everything.recall_id}/items").status_code == 403
        assert [one["recall_id"] for one in bound.get("/v1/recalls").json()["items"]] == [plan["recall_id"]]
        assert bound.get("/v1/campaigns").json()[0]["messages"] == 3
        assert len(bound.get("/v1/messages").json()["items"]) == 3
        assert bound.get("/v1/messages", params={"robot": "robot-2"}).status_code == 403
        assert bound.post(f"/v1/recalls/{plan['recall_id']}/run").status_code == 202


def test_a_plan_is_run_with_its_token_as_it_was_shown_or_not_at_all(service: Service, world: World) -> None:
    send(service.book, world, 2)
    with service.signed_up(Role.OPERATOR, name="wang") as wang, service.signed_up(Role.OPERATOR, name="li") as li:
        plan = wang.post("/v1/recalls", json=SPRING).json()
        run = f"/v1/recalls/{plan['recall_id']}/run"
        assert [stop["code"] for stop in plan["stops"]] == ["worker_absent"]
        wrong = wang.post(run, json={"token": "plan_another"})
        assert (wrong.status_code, wrong.json()["code"]) == (409, "plan_token_wrong")
        assert li.post(run, json={"token": plan["token"]}).json()["code"] == "plan_token_wrong"
        assert wang.post(run, json={"token": plan["token"]}).status_code == 202
        assert wang.post(run, json={"token": plan["token"]}).json()["code"] == "wrong_state"
        changed = wang.post("/v1/recalls", json={**SPRING, "campaign": "other"}).json()
        send(service.book, world, 1, campaign="third")
        third = wang.post("/v1/recalls", json={**SPRING, "campaign": "third"}).json()
        service.book.tag(campaign="fourth", from_campaign="third", reason="it was")
        moved = wang.post(f"/v1/recalls/{third['recall_id']}/run", json={"token": third["token"]})
        assert (moved.status_code, moved.json()["code"]) == (409, "plan_changed")
        kept = wang.get(f"/v1/recalls/{changed['recall_id']}").text
    assert "token_digest" not in kept
    assert changed["token"] not in kept


def test_a_recall_names_several_campaigns_beginnings_of_them_those_without_or_a_program(
    service: Service, world: World
) -> None:
    for campaign in ("spring-a", "spring-b", "spring*", "summer", None):
        send(service.book, world, 1, campaign=campaign)
    with service.client() as client:

        def found(**asked: Any) -> list[str | None]:
            plan = client.post("/v1/recalls", json={"reason": "wrong link", **asked}).json()
            return [one["campaign"] for one in plan["by_campaign"]]

        assert set(found(campaigns=["spring-a", "summer"])) == {"spring-a", "summer"}
        assert set(found(campaigns=["spring-*", "summer"])) == {"spring-a", "spring-b", "summer"}
        assert found(campaigns=["spring\\*"]) == found(campaign="spring*") == ["spring*"]
        assert found(untagged=True) == [None]
        assert found(source="nobody") == []
        refused: list[dict[str, Any]] = [
            {"campaign": "a", "campaigns": ["b"]},
            {"campaigns": []},
            {"campaigns": ["*"]},
            {"untagged": False},
        ]
        for asked in refused:
            assert client.post("/v1/recalls", json={"reason": "wrong link", **asked}).status_code == 422


def test_a_token_of_some_campaigns_plans_those_alone_and_is_refused_the_others(service: Service, world: World) -> None:
    for campaign in ("spring-a", "spring-b", "spring-secret", "summer"):
        send(service.book, world, 1, campaign=campaign)
    made = service.book.parts.service_tokens.create(
        "ann", Role.OPERATOR, campaigns=("spring-a", "spring-b"), actor="tester"
    )
    with service.client(made.secret) as ann:

        def planned_by_ann(*campaigns: str) -> httpx.Response:
            return ann.post("/v1/recalls", json={"reason": "wrong link", "campaigns": list(campaigns)})

        plan = planned_by_ann("spring-*").json()
        assert [one["campaign"] for one in plan["by_campaign"]] == ["spring-a", "spring-b"]
        assert ann.get(f"/v1/recalls/{plan['recall_id']}").json()["selection"]["campaigns"] == ["spring-a", "spring-b"]
        for campaigns in (["summer"], ["spring-a", "summer"], ["spring-secret"]):
            assert planned_by_ann(*campaigns).status_code == 403
    assert service.book.verify().ok
