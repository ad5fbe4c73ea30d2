"""People's rights over HTTP: for admins without bounds, and no id in an address."""

import logging

import pytest

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.sending import send

from .conftest import Service

ANN = "ann.7f3a9c51"


def test_an_admin_sees_exports_and_erases(service: Service, world: World, caplog: pytest.LogCaptureFixture) -> None:
    send(service.book, world, 2, users=[ANN, "bob"])
    asked = {"user": ANN, "reason": "left the company"}
    with service.signed_up(Role.ADMIN, name="li") as admin:
        looked = admin.post("/v1/people/erase", json={**asked, "dry_run": True}).json()
        assert (looked["person"], looked["places"]["messages"]) == (None, 2)
        exported = admin.post("/v1/people/export", json={"user": ANN})
        assert (exported.status_code, len(exported.json()["messages"]), "bob" in exported.text) == (200, 2, False)
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            done = admin.post("/v1/people/erase", json=asked).json()
        assert done["places"] == looked["places"]
        assert ANN not in admin.get("/v1/messages").text
        assert done["person"] in admin.get("/v1/messages").text
        assert admin.post("/v1/people/erase", json=asked).json()["person"] is None
        named = admin.post("/v1/people/erase", json={"user": "bob", "reason": "bob asked"})
        assert (named.status_code, named.json()["code"]) == (422, "input")
    assert ANN not in caplog.text
    assert done["person"] in caplog.text
    assert service.book.verify().ok


@pytest.mark.parametrize(("robots", "campaigns"), [(["robot-1"], []), ([], ["spring-*"])])
def test_who_may_touch_a_part_of_the_messages_may_not_erase_anybody(
    service: Service, robots: list[str], campaigns: list[str]
) -> None:
    tokens = service.book.parts.service_tokens
    made = tokens.create("wang", Role.ADMIN, robots=robots, campaigns=campaigns, actor="tester")
    with service.client(made.secret) as bound:
        for path in ("erase", "export"):
            asked = {"user": ANN, **({"reason": "left"} if path == "erase" else {})}
            assert bound.post(f"/v1/people/{path}", json=asked).status_code == 403
