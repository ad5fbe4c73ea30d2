"""Reading the audit over HTTP leaves a note of who and what, in the API and the console; anything else leaves none."""

from datetime import timedelta

import pytest

from ledger.core.access.roles import Role
from ledger.core.audit.reads import Read
from ledger.entrypoints.http.read_watch import AUDITED
from ledger.entrypoints.service.application import ROUTERS
from ledger.simulator import World
from tests.sending import send

from .conftest import Service

ANN = "ann.7f3a9c51"


@pytest.fixture
def recalled(service: Service, world: World) -> int:
    """A recall of three messages to one person."""
    send(service.book, world, 3, users=[ANN])
    return service.book.run(service.book.plan(campaign="spring", reason="wrong link")).recall_id


def noted(service: Service) -> list[Read]:
    """Return what is noted, the first first."""
    service.book.parts.read_log.flush()
    return list(service.book.parts.read_sealer.newest())[::-1]


def test_every_audited_route_is_one_of_the_service() -> None:
    assert {getattr(route, "path", "") for router in ROUTERS for route in router.routes} >= AUDITED


def test_lists_recalls_messages_and_files_are_noted_with_who_what_and_how_many_rows(
    service: Service, recalled: int
) -> None:
    addresses = {
        f"/v1/history?user={ANN}&outcome=recalled": 3,
        "/v1/history?campaign=spring&format=csv&per_person=true": 3,
        "/v1/recalls?status=finished": 1,
        "/v1/recalls?format=ndjson": 1,
        f"/v1/recalls/{recalled}": 0,
        f"/v1/recalls/{recalled}/items?limit=2": 2,
    }
    with service.signed_up(Role.AUDITOR, name="zhou") as auditor:
        for address in addresses:
            assert auditor.get(address).status_code == 200
        for address in ("/v1/history?since=nonsense", "/v1/recalls/999", "/v1/campaigns", "/v1/messages"):
            auditor.get(address)
    with service.signed_up(Role.RECORDER, name="robot") as recorder:
        assert recorder.get("/v1/recalls").status_code == 403
    found = noted(service)
    assert [one.rows for one in found] == list(addresses.values())
    assert {one.actor for one in found} == {"zhou"}
    assert [one.recall_id for one in found] == [None, None, None, None, recalled, recalled]
    assert found[0].filters["outcome"] == ["recalled"]
    assert ANN not in str(found)
    assert found[1].filters == {
        "campaign": ["spring"],
        "format": ["csv"],
        "per_person": ["true"],
        "form": ["text/csv"],
    }


def test_pages_of_the_console_and_what_is_taken_along_are_noted_too(service: Service, recalled: int) -> None:
    secret = service.token(Role.AUDITOR, name="zhou")
    with service.client(headers={"Accept": "text/html"}, follow_redirects=True) as browser:
        browser.post("/sign-in", data={"token": secret})
        for address in ("/history?campaign=spring", "/recalls", f"/recalls/{recalled}"):
            assert browser.get(address).status_code == 200
        for name in ("items.csv", "report.json"):
            assert browser.get(f"/recalls/{recalled}/{name}").status_code == 200
        assert browser.get("/health").status_code == 200
    found = [(one.actor, one.route, one.rows) for one in noted(service)]
    assert found == [
        ("zhou", "/history", 3),
        ("zhou", "/recalls", 1),
        ("zhou", "/recalls/{id}", 3),
        ("zhou", "/recalls/{id}/items.csv", 3),
        ("zhou", "/recalls/{id}/report.json", 3),
    ]


def test_a_worker_has_the_history_seal_them(service: Service) -> None:
    with service.client() as client:
        client.get("/v1/history")
    noted(service)
    service.book.parts.clock.advance(timedelta(days=2))  # type: ignore[attr-defined]
    (chore,) = [one for one in service.book.parts.worker()._duties if one.name == "reads"]
    chore.action()
    assert service.book.verify().ok
    with service.book.parts.database.read() as connection:
        assert "reads_sealed" in str(connection.exec_driver_sql("SELECT event FROM history").all())
