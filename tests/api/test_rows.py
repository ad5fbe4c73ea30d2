"""Rows of one request: how many, how bad, how long; and that nothing goes on for nobody."""

import json
import socket
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entrypoints.api.rows import REJECTED_ROWS_MAX, ROWS_MAX
from ledger.entrypoints.formats.json_rows import ROW_MAX_CHARACTERS, NotJsonError, read_json
from tests.sending import row

from .conftest import ServeLedger, Service

TYPES = ["application/json", "application/x-ndjson", "text/csv"]


def body_of(rows: list[Any], kind: str) -> bytes:
    if kind == "application/json":
        return json.dumps(rows).encode()
    if kind == "application/x-ndjson":
        return "\n".join(json.dumps(one) for one in rows).encode()
    names = ("processQueryKey", "robotCode", "sentAt")
    return "\n".join([",".join(names), *(",".join(one.get(name, "") for name in names) for one in rows)]).encode()


def post(service: Service, body: bytes, kind: str = "application/json") -> httpx.Response:
    with service.client() as client:
        return client.post("/v1/messages", content=body, headers={"content-type": kind})


def recorded(service: Service) -> int:
    return sum(line.messages for line in service.book.campaigns())


def good(service: Service, count: int) -> list[Any]:
    return [row(f"key-{number}", service.book.parts.clock.now()) for number in range(count)]


@pytest.mark.parametrize("kind", TYPES)
def test_more_rows_than_a_request_may_have_are_refused_as_a_whole(service: Service, kind: str) -> None:
    answer = post(service, body_of([*good(service, 5), *[{"robotCode": "r"}] * (ROWS_MAX - 4)], kind), kind)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert "50,000 rows" in answer.json()["detail"]
    assert recorded(service) == 0


@pytest.mark.parametrize("kind", TYPES)
def test_after_a_thousand_rejected_rows_nothing_more_is_read(service: Service, kind: str) -> None:
    bad = [{"robotCode": "r"}] * REJECTED_ROWS_MAX
    first, last = good(service, 6)[:3], good(service, 6)[3:]
    answer = post(service, body_of([*first, *bad, *last], kind), kind)
    content = answer.json()
    assert answer.status_code == 422
    assert (content["read"], content["recorded"], content["rejected_count"]) == (1003, 3, 1000)
    number = 1004 if kind != "text/csv" else 1005
    assert f"those from number {number:,} on" in content["detail"]
    assert recorded(service) == 3
    # As many, and no more after them: all was read.
    assert post(service, body_of([*first, *bad], kind), kind).status_code == 200


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (b",", "row 4: Expecting value"),
        (b", {]", "row 4: Expecting property name"),
        (b"] x", "something follows after its end"),
        (b"", "it ends too soon"),
        (b" {}", "'{' stands where"),
        (b', {"a": NaN}]', "NaN is no JSON number"),
        (b', {"a": ' + b"1" * 5000 + b"}]", "digits"),
        (b', "\xff"]', "it is not UTF-8"),
        (b", " + b"[" * 100_000, "row 4: "),
        (b', {"a": "' + b"x" * (ROW_MAX_CHARACTERS * 3) + b'"}]', "more than 1,000,000 characters"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_a_document_that_is_no_json_records_nothing_of_it(service: Service, end: bytes, why: str) -> None:
    answer = post(service, body_of(good(service, 3), TYPES[0])[:-1] + end)
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")
    assert why in answer.json()["detail"]
    assert recorded(service) == 0


def test_nothing_is_recorded_any_more_for_who_went_away(serve_ledger: ServeLedger) -> None:
    service = serve_ledger(requests_recording=1)
    body = body_of(good(service, ROWS_MAX), TYPES[0])
    host, _, port = service.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as line:
        line.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        while recorded(service) == 0:
            pass
    assert service.app.state.turns.acquire(timeout=60)
    assert 0 < recorded(service) < ROWS_MAX


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]), st.sampled_from([None, 2]))
def test_a_document_is_read_as_python_reads_it(value: Any, encoding: str, indent: int | None) -> None:
    body = json.dumps(value, ensure_ascii=False, indent=indent).encode(encoding, "surrogatepass")
    rows = value if isinstance(value, list) else [value]
    assert [line.fields for line in read_json(body)] == [
        one if isinstance(one, dict) else "a row is a JSON object" for one in rows
    ]


@given(st.text(alphabet='[]{}",: 1a\\u', max_size=20))
def test_what_python_refuses_is_refused(text: str) -> None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        with pytest.raises(NotJsonError):
            list(read_json(text.encode()))
    else:
        assert len(list(read_json(text.encode()))) == (len(value) if isinstance(value, list) else 1)
