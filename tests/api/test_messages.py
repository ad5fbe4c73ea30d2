"""Messages over HTTP: handed in by the thousand, within bounds, and looked up."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger.core.access.roles import Role
from ledger.simulator import World
from tests.sending import row, send

from .conftest import ServeLedger, Service


def rows(service: Service, count: int, **fields: Any) -> list[dict[str, Any]]:
    return [row(f"key-{number}", service.book.parts.clock.now(), **fields) for number in range(count)]


def test_one_message_is_recorded_and_twice_is_once(service: Service) -> None:
    with service.signed_up(Role.RECORDER) as sender:
        (one,) = rows(service, 1)
        first, second = sender.post("/v1/messages", json=one), sender.post("/v1/messages", json=one)
    assert first.json() == {
        "read": 1,
        "recorded": 1,
        "duplicates": 0,
        "spooled": 0,
        "rejected": [],
        "rejected_count": 0,
        "differing": [],
        "differing_count": 0,
    }
    assert second.json() == {
        "read": 1,
        "recorded": 0,
        "duplicates": 1,
        "spooled": 0,
        "rejected": [],
        "rejected_count": 0,
        "differing": [],
        "differing_count": 0,
    }


def test_thousands_come_in_one_request_and_bad_ones_are_listed(service: Service) -> None:
    many: list[Any] = rows(service, 5000)
    many[7] = {"robotCode": "robot-1"}
    many[8] = "nonsense"
    with service.client() as sender:
        answer = sender.post("/v1/messages", json=many).json()
    assert (answer["read"], answer["recorded"]) == (5000, 4998)
    assert [one["line"] for one in answer["rejected"]] == [8, 9]
    assert "processQueryKey is missing" in answer["rejected"][0]["reason"]


@pytest.mark.parametrize("form", ["application/x-ndjson", "text/csv; charset=utf-8"])
def test_lines_come_as_to_import(service: Service, form: str) -> None:
    made = rows(service, 3, campaign=None)
    body = "\n".join(json.dumps(one) for one in made)
    if form.startswith("text/csv"):
        cells = [f"{one['processQueryKey']},{one['robotCode']},{one['sentAt']}" for one in made]
        body = "\n".join(["processQueryKey,robotCode,sentAt", *cells])
    with service.client() as sender:
        answer = sender.post("/v1/messages", content=body, headers={"Content-Type": form}, params={"campaign": "x"})
        assert answer.json()["recorded"] == 3
        assert sender.get("/v1/campaigns").json()[0]["campaign"] == "x"


def test_when_nothing_can_be_recorded_the_answer_is_an_error_that_says_why(service: Service) -> None:
    with service.client() as sender:
        answer = sender.post("/v1/messages", json={"processQueryKey": "k"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_message")
    assert "robotCode is missing" in answer.json()["rejected"][0]["reason"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "unreadable"),
        (b"[NaN]", "application/json", 400, "unreadable"),
        (b"[" * 100_000, "application/json", 400, "unreadable"),
        (b"\xff", "application/json", 400, "unreadable"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "multipart/form-data; boundary=x", 415, "unsupported_media_type"),
        (b"nonsense,x\n1,2\n", "text/csv", 422, "unreadable_file"),
        (b'"\\ud800"', "application/json", 422, "invalid_message"),
    ],
)
def test_what_cannot_be_read_is_refused(service: Service, body: bytes, kind: str, status: int, code: str) -> None:
    with service.client() as sender:
        answer = sender.post("/v1/messages", content=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_too_much_at_once_is_refused_also_when_it_does_not_say_so(serve_ledger: ServeLedger) -> None:
    service = serve_ledger(request_max_bytes=10_000)
    body = json.dumps(rows(service, 200)).encode()
    with service.client(headers={"Content-Type": "application/json"}) as sender:
        for content in (body, iter([body[:5000], body[5000:]])):
            answer = sender.post("/v1/messages", content=content)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert service.book.campaigns() == []


def test_many_at_once_wait_for_their_turn(serve_ledger: ServeLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine, the last of 16 may wait for longer than a sender should.
    monkeypatch.setattr("ledger.entrypoints.api.messages.PATIENCE_SECONDS", 60.0)
    monkeypatch.setattr("ledger.entrypoints.api.messages.SMALL_BYTES", 0)
    service = serve_ledger(requests_recording=1)
    with service.client() as sender, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda row: sender.post("/v1/messages", json=row), rows(service, 64)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["recorded"] for answer in answers) == 64


def test_more_at_once_than_fit_are_asked_to_come_again(
    serve_ledger: ServeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serve_ledger(requests_recording=1)
    (one,) = rows(service, 1)
    with service.client() as sender:
        with service.app.state.turns:
            assert sender.post("/v1/messages", json=one).status_code == 200, "what is small takes no room"
        monkeypatch.setattr("ledger.entrypoints.api.messages.SMALL_BYTES", 0)
        for _ in range(2):
            with service.app.state.turns:
                busy = sender.post("/v1/messages", json=one)
                assert (busy.status_code, busy.json()["code"]) == (429, "busy")
                assert int(busy.headers["retry-after"]) > 0
            assert sender.post("/v1/messages", json=one).status_code == 200
            assert sender.post("/v1/messages", content=b"{").status_code == 400


def test_a_token_of_one_robot_records_for_it_only(service: Service) -> None:
    mixed = [*rows(service, 2, robot="robot-1"), row("other", service.book.parts.clock.now(), robot="robot-2")]
    with service.signed_up(Role.RECORDER, robots=("robot-1",)) as sender:
        answer = sender.post("/v1/messages", json=mixed).json()
    assert (answer["recorded"], answer["rejected"][0]["line"]) == (2, 3)
    assert "robot-2" in answer["rejected"][0]["reason"]


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "a-key-of-mine"}])
@pytest.mark.parametrize("role", [None, Role.RECORDER])
def test_while_the_database_cannot_be_used_messages_go_to_the_spool_and_come_in_later(
    service: Service, role: Role | None, headers: dict[str, str]
) -> None:
    book = service.book
    if not book.parts.database.is_sqlite:
        pytest.skip("a file is spoilt here; a restart of PostgreSQL has a test of its own")
    path = Path(book.parts.database.url.database or "")
    with service.signed_up(role) if role else service.client() as sender:
        assert sender.post("/v1/messages", json=row("before", book.parts.clock.now())).json()["recorded"] == 1
        book.parts.database.close()
        whole = path.read_bytes()
        path.write_bytes(b"this is no database at all" * 1000)
        answer = sender.post("/v1/messages", json=[*rows(service, 3), {"robotCode": "r"}], headers=headers).json()
        book.parts.database.close()
        path.write_bytes(whole)
    assert (answer["recorded"], answer["spooled"], len(answer["rejected"])) == (0, 3, 1)
    (line,) = book.campaigns()
    assert line.messages == 4


def test_what_was_sent_is_listed_with_whether_it_can_be_recalled(service: Service, world: World) -> None:
    (taken,) = send(service.book, world, 1, users=["ann", "bob"])
    service.book.run(service.book.plan(campaign="spring", reason="x"))
    (late,) = send(service.book, world, 1, users=["ann"], sent_ago=timedelta(hours=25))
    (open_one,) = send(service.book, world, 1, users=["ann"], sent_ago=timedelta(hours=2))
    with service.client() as client:
        found = client.get("/v1/messages", params={"user": "ann"}).json()["items"]
        assert {one["process_query_key"]: one["standing"] for one in found} == {
            late: "expired",
            open_one: "eligible",
            taken: "already_recalled",
        }
        recallable = client.get("/v1/messages", params={"user": "ann", "recallable": True}).json()["items"]
        assert [one["process_query_key"] for one in recallable] == [open_one]
        assert client.get("/v1/messages", params={"user": "cid"}).json()["items"] == []
