"""Who comes in, over HTTP: whoever holds a token that works, within its bounds, and no page of a browser."""

import json
from collections.abc import Iterator

import httpx
import pytest
from mcp import MCPError
from sqlalchemy import text

from ledger.core.access.roles import Role
from ledger.core.audit.reads import Read
from ledger.errors import DatabaseUnavailableError
from ledger.simulator import World
from ledger.store.audit import audit_reads
from tests.sending import send

from .conftest import AgentsDoor, OpenDoor

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "claude-code", "version": "1"},
    },
}
LIST = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
WANTED = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
# Who may come in is the same on both databases; tests/api holds what tokens say there.
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def asking(door: AgentsDoor) -> Iterator[httpx.Client]:
    """A client that speaks the protocol by hand."""
    with httpx.Client(base_url=door.url, headers=WANTED, timeout=30) as client:
        yield client


def shown(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@only_sqlite
def test_nobody_comes_in_without_a_token_that_works(door: AgentsDoor, asking: httpx.Client) -> None:
    secret = door.token("alice")
    for headers in ({}, shown("ledger_wrong"), {"Authorization": secret}, {"Authorization": "Basic YTpi"}):
        answer = asking.post("/mcp", json=HELLO, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
    assert asking.post("/mcp", json=HELLO, headers=shown(secret)).status_code == 200


@only_sqlite
def test_a_token_that_is_revoked_ends_what_it_began(door: AgentsDoor) -> None:
    agent = door.agent(door.token("alice"))
    assert agent("campaigns").data["rows"] == []
    door.book.parts.service_tokens.revoke("alice", actor="tester")
    with pytest.raises(MCPError):
        agent("campaigns")


@only_sqlite
def test_a_session_is_for_the_token_alone_that_opened_it(door: AgentsDoor, asking: httpx.Client) -> None:
    alice, bob = door.token("alice"), door.token("bob")
    opened = asking.post("/mcp", json=HELLO, headers=shown(alice))
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    asking.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=shown(alice) | session)
    assert asking.post("/mcp", json=LIST, headers=shown(alice) | session).status_code == 200
    assert asking.post("/mcp", json=LIST, headers=shown(bob) | session).status_code == 404
    assert asking.delete("/mcp", headers=shown(bob) | session).status_code == 404
    assert asking.delete("/mcp", headers=shown(alice) | session).status_code == 200
    assert asking.post("/mcp", json=LIST, headers=shown(alice) | session).status_code == 404


@only_sqlite
@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 421, "host_not_allowed"),
        ({"Origin": "https://evil.example"}, 403, "forbidden"),
        ({"Origin": "null"}, 403, "forbidden"),
        ({"Sec-Fetch-Site": "cross-site"}, 403, "forbidden"),
    ],
)
def test_pages_of_other_sites_and_hosts_that_are_not_ours_are_turned_away_with_the_right_token_too(
    door: AgentsDoor, asking: httpx.Client, headers: dict[str, str], status: int, code: str
) -> None:
    answer = asking.post("/mcp", content=json.dumps(HELLO), headers=shown(door.token("alice")) | headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@only_sqlite
def test_there_is_nothing_to_listen_on_and_nothing_elsewhere(door: AgentsDoor, asking: httpx.Client) -> None:
    secret = shown(door.token("alice"))
    for method, path, status in (("GET", "/mcp", 405), ("GET", "/", 404), ("POST", "/v1/recalls", 404)):
        assert asking.request(method, path, headers=secret).status_code == status
    answer = asking.get("/mcp", headers=secret | {"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


@only_sqlite
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"jsonrpc":"2.0"}', b"[" * 100_000])
def test_what_is_no_call_ends_with_a_plain_error(door: AgentsDoor, asking: httpx.Client, body: bytes) -> None:
    answer = asking.post("/mcp", content=body, headers=shown(door.token("alice")))
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text


def test_a_bound_token_sees_and_plans_within_its_bounds(door: AgentsDoor, world: World) -> None:
    send(door.book, world, 1, robot="robot-1", campaign="spring")
    send(door.book, world, 2, robot="robot-2", campaign="news")
    theirs = door.book.plan(campaign="news", reason="x")
    by_robot = door.agent(door.token("desk", robots=("robot-1",)))
    by_campaign = door.agent(door.token("phone", campaigns=("spring*",)))
    for agent in (by_robot, by_campaign):
        assert [row["campaign"] for row in agent("campaigns").data["rows"]] == ["spring"]
        assert [row["campaign"] for row in agent("messages").data["rows"]] == ["spring"]
        assert agent("people", campaigns=["news"]).data["rows"] == []
        assert agent("people", recall_id=theirs.recall_id).code == "forbidden"
        assert agent("progress", recall_id=theirs.recall_id).code == "forbidden"
        assert theirs.recall_id not in [row["recall_id"] for row in agent("progress").data["rows"]]
        assert agent("run_recall", plan_id=theirs.recall_id, token=theirs.token).code == "forbidden"
        assert agent("plan_recall", campaigns=["spring"], reason="x").data["eligible"] == 1
    assert by_robot("plan_recall", campaigns=["news"], reason="x").data["eligible"] == 0
    assert by_robot("plan_recall", robot="robot-2", reason="x").code == "forbidden"
    assert by_campaign("plan_recall", campaigns=["news"], reason="x").code == "forbidden"


def test_whoever_is_bound_learns_that_something_does_not_fit_and_not_what(door: AgentsDoor, world: World) -> None:
    send(door.book, world, 1, campaign="news")
    door.book.run(door.book.plan(campaign="news", reason="x"))
    with door.book.parts.database.write() as connection:
        connection.execute(text("UPDATE recalls SET reason = 'another' WHERE id = 1"))
    proof = door.agent(door.token("desk", campaigns=("spring*",)))("verify").data
    assert (proof["ok"], proof["disputed"], proof["findings"], proof["disputed_recalls"]) == (False, 1, [], [])
    whole = door.agent(door.token("alice"))("verify").data
    assert [(one["recall_id"], one["shown"]) for one in whole["findings"]] == [(1, "another")]
    assert whole["disputed_recalls"] == [1]


def test_who_reads_the_audit_through_an_agent_is_noted(door: AgentsDoor, world: World) -> None:
    send(door.book, world, 2)
    door.book.run(door.book.plan(campaign="spring", reason="x"))
    agent = door.agent(door.token("alice", Role.AUDITOR))
    agent("history", campaigns=["spring"], outcome="recalled")
    agent("people", recall_id=1)
    agent("progress", recall_id=1)
    agent("campaigns")
    door.book.parts.read_log.flush()
    with door.book.parts.database.read() as connection:
        noted: list[Read] = list(audit_reads.newest(connection, None))
    assert {(one.actor, one.route, one.recall_id, one.rows) for one in noted} == {
        ("alice via agent claude-code", "mcp:history", None, 2),
        ("alice via agent claude-code", "mcp:people", 1, 2),
        ("alice via agent claude-code", "mcp:progress", 1, 1),
    }


@only_sqlite
def test_a_call_that_is_too_large_is_not_read(open_door: OpenDoor) -> None:
    door = open_door(request_max_bytes=1000)
    with httpx.Client(base_url=door.url, headers=WANTED) as client:
        answer = client.post("/mcp", content=json.dumps(HELLO) + " " * 1000, headers=shown(door.token("alice")))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@only_sqlite
def test_a_database_that_is_away_is_said_in_one_sentence(open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise DatabaseUnavailableError("the database is away: it starts anew")

    door = open_door(database_patience_seconds=0)
    agent = door.agent(door.token("alice"))
    monkeypatch.setattr(type(door.book.parts), "campaigns", fail)
    said = agent("campaigns")
    assert said.texts[0] == "database_unavailable: the database is away: it starts anew"
