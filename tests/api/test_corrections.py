"""Corrections over HTTP: planned, sent by a worker, agreed to, stopped, by the number of their recall."""

import httpx

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.sending import send

from .conftest import ServeLedger, Service

TEXT = {"msg_key": "sampleText", "msg_param": {"content": "The right link"}, "reason": "the right link"}
PEOPLE = [f"user-{number}" for number in range(5)]


def recalled(service: Service, world: World, users: list[str] = PEOPLE) -> str:
    """Recall one message to some people; return where its corrections are."""
    send(service.book, world, 1, users=users)
    result = service.book.run(service.book.plan(campaign="spring", reason="wrong link", actor="wang"), actor="wang")
    return f"/v1/recalls/{result.recall_id}/corrections"


def worked(service: Service) -> None:
    """Let a worker look once."""
    service.book.parts.worker().serve_corrections()


def test_a_correction_is_planned_sent_by_a_worker_and_listed(service: Service, world: World) -> None:
    address = recalled(service, world)
    with service.signed_up(Role.OPERATOR) as operator:
        made = operator.post(address, json=TEXT)
        plan = made.json()
        assert (made.status_code, plan["people"], plan["calls"], plan["preview"]["text"]) == (
            201,
            5,
            1,
            "The right link",
        )
        assert "worker_absent" in [one["code"] for one in plan["stops"]]
        started = operator.post(f"{address}/run", json={"correction_id": plan["correction_id"], "token": plan["token"]})
        assert (started.status_code, started.json()["status"], started.json()["pending"]) == (202, "running", 5)
        worked(service)
        (listed,) = operator.get(address).json()
        assert (listed["status"], listed["sent"], listed["campaign"]) == (
            "finished",
            5,
            "correction of spring (recall 1)",
        )
    assert world.received(msg_key="sampleText") == dict.fromkeys(PEOPLE, 1)


def test_the_text_may_come_as_a_text_and_what_is_wrong_with_it_is_said(service: Service, world: World) -> None:
    address = recalled(service, world)
    with service.signed_up(Role.OPERATOR) as operator:
        assert operator.post(address, json=TEXT | {"msg_param": '{"content": "x"}'}).status_code == 201
        for wrong, says in (
            ({"msg_key": "sampletext"}, "did you mean sampleText?"),
            ({"msg_param": {"contnet": "x"}}, "did you mean content?"),
            ({"msg_param": "{"}, "no JSON"),
        ):
            answer = operator.post(address, json=TEXT | wrong)
            assert (answer.status_code, says in answer.json()["detail"]) == (422, True), answer.text


def test_nobody_gets_a_second_one_and_a_plan_of_another_recall_is_not_known(service: Service, world: World) -> None:
    first, second = recalled(service, world), recalled(service, world, ["somebody-else"])
    with service.signed_up(Role.OPERATOR) as operator:
        plan = operator.post(first, json=TEXT).json()
        number = {"correction_id": plan["correction_id"]}
        assert operator.post(f"{second}/run", json=number).status_code == 404
        assert operator.post(f"{first}/run", json=number).status_code == 202
        busy = operator.post(first, json=TEXT)
        assert (busy.status_code, busy.json()["code"]) == (409, "wrong_state")
        worked(service)
        again = operator.post(first, json=TEXT).json()
        assert (again["people"], again["skipped_by_reason"]) == (0, {"corrected": 5})
        nobody = operator.post(f"{first}/run", json={"correction_id": again["correction_id"]})
        assert nobody.json()["code"] == "nothing_eligible"


def test_a_large_one_waits_for_another_operator(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=3)
    send(service.book, world, 1, users=PEOPLE)
    plan = service.book.plan(campaign="spring", reason="wrong link", actor="wang")
    service.book.run(plan, actor="wang", break_glass="nobody answers")
    address = f"/v1/recalls/{plan.recall_id}/corrections"
    with service.signed_up(Role.OPERATOR, name="wang") as wang, service.signed_up(Role.APPROVER, name="li") as li:
        made = wang.post(address, json=TEXT).json()
        assert made["approval"]["needed"] is True
        waiting = wang.post(f"{address}/run", json={"correction_id": made["correction_id"]})
        assert (waiting.status_code, waiting.json()["status"]) == (202, "planned")
        assert waiting.json()["approval"]["requested_by"] == "wang"
        assert wang.post(f"{address}/approve").status_code == 403
        started = li.post(f"{address}/approve")
        assert (started.status_code, started.json()["approval"]["approved_by"]) == (202, "li")
        worked(service)
        assert li.get(address).json()[0]["sent"] == 5
    assert service.book.verify().ok


def stopped(operator: httpx.Client, address: str, word: str) -> str:
    return str(operator.post(f"{address}/{word}").json()["status"])


def test_it_is_paused_resumed_and_stopped(service: Service, world: World) -> None:
    address = recalled(service, world)
    with service.signed_up(Role.OPERATOR) as operator:
        plan = operator.post(address, json=TEXT).json()
        operator.post(f"{address}/run", json={"correction_id": plan["correction_id"]})
        assert [stopped(operator, address, word) for word in ("pause", "resume", "cancel")] == [
            "paused",
            "running",
            "cancelled",
        ]
        nothing = operator.post(f"{address}/resume")
        assert (nothing.status_code, nothing.json()["code"]) == (409, "wrong_state")
    assert not world.received(msg_key="sampleText")


def test_a_token_of_some_robots_corrects_what_it_recalled_and_no_other(service: Service, world: World) -> None:
    of_others = recalled(service, world)
    send(service.book, world, 1, users=["ann"], campaign="autumn")
    with service.signed_up(Role.OPERATOR, robots=("robot-1",)) as bound:
        assert [bound.post(of_others, json=TEXT).status_code, bound.get(of_others).status_code] == [403, 403]
        number = bound.post("/v1/recalls", json={"campaign": "autumn", "reason": "wrong link"}).json()["recall_id"]
        bound.post(f"/v1/recalls/{number}/run")
        service.book.parts.worker().serve_recalls()
        assert bound.post(f"/v1/recalls/{number}/corrections", json=TEXT).json()["people"] == 1
