"""The second person over HTTP."""

from datetime import timedelta

from ledger.clock import FakeClock, format_time
from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.sending import send

from .conftest import ServeLedger

SPRING = {"campaign": "spring", "reason": "wrong link"}


def test_a_large_recall_waits_for_another_operator(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=3)
    send(service.book, world, 4)
    with (
        service.signed_up(Role.OPERATOR, name="wang") as wang,
        service.signed_up(Role.OPERATOR, name="li") as li,
        service.signed_up(Role.AUDITOR) as auditor,
    ):
        plan = wang.post("/v1/recalls", json=SPRING).json()
        assert plan["approval"]["needed"] is True
        waiting = wang.post(f"/v1/recalls/{plan['recall_id']}/run")
        assert (waiting.status_code, waiting.json()["status"]) == (202, "planned")
        approval = waiting.json()["approval"]
        assert (approval["requested_by"], approval["approved_by"]) == ("wang", None)
        assert approval["valid_until"] == plan["first_deadline"]
        for somebody in (wang, auditor):
            assert somebody.post(f"/v1/recalls/{plan['recall_id']}/approve").status_code == 403
        started = li.post(f"/v1/recalls/{plan['recall_id']}/approve")
        assert (started.status_code, started.json()["status"]) == (202, "running")
        assert started.json()["approval"]["approved_by"] == "li"
        again = wang.post("/v1/recalls", json={**SPRING, "campaign": "other"}).json()
        refused = li.post(f"/v1/recalls/{again['recall_id']}/refuse", json={"reason": "no"})
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")


def test_an_approver_agrees_and_recalls_nothing(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=0)
    send(service.book, world, 1)
    with (
        service.signed_up(Role.OPERATOR, name="wang") as wang,
        service.signed_up(Role.APPROVER, name="li") as li,
    ):
        assert li.post("/v1/recalls", json=SPRING).status_code == 403
        recall_id = wang.post("/v1/recalls", json=SPRING).json()["recall_id"]
        wang.post(f"/v1/recalls/{recall_id}/run")
        assert li.post(f"/v1/recalls/{recall_id}/run").status_code == 403
        assert li.post(f"/v1/recalls/{recall_id}/approve").json()["approval"]["approved_by"] == "li"


def test_who_breaks_the_glass_runs_it_and_another_one_reviews_it(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=0)
    send(service.book, world, 1)
    with (
        service.signed_up(Role.OPERATOR, name="wang") as wang,
        service.signed_up(Role.APPROVER, name="li") as li,
    ):
        recall_id = wang.post("/v1/recalls", json=SPRING).json()["recall_id"]
        wang.post(f"/v1/recalls/{recall_id}/run")
        assert wang.post(f"/v1/recalls/{recall_id}/break-glass", json={}).status_code == 422
        assert li.post(f"/v1/recalls/{recall_id}/review", json={"reason": "x"}).json()["code"] == "wrong_state"
        started = wang.post(f"/v1/recalls/{recall_id}/break-glass", json={"reason": "nobody answers"}).json()
        assert started["status"] == "running"
        assert "ledger_break_glass_open 1.0" in li.get("/metrics").text
        assert wang.post(f"/v1/recalls/{recall_id}/review", json={"reason": "fine"}).status_code == 403
        # It runs: nobody is waited for any more.
        assert li.post(f"/v1/recalls/{recall_id}/approve").json()["code"] == "wrong_state"
        broken = li.post(f"/v1/recalls/{recall_id}/review", json={"reason": "it was right"}).json()["break_glass"]
        assert (broken["broken_by"], broken["reason"]) == ("wang", "nobody answers")
        assert (broken["reviewed_by"], broken["review"]) == ("li", "it was right")
        assert li.post(f"/v1/recalls/{recall_id}/review", json={"reason": "again"}).json()["code"] == "wrong_state"
        assert "ledger_break_glass_open 0.0" in li.get("/metrics").text
        events = [entry["event"] for entry in li.get(f"/v1/recalls/{recall_id}").json()["timeline"]]
    assert events == ["planned", "approval_requested", "break_glass", "started", "reviewed"]
    assert service.book.verify().ok


