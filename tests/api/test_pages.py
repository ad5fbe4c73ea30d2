"""Long lists: pages that stay right while rows come and go, and the history whole, in constant memory."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ledger.core.cursor import encode
from ledger.simulator import World
from tests.sending import send

from .conftest import Service


def all_of(client: httpx.Client, address: str, **wanted: Any) -> list[dict[str, Any]]:
    """Follow `next` to the end."""
    answer, found = client.get(address, params=wanted or None), []
    while True:
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        following = answer.json()["next"]
        if following is None:
            return found
        assert answer.links["next"]["url"] == following
        answer = client.get(following)


def test_pages_hold_everything_once_in_order(service: Service, world: World) -> None:
    keys = set(send(service.book, world, 25))
    for _ in range(3):
        service.book.plan(campaign="spring", reason="looking")
    service.book.run(service.book.plan(campaign="spring", reason="x"))
    with service.client() as client:
        for address, limit in (("/v1/messages", 7), ("/v1/recalls/4/items", 5), ("/v1/history", 25)):
            found = [one["process_query_key"] for one in all_of(client, address, limit=limit)]
            assert (len(found), set(found)) == (25, keys)
        assert [one["recall_id"] for one in all_of(client, "/v1/recalls", limit=1)] == [4, 3, 2, 1]
        assert [one["recall_id"] for one in all_of(client, "/v1/recalls", limit=1, status=["planned"])] == [3, 2, 1]


def test_a_page_is_right_although_rows_come_and_go_between(service: Service, world: World) -> None:
    first = send(service.book, world, 4, campaign="a")
    service.book.run(service.book.plan(campaign="a", reason="x"))
    with service.client() as client:
        page = client.get("/v1/history", params={"limit": 2}).json()
        send(service.book, world, 3, campaign="b")
        service.book.run(service.book.plan(campaign="b", reason="x"))
        rest = all_of(client, page["next"])
    keys = [one["process_query_key"] for one in [*page["items"], *rest]]
    assert (len(keys), set(keys)) == (4, set(first))


@pytest.mark.parametrize("cursor", ["x", "", "bnVsbA", "WzEsMl0", encode((None, 3)), "é", "W251bGwsLTFd", "a" * 300])
@pytest.mark.parametrize("address", ["/v1/messages", "/v1/history"])
def test_a_cursor_that_no_answer_gave_is_refused(service: Service, address: str, cursor: str) -> None:
    with service.client() as client:
        answer = client.get(address, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) in ((422, "bad_cursor"), (422, "invalid_request"))


@pytest.mark.parametrize("limit", [0, 1001, "x"])
def test_a_page_has_a_bound(service: Service, limit: int | str) -> None:
    with service.client() as client:
        assert client.get("/v1/history", params={"limit": limit}).status_code == 422


def test_items_are_narrowed_by_how_they_ended(service: Service, world: World) -> None:
    send(service.book, world, 3)
    service.book.run(service.book.plan(campaign="spring", reason="x"))
    with service.client() as client:
        assert len(client.get("/v1/recalls/1/items", params={"outcome": ["recalled", "refused"]}).json()["items"]) == 3
        assert client.get("/v1/recalls/1/items", params={"outcome": "refused"}).json()["items"] == []
        assert client.get("/v1/recalls/1/items", params={"pending": True}).json()["items"] == []
        assert client.get("/v1/recalls/2/items").status_code == 404


@pytest.mark.parametrize("how", [{"params": {"format": "csv"}}, {"headers": {"Accept": "text/csv"}}])
def test_the_history_comes_whole_as_csv(service: Service, world: World, how: dict[str, Any]) -> None:
    keys = send(service.book, world, 2500)
    service.book.run(service.book.plan(campaign="spring", reason="x"))
    with service.client() as client:
        answer = client.get("/v1/history", **how)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert {row["process_query_key"] for row in rows} == set(keys)
    assert (len(rows), {row["outcome"] for row in rows}) == (2500, {"recalled"})


def test_the_history_comes_whole_as_lines_of_json(service: Service, world: World) -> None:
    send(service.book, world, 3)
    service.book.run(service.book.plan(campaign="spring", reason="x", actor="wang"))
    with service.client() as client:
        lines = client.get("/v1/history", params={"format": "ndjson", "actor": "wang"}).text.splitlines()
        pages = client.get("/v1/history", params={"actor": "wang"}).json()["items"]
        assert client.get("/v1/history", params={"actor": "li", "format": "ndjson"}).text == ""
    assert [json.loads(line) for line in lines] == pages


def test_recalls_and_history_are_narrowed_and_taken_along_alike(service: Service, world: World) -> None:
    now = service.book.parts.clock.now()
    for campaign, actor in (("spring", "wang"), ("=autumn", "li")):
        send(service.book, world, 2, campaign=campaign)
        service.book.run(service.book.plan(campaign=campaign, reason="x", actor=actor))
    soon = (now + timedelta(hours=1)).isoformat()
    with service.client() as client:
        for address, each in (("/v1/recalls", 1), ("/v1/history", 2)):
            for asked, recalls in (
                ({"actor": "li"}, 1),
                ({"campaign": ["spring", "=autumn"], "recalled_until": soon}, 2),
                ({"recalled_since": soon}, 0),
            ):
                assert len(client.get(address, params=asked).json()["items"]) == recalls * each, (address, asked)
                rows = client.get(address, params=asked | {"format": "csv"}).text.splitlines()
                assert len(rows) == 1 + recalls * each
                lines = client.get(address, params=asked | {"format": "ndjson"}).text.splitlines()
                assert len(lines) == recalls * each
            wrong = client.get(address, params={"recalled_since": soon, "recalled_until": now.isoformat()})
            assert (wrong.status_code, "recalled_until" in wrong.text) == (422, True)
            assert client.get(address, params={"recalled_since": "2026-03-01T18:00:00"}).status_code == 422
        for_people = client.get("/v1/recalls", params={"format": "excel"}).content.decode()
        people = client.get("/v1/history", params={"format": "excel", "per_person": True, "actor": "wang"}).text
    assert for_people.startswith("\ufeffrecall_id,")
    assert [row["campaigns"] for row in csv.DictReader(io.StringIO(for_people))] == ["'=autumn", "spring"]
    assert len(people.splitlines()) == 3


def test_a_time_may_be_written_as_people_do(service: Service, world: World) -> None:
    send(service.book, world, 1)
    with service.client() as client:
        for since in ("2026-03-01T18:00:00%2B08:00", "2026-03-01T18:00:00+08:00", "2026-03-01T10:00:00Z"):
            assert len(client.get(f"/v1/messages?since={since}").json()["items"]) == 1
        assert client.get("/v1/messages?since=2026-03-01T18:00:00").status_code == 422
