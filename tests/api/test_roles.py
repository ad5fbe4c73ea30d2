"""Roles and routes: one table says who may what, and a route that is not in it fails."""

import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute

from ledger.core.access.roles import GRANTS, Permission, Role
from ledger.entrypoints.http.door import Door
from ledger.entrypoints.service.application import ROUTERS
from ledger.services.access.tokens import form_key_of

from .conftest import Service

ANYBODY = "anybody"
SEE, RECALL, APPROVE = "operator approver auditor admin", "operator admin", "operator approver admin"
WHO_MAY = {
    "POST /v1/messages": "recorder admin",
    "GET /v1/messages": SEE,
    "GET /v1/campaigns": SEE,
    "GET /v1/recalls": SEE,
    "GET /v1/recalls/{id}": SEE,
    "GET /v1/recalls/{id}/items": SEE,
    "GET /v1/recalls/{id}/events": SEE,
    "GET /v1/recalls/{id}/people": SEE,
    "GET /v1/people": SEE,
    "GET /v1/history": SEE,
    "POST /v1/people/erase": "admin",
    "POST /v1/people/export": "admin",
    "POST /v1/reads": RECALL,
    "POST /v1/recalls/{id}/reads": RECALL,
    "POST /v1/recalls/{id}/verify": RECALL,
    "POST /v1/recalls": RECALL,
    "POST /v1/recalls/{id}/run": RECALL,
    "POST /v1/recalls/{id}/pause": RECALL,
    "POST /v1/recalls/{id}/resume": RECALL,
    "POST /v1/recalls/{id}/retry": RECALL,
    "POST /v1/recalls/{id}/cancel": RECALL,
    "POST /v1/recalls/{id}/unstick": RECALL,
    "POST /v1/recalls/{id}/approve": APPROVE,
    "POST /v1/recalls/{id}/refuse": APPROVE,
    "POST /v1/recalls/{id}/break-glass": RECALL,
    "POST /v1/recalls/{id}/review": APPROVE,
    "GET /v1/recalls/{id}/corrections": SEE,
    "POST /v1/recalls/{id}/corrections": RECALL,
    "POST /v1/recalls/{id}/corrections/run": RECALL,
    "POST /v1/recalls/{id}/corrections/approve": APPROVE,
    "POST /v1/recalls/{id}/corrections/refuse": APPROVE,
    "POST /v1/recalls/{id}/corrections/pause": RECALL,
    "POST /v1/recalls/{id}/corrections/resume": RECALL,
    "POST /v1/recalls/{id}/corrections/cancel": RECALL,
    "GET /metrics": SEE,
    "GET /healthz": ANYBODY,
    "GET /readyz": ANYBODY,
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "POST /sign-out": ANYBODY,
    "POST /language": ANYBODY,
    "GET /static/{name}": ANYBODY,
    "GET /": SEE,
    "GET /campaign": SEE,
    "GET /campaign/people": SEE,
    "GET /campaign/people.csv": SEE,
    "GET /campaign/people.xlsx": SEE,
    "GET /people": SEE,
    "GET /history": SEE,
    "GET /recalls": SEE,
    "GET /recalls/{id}": SEE,
    "GET /recalls/{id}/correction": SEE,
    "POST /recalls/{id}/correction": RECALL,
    "POST /recalls/{id}/correction/run": RECALL,
    "POST /recalls/{id}/correction/approve": APPROVE,
    "POST /recalls/{id}/correction/refuse": APPROVE,
    "POST /recalls/{id}/correction/pause": RECALL,
    "POST /recalls/{id}/correction/resume": RECALL,
    "POST /recalls/{id}/correction/cancel": RECALL,
    "GET /recalls/{id}/people": SEE,
    "GET /recalls/{id}/people.csv": SEE,
    "GET /recalls/{id}/people.xlsx": SEE,
    "GET /recalls/{id}/items.csv": SEE,
    "GET /recalls/{id}/report.json": SEE,
    "GET /health": SEE,
    "POST /health": SEE,
    "GET /recalls/new": RECALL,
    "POST /recalls": RECALL,
    "POST /recalls/{id}/run": RECALL,
    "POST /recalls/{id}/pause": RECALL,
    "POST /recalls/{id}/resume": RECALL,
    "POST /recalls/{id}/retry": RECALL,
    "POST /recalls/{id}/cancel": RECALL,
    "POST /recalls/{id}/unstick": RECALL,
    "POST /recalls/{id}/approve": APPROVE,
    "POST /recalls/{id}/refuse": APPROVE,
    "POST /recalls/{id}/break-glass": RECALL,
    "POST /recalls/{id}/schedule": RECALL,
    "POST /recalls/{id}/review": APPROVE,
    "POST /recalls/{id}/settle": RECALL,
    "POST /recalls/{id}/spot-check": RECALL,
    "GET /recalls/{id}/reads": SEE,
    "POST /recalls/{id}/reads": RECALL,
    "GET /campaign/reads": SEE,
    "POST /campaign/reads": RECALL,
    "POST /recalls/{id}/plan-again": RECALL,
    "POST /campaign/stop": RECALL,
    "POST /campaign/allow": RECALL,
    "POST /v1/campaigns/stop": RECALL,
    "POST /v1/campaigns/allow": RECALL,
}