def test_a_small_recall_breaks_no_glass(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=9)
    send(service.book, world, 1)
    with service.signed_up(Role.OPERATOR) as wang:
        recall_id = wang.post("/v1/recalls", json=SPRING).json()["recall_id"]
        started = wang.post(f"/v1/recalls/{recall_id}/break-glass", json={"reason": "to be sure"}).json()
        assert (started["status"], started["break_glass"]) == ("running", None)


def test_tokens_of_one_owner_are_one_person(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=0)
    send(service.book, world, 1)
    tokens = service.book.parts.service_tokens
    phone = tokens.create("wang-phone", Role.OPERATOR, owner="wang", actor="tester").secret
    desk = tokens.create("desk-3", Role.OPERATOR, owner="WANG", actor="tester").secret
    with service.client(phone) as one, service.client(desk) as other, service.signed_up("operator", name="li") as li:
        recall_id = one.post("/v1/recalls", json=SPRING).json()["recall_id"]
        one.post(f"/v1/recalls/{recall_id}/run")
        refused = other.post(f"/v1/recalls/{recall_id}/approve")
        assert (refused.status_code, "desk-3 is the same" in refused.json()["detail"]) == (403, True)
        assert other.post(f"/v1/recalls/{recall_id}/refuse", json={"reason": "x"}).status_code == 403
        tokens.revoke("desk-3", actor="tester")
        assert li.post(f"/v1/recalls/{recall_id}/approve").status_code == 202
    assert service.book.verify().ok


def test_another_operator_refuses_and_says_why(serve_ledger: ServeLedger, world: World) -> None:
    service = serve_ledger(approval_recipients=0)
    send(service.book, world, 1)
    with (
        service.signed_up(Role.OPERATOR, name="wang") as wang,
        service.signed_up(Role.OPERATOR, name="li") as li,
    ):
        recall_id = wang.post("/v1/recalls", json=SPRING).json()["recall_id"]
        wang.post(f"/v1/recalls/{recall_id}/run")
        assert li.post(f"/v1/recalls/{recall_id}/refuse", json={}).status_code == 422
        refused = li.post(f"/v1/recalls/{recall_id}/refuse", json={"reason": "the link is right"}).json()
        assert (refused["status"], refused["approval"]["refusal"]) == ("cancelled", "the link is right")


def test_a_confirmed_plan_can_be_set_for_later_and_a_second_person_agrees_before(
    serve_ledger: ServeLedger, world: World, clock: FakeClock
) -> None:
    service = serve_ledger(approval_recipients=3)
    send(service.book, world, 4)
    at = format_time(clock.now() + timedelta(hours=2))
    with (
        service.signed_up(Role.OPERATOR, name="wang") as wang,
        service.signed_up(Role.OPERATOR, name="li") as li,
    ):
        recall_id = wang.post("/v1/recalls", json=SPRING).json()["recall_id"]
        late = wang.post(f"/v1/recalls/{recall_id}/run", json={"at": format_time(clock.now() + timedelta(hours=23))})
        assert (late.status_code, late.json()["code"]) == (422, "bad_moment")
        waiting = wang.post(f"/v1/recalls/{recall_id}/run", json={"at": at}).json()
        assert (waiting["status"], waiting["scheduled_at"], waiting["approval"]["valid_until"]) == ("planned", at, at)
        agreed = li.post(f"/v1/recalls/{recall_id}/approve").json()
        assert (agreed["status"], agreed["approval"]["approved_by"]) == ("planned", "li")
        clock.advance(timedelta(hours=2))
        service.book.parts.worker().start_scheduled()
        assert wang.get(f"/v1/recalls/{recall_id}").json()["status"] == "running"
