"""The ends of what can be written: ids, times, cursors and texts at any extreme are answered, never with a 5xx."""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import APIRoute

from ledger.simulator import World
from tests.sending import row, send

from .conftest import Service

NUMBERS = [
    "0",
    "-1",
    "-9223372036854775809",
    "9223372036854775807",
    "9223372036854775808",
    "9" * 5000,
    "1e999",
    "NaN",
    "٣",
]
TIMES = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59.999999-14:00",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2026-03-01T10:00:00+99:99",
    "2026-03-01T10:00:00-23:59:59.999999",
    "2026-03-01T10:00:00." + "9" * 3000 + "Z",
    "2016-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    "٢٠٢٦-٠٣-٠١T00:00:00Z",
]
TEXTS = [
    "",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\uffff",
    "😀" * 300,
    "a" * 5000,
    "\u202e",
    "' OR 1=1 --",
    "%",
    "_" * 256,
    "\\",
]
PLACES: list[Any] = [
    [None, 1e999],
    [None, -1],
    [None, True],
    [None, 2**63],
    [None, "1"],
    [None, 0.5],
    [None, []],
    ["0001-01-01T00:00:00+14:00", 1],
    ["9999-12-31T23:59:59-14:00", 1],
    ["0001-01-01T00:00:00Z", 1],
    ["9999-12-31T23:59:59Z", 2**63 - 1],
    ["\ud800", 1],
    [5, 1],
    [{}, 1],
    [1],
    {},
    None,
]
CURSORS = [
    *(base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=") for place in PLACES),
    base64.urlsafe_b64encode(b"[" * 140).decode(),
    base64.urlsafe_b64encode(b"[null," + b"1" * 140 + b"]").decode(),
    base64.urlsafe_b64encode(b"\xff\xfe").decode(),
]
FEWER = 8
EXTREMES = [*NUMBERS, *TIMES, *TEXTS, *CURSORS]


def escaped(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def assert_answered(answer: httpx.Response, asked: object) -> None:
    assert answer.status_code < 500, (asked, answer.text[:500])
    if answer.status_code >= 400 and answer.request.url.path.startswith("/v1/"):
        assert answer.headers["content-type"] == "application/problem+json", (asked, answer.text[:500])


def routes(service: Service) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Return method, path and OpenAPI's word on each route of the API, and on those of the console what there is."""
    paths = service.app.openapi()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            yield method.upper(), path, operation
    for route in service.app.routes:
        if isinstance(route, APIRoute) and route.path not in paths:
            named = [field.alias for field in route.dependant.query_params]
            parameters = [{"in": "query", "name": name} for name in named]
            for method in route.methods or ():
                yield method, route.path, {"parameters": parameters}


def test_every_route_answers_extremes_in_its_address(service: Service, world: World, database_url: str) -> None:
    """The database that refuses the most gets them all; what is called the same is read the same: it gets a few."""
    known = set[str]() if database_url.startswith("postgresql") else None
    send(service.book, world, 2, users=["ann"])
    service.book.run(service.book.plan(campaign="spring", reason="x"))
    asked = 0

    def extremes_for(name: str, path: str) -> list[str]:
        if known is not None and name not in known:
            known.add(name)
            return EXTREMES
        # The next route begins elsewhere.
        return EXTREMES[len(path) % FEWER :: FEWER]

    with service.client() as client:
        for method, path, operation in routes(service):
            here = re.sub(r"\{[^}]+\}", "1", path)
            names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            held = "".join(re.findall(r"\{[^}]+\}", path))
            targets = [
                re.sub(r"\{[^}]+\}", escaped(extreme), path) for extreme in (extremes_for(held, path) if held else ())
            ]
            for name in names if not path.endswith("/events") else ():
                targets += [f"{here}?{name}={escaped(extreme)}" for extreme in extremes_for(name, path)]
            for target in targets:
                asked += 1
                assert_answered(client.request(method, target), (method, target[:300]))
    assert asked > (1000 if known else 300)


RECALL = {"campaign": "spring", "users": ["ann"], "keys": ["k"], "robot": "r", "reason": "x", "include_shared": True}
RECALL |= {"since": "2026-03-01T10:00:00Z", "until": "2026-03-01T11:00:00Z", "sticky_seconds": 5}
MORE = ["campaign", "source", "openConversationId", "chat", "request", "response", "\ud800", "\x00"]
ODD: list[Any] = [
    *NUMBERS,
    *TIMES,
    *TEXTS,
    None,
    True,
    -1,
    2**63,
    1e308,
    [],
    {},
    [[]],
    ["\ud800"],
    ["a"] * 5000,
    [None],
]
NO_TEXT = ["1" * 5000, "1" * 400, "-" + "1" * 400 + ".5", '{"a":' * 500 + "1" + "}" * 500]


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/recalls"])
def test_every_field_of_a_body_answers_extremes(service: Service, database_url: str, path: str) -> None:
    message = row("key", service.book.parts.clock.now(), users=["ann"])
    whole = dict(message if path == "/v1/messages" else RECALL)
    with service.client() as client:
        assert client.post(path, json=whole).status_code in (200, 201)
        for name in [*whole, *MORE]:
            values = [*(json.dumps(odd) for odd in ODD), *NO_TEXT]
            # The database that refuses the most texts gets more; the next field begins elsewhere.
            fewer = 2 if database_url.startswith("postgresql") else FEWER
            values = values[len(name) % fewer :: fewer]
            for value in values:
                body = json.dumps({**whole, name: "HERE"}).replace('"HERE"', value).encode()
                answer = client.post(path, content=body, headers={"content-type": "application/json"})
                assert_answered(answer, (path, body[:500]))


NAMES = ["Idempotency-Key", "Last-Event-ID", "X-Request-ID", "Authorization", "Cookie", "Host"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("name", NAMES)
def test_every_header_answers_extremes(service: Service, name: str) -> None:
    with service.client() as client:
        for extreme in [*NUMBERS, *TIMES, *TEXTS][len(name) % 2 :: 2]:
            value = extreme.encode("utf-8", "surrogatepass").replace(b"\x00", b"").strip()
            headers = {name.encode(): value}
            answer = client.post("/v1/recalls", headers=headers, json={"campaign": "spring", "reason": "x"})
            assert_answered(answer, (name, extreme[:300]))
            # Where there is nothing to follow, the answer ends.
            assert_answered(client.get("/v1/recalls/999999/events", headers=headers), (name, extreme[:300]))