def routes() -> Iterator[tuple[str, APIRoute]]:
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, Door), f"{route} is not behind a door"
            for method in route.methods or ():
                yield f"{method} {route.path}", route


def test_every_route_stands_in_the_table_and_no_other() -> None:
    assert {name for name, _ in routes()} == set(WHO_MAY)


def asked(client: httpx.Client, name: str) -> httpx.Response:
    method, path = name.split(" ")
    return client.request(method, re.sub(r"\{\w+\}", "7", path))


def test_roles_open_the_doors_that_the_table_says(service: Service) -> None:
    clients = {role: service.signed_up(role) for role in Role}
    for name, who in WHO_MAY.items():
        for role, client in clients.items():
            status = asked(client, name).status_code
            may_come_in = who == ANYBODY or role in who.split()
            assert (status not in (401, 403)) == may_come_in, (name, role, status)
            # Without a worker, the service is not ready, and says so.
            assert status < 500 or name == "GET /readyz"
    for client in clients.values():
        client.close()


@pytest.mark.parametrize("secret", [None, "ledger_never-made"])
def test_without_a_token_that_works_only_what_is_for_anybody_opens(service: Service, secret: str | None) -> None:
    service.token(Role.ADMIN)
    with service.client(secret) as stranger:
        for name, who in WHO_MAY.items():
            if not name.endswith("sign-in"):
                assert (asked(stranger, name).status_code == 401) == (who != ANYBODY), name


def test_every_role_grants_something_and_every_permission_is_granted() -> None:
    assert all(GRANTS[role] for role in Role)
    assert {permission for granted in GRANTS.values() for permission in granted} == set(Permission)
    assert GRANTS[Role.ADMIN] == set(Permission)
    assert Permission.RECALL not in GRANTS[Role.AUDITOR] | GRANTS[Role.RECORDER] | GRANTS[Role.APPROVER]
    # No route takes it: a token of an agent opens the door for agents, and no other.
    assert GRANTS[Role.AGENT] == {Permission.ASK}
    assert Permission.ASK not in {route.permission for _, route in routes() if isinstance(route, Door)}


@pytest.mark.parametrize("name", [name for name, who in WHO_MAY.items() if name.startswith("POST ") and who != ANYBODY])
def test_what_changes_anything_takes_no_session_without_its_form_key(service: Service, name: str) -> None:
    with service.client() as browser:
        browser.post("/sign-in", data={"token": service.token(Role.ADMIN)})
        without = asked(browser, name)
        assert (without.status_code, without.json()["code"]) == (403, "form_expired")
        browser.headers["X-Form-Key"] = "0" * 64
        assert asked(browser, name).status_code == 403
        browser.headers["X-Form-Key"] = form_key_of(browser.cookies["ledger-session"])
        assert asked(browser, name).status_code not in (401, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_page_of_another_site_cannot_make_a_browser_at_this_machine_recall(
    service: Service, headers: dict[str, str]
) -> None:
    with service.client(headers=headers) as lured:
        answer = lured.post("/v1/recalls/7/run")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert lured.post("/sign-in", data={"token": "x"}).status_code == 403
        with service.signed_up(Role.OPERATOR) as program:
            program.headers.update(headers)
            assert program.post("/v1/recalls/7/run").status_code == 404
