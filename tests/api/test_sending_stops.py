"""Stopping what is still sent of a campaign, over HTTP and in the console."""

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.sending import send

from .conftest import Service


def test_an_operator_stops_a_campaign_with_its_recall_and_lets_it_go_on(service: Service, world: World) -> None:
    send(service.book, world, 1)
    with service.signed_up(Role.OPERATOR, name="wang") as wang:
        plan = wang.post("/v1/recalls", json={"campaign": "spring", "reason": "wrong link"}).json()
        started = wang.post(f"/v1/recalls/{plan['recall_id']}/run", json={"stop_sending": True})
        assert started.status_code == 202, started.text
        (line,) = wang.get("/v1/campaigns").json()
        assert line["sending_stopped_by"] == "wang"
        assert wang.post("/v1/campaigns/allow", json={"campaign": "spring"}).json() == {"stopped": []}
        assert wang.post("/v1/campaigns/stop", json={"campaign": "spring"}).json() == {"stopped": ["spring"]}
        assert wang.post("/v1/campaigns/allow", json={"campaign": "summer"}).status_code == 422


def test_who_may_not_recall_all_of_a_campaign_may_not_stop_it(service: Service) -> None:
    with service.signed_up(Role.OPERATOR, robots=("robot-1",)) as bound:
        assert bound.post("/v1/campaigns/stop", json={"campaign": "spring"}).status_code == 403
    for role in (Role.AUDITOR, Role.RECORDER):
        with service.signed_up(role) as other:
            assert other.post("/v1/campaigns/stop", json={"campaign": "spring"}).status_code == 403
    assert service.book.parts.sending_stops.listed() == []


def test_the_page_of_a_campaign_stops_it_and_lets_it_go_on(service: Service, world: World) -> None:
    send(service.book, world, 1)
    here = {"origin": service.url}
    with service.client(headers=here, follow_redirects=True) as browser:
        stopped = browser.post("/campaign/stop", params={"name": "spring"})
        assert (stopped.status_code, "The gateway refuses it" in stopped.text) == (200, True)
        allowed = browser.post("/campaign/allow", params={"name": "spring"})
        assert (allowed.status_code, "The gateway refuses it" in allowed.text) == (200, False)
        assert browser.post("/campaign/allow", params={"name": "spring"}).status_code == 200
