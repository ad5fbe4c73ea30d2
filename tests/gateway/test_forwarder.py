"""What goes through the gateway: byte for byte, to its endpoint and nowhere else."""

import gzip
import json
import os
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest

from ledger.core.recording.send_calls import CARD_UPDATE_PATHS
from tests.gateway.conftest import (
    KEYED,
    OK,
    SEND_PATH,
    MakeGateway,
    Running,
    Seen,
    Upstream,
    answering,
    upstream_server,
)

BINARY = bytes(range(256)) * 300
HOP_BY_HOP = (b"connection", b"keep-alive", b"te", b"upgrade", b"proxy-authorization", b"x-of-this-hop", b"trailer")


def test_a_request_goes_on_as_it_came(gateway: Running, upstream: Upstream) -> None:
    target = b"/v1.0/some/Thing/%e4%b8%AD%2F+a;b=c?robotCode=a%2Bb&x=%zz&&empty=&y=a+b"
    body = b'{"a":  "\xe4\xb8\xad"}'
    gateway.raw(
        b"PATCH " + target + b" HTTP/1.1\r\nHost: gateway.example\r\nX-Twice: one\r\nX-Twice: two\r\n"
        b"X-Name: \xe4\xb8\xad\xe6\x96\x87\r\nAuthorization: Bearer s3cret\r\nx-ledger-campaign: spring\r\n"
        b"X-Ledger-Anything: ours\r\nX-Forwarded-Host: evil.example\r\nContent-Type: application/json\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\nConnection: close\r\n\r\n" + body
    )
    (seen,) = upstream.seen
    assert seen.line == b"PATCH " + target + b" HTTP/1.1"
    assert seen.body == body
    assert sorted((name.lower(), value) for name, value in seen.headers) == sorted(
        [
            (b"host", upstream.url.removeprefix("http://").encode()),
            (b"x-twice", b"one"),
            (b"x-twice", b"two"),
            (b"x-name", b"\xe4\xb8\xad\xe6\x96\x87"),
            (b"authorization", b"Bearer s3cret"),
            (b"x-forwarded-host", b"evil.example"),
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
    )


def test_a_send_too_goes_on_as_it_came(gateway: Running, upstream: Upstream) -> None:
    body = b'{ "robotCode" :"r", "userIds":["\xe4\xb8\xad"],  "msgKey":"t","msgParam":"{}" }'
    upstream.answer = KEYED
    answer = gateway.raw(
        b"POST " + SEND_PATH.encode() + b"?a=%2b HTTP/1.1\r\nHost: x\r\nx-acs-dingtalk-access-token: T\r\n"
        b"X-Ledger-Campaign: spring\r\nContent-Length: "
        + str(len(body)).encode()
        + b"\r\nConnection: close\r\n\r\n"
        + body
    )
    (seen,) = upstream.seen
    assert seen.line == b"POST " + SEND_PATH.encode() + b"?a=%2b HTTP/1.1"
    assert seen.body == body
    assert {name.lower() for name, _ in seen.headers} == {b"host", b"content-length", b"x-acs-dingtalk-access-token"}
    head, _, returned = answer.partition(b"\r\n\r\n")
    assert returned == KEYED.partition(b"\r\n\r\n")[2]
    assert head.lower().split(b"\r\n")[1:-1] == [b"content-type: application/json", b"content-length: 27"]


def test_headers_of_the_connection_stay_on_it(gateway: Running, upstream: Upstream) -> None:
    upstream.answer = answering(
        "200 OK", b"{}", "Connection: keep-alive, X-Of-This-Hop", "X-Of-This-Hop: 1", "Keep-Alive: timeout=5"
    )
    answer = gateway.raw(
        b"GET /v1.0/x HTTP/1.1\r\nHost: x\r\nConnection: close, x-of-this-hop\r\nX-Of-This-Hop: 1\r\nKeep-Alive: 5\r\n"
        b"TE: trailers\r\nTrailer: x\r\nProxy-Authorization: Basic eA==\r\nUpgrade: websocket\r\n\r\n"
    )
    (seen,) = upstream.seen
    assert not [name for name in HOP_BY_HOP if seen.values(name)]
    assert b"x-of-this-hop" not in answer.lower()
    assert b"timeout=5" not in answer


@pytest.mark.parametrize("path", [SEND_PATH, "/v1.0/upload"])
def test_binary_bodies_in_chunks_arrive_whole(gateway: Running, upstream: Upstream, path: str) -> None:
    def chunks() -> Iterator[bytes]:
        for start in range(0, len(BINARY), 1000):
            yield BINARY[start : start + 1000]

    with gateway.client() as client:
        assert client.post(path, content=chunks()).status_code == 200
    assert upstream.seen[0].body == BINARY


@pytest.mark.parametrize("path", [SEND_PATH, "/v1.0/any"])
@pytest.mark.parametrize(
    ("method", "status", "headers"),
    [
        ("GET", "204 No Content", ["X-A: 1"]),
        ("GET", "304 Not Modified", ['ETag: "a"']),
        ("POST", "204 No Content", []),
        ("POST", "302 Found", ["Location: http://evil.example/v1.0/x"]),
        ("POST", "307 Temporary Redirect", ["Location: http://evil.example/v1.0/x"]),
        ("DELETE", "400 Bad Request", ["Set-Cookie: a=1", "Set-Cookie: b=2"]),
        ("POST", "503 Service Unavailable", ["Retry-After: 1"]),
    ],
)
def test_every_kind_of_answer_comes_back_and_no_redirect_is_followed(
    gateway: Running, upstream: Upstream, path: str, method: str, status: str, headers: list[str]
) -> None:
    code = int(status[:3])
    body = b"" if code in (204, 304) else b"{}"
    upstream.answer = (
        "\r\n".join(
            [f"HTTP/1.1 {status}", *headers, *([f"Content-Length: {len(body)}"] if body else []), "", ""]
        ).encode()
        + body
    )
    with gateway.client() as client:
        for _ in range(2):  # on one connection
            answer = client.request(method, path)
            assert (answer.status_code, answer.content) == (code, body)
            found = [
                f"{name}: {value}" for name, value in answer.headers.multi_items() if name not in ("content-length",)
            ]
            assert [header.lower() for header in headers] == [
                header.lower() for header in found if "transfer" not in header
            ]
    assert len(upstream.seen) == 2


def test_head_tells_the_length_and_has_no_body(gateway: Running, upstream: Upstream) -> None:
    upstream.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4711\r\n\r\n"
    with gateway.client() as client:
        for _ in range(2):
            answer = client.head("/v1.0/file")
            assert (answer.headers["content-length"], answer.content) == ("4711", b"")


@pytest.mark.parametrize("path", [SEND_PATH, "/v1.0/any"])
def test_compressed_answers_stay_as_they_are(gateway: Running, upstream: Upstream, path: str) -> None:
    packed = gzip.compress(b'{"processQueryKey": "packed"}')
    upstream.answer = answering("200 OK", packed, "Content-Encoding: gzip")
    body = b'{"robotCode":"r"}'
    answer = gateway.raw(
        b"POST " + path.encode() + b" HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br, gzip;q=0.5\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    assert answer.partition(b"\r\n\r\n")[2] == packed
    # A key that the ledger cannot read would be lost; what is no send is none of its business.
    (accepted,) = upstream.seen[0].values(b"accept-encoding")
    assert accepted == (b"gzip;q=0.5" if path == SEND_PATH else b"br, gzip;q=0.5")


ELSEWHERE = b"evil.example"


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://evil.example/v1.0/x HTTP/1.1\r\nHost: evil.example",
        b"GET http://evil.example:80/v1.0/x HTTP/1.1\r\nHost: x",
        b"POST http://user:pw@evil.example/v1.0/robot/oToMessages/batchSend HTTP/1.1\r\nHost: x\r\nContent-Length: 0",
        b"GET /v1.0/x HTTP/1.1\r\nHost: evil.example",
        b"GET /v1.0/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: evil.example\r\nForwarded: host=evil.example",
        b"GET /v1.0/x HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https",
        b"GET /v1.0/@evil.example/x HTTP/1.1\r\nHost: x",
        b"GET /v1.0/http://evil.example/ HTTP/1.1\r\nHost: x",
        b"GET /v1.0/x?url=http://evil.example/ HTTP/1.1\r\nHost: x",
        b"GET //evil.example/v1.0/x HTTP/1.1\r\nHost: x",
        b"GET /v1.0//evil.example/x HTTP/1.1\r\nHost: x",
        b"GET \\\\evil.example/v1.0/x HTTP/1.1\r\nHost: x",
        b"GET /v1.0/..%5c..%5cevil HTTP/1.1\r\nHost: x",
        b"GET @evil.example/v1.0/x HTTP/1.1\r\nHost: x",
        b"GET /v1.0@evil.example/ HTTP/1.1\r\nHost: x",
        b"GET .evil.example/v1.0/x HTTP/1.1\r\nHost: x",
        b"GET :80@evil.example/v1.0/x HTTP/1.1\r\nHost: x",
        b"GET /v1.0/../v1.0/x HTTP/1.1\r\nHost: x",
        b"GET /v1.0/%2e%2e/admin HTTP/1.1\r\nHost: x",
        b"GET /v1.0/x/.%2E/.%2e/admin HTTP/1.1\r\nHost: x",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443",
        b"TRACE /v1.0/x HTTP/1.1\r\nHost: x",
        b"OPTIONS * HTTP/1.1\r\nHost: x",
        b"GET ftp://evil.example/v1.0/x HTTP/1.1\r\nHost: x",
        b"GET /v1.0/x HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AA",
        b"POST /v1.0/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
    ],
    ids=lambda head: head.partition(b" HTTP")[0].decode(),
)
def test_whatever_a_request_says_nothing_goes_elsewhere(
    make_gateway: MakeGateway, upstream: Upstream, head: bytes
) -> None:
    with upstream_server() as evil:
        bait = evil.url.removeprefix("http://").encode()
        gateway = make_gateway(upstream.url)
        gateway.raw(
            head.replace(b"evil.example:443", bait).replace(b"evil.example:80", bait).replace(ELSEWHERE, bait)
            + b"\r\nConnection: close\r\n\r\n"
        )
        assert evil.seen == []
    for seen in upstream.seen:
        assert seen.line.split(b" ")[1].startswith(b"/v1.0/")
        assert seen.values(b"host") == [upstream.url.removeprefix("http://").encode()]
        assert b".." not in seen.line


@pytest.mark.parametrize(
    "path",
    ["/", "/v1.0", "/v2.0/x", "/v1/messages", "/favicon.ico", "/v1.0//x", "/V1.0/x", "/robot/oToMessages/batchSend"],
)
def test_other_paths_are_told_what_this_is(gateway: Running, upstream: Upstream, path: str) -> None:
    with gateway.client() as client:
        answer = client.get(gateway.url + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    message = answer.json()
    assert {"code", "message", "requestid", "title", "status", "detail"} <= set(message)
    assert "/v1.0/" in message["message"]
    assert upstream.seen == []


def test_a_send_by_another_spelling_of_its_path_is_recorded_too(gateway: Running, upstream: Upstream) -> None:
    upstream.answer = KEYED
    with gateway.client() as client:
        client.post("/v1.0/robot/%6FToMessages/batchSend", json={"robotCode": "r"})
    assert upstream.seen[0].line.split(b" ")[1] == b"/v1.0/robot/%6FToMessages/batchSend"
    assert gateway.book.campaigns()[0].messages == 1


def test_what_may_be_a_send_that_the_ledger_does_not_know_is_forwarded_and_said_once(
    gateway: Running, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    paths = ["/v1.0/robot/new/kind/zhang.san", "/v1.0/robot/new/kind/li.si", "/v1.0/oauth2/accessToken"]
    with gateway.client() as client:
        for path in paths:
            assert client.post(path, json={}).status_code == 200
        assert client.get("/v1.0/contact/users").status_code == 200
    assert len(upstream.seen) == 4
    (said,) = [text for text in caplog.messages if "nothing of it is recorded" in text]
    assert said.startswith("POST /v1.0/robot/new/kind/… is forwarded")


def test_a_change_of_a_card_that_is_out_is_forwarded_as_it_is_and_is_no_send(
    gateway: Running, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    upstream.answer = KEYED
    changed = {"cardBizId": "x", "cardData": "{}"}
    with gateway.client({"x-ledger-campaign": "spring", "x-ledger-expires": "60"}) as client:
        for path in CARD_UPDATE_PATHS:
            answer = client.put(path, json=changed)
            assert (answer.status_code, answer.content) == (200, KEYED.partition(b"\r\n\r\n")[2])
    assert {seen.line.split(b" ")[0] for seen in upstream.seen} == {b"PUT"}
    assert [json.loads(seen.body) for seen in upstream.seen] == [changed] * len(CARD_UPDATE_PATHS)
    assert not any(seen.values(name) for name in (b"x-ledger-campaign", b"x-ledger-expires") for seen in upstream.seen)
    assert gateway.book.campaigns() == []
    assert not [text for text in caplog.messages if "nothing of it is recorded" in text]


def test_an_endless_head_is_refused(gateway: Running, upstream: Upstream) -> None:
    with socket.create_connection((gateway.host, gateway.port)) as line, line.makefile("rb") as stream:
        line.sendall(b"GET /v1.0/x HTTP/1.1\r\nX: ")
        piece, sent = b"a" * 16384, 0
        with suppress(ConnectionError):
            while sent < 10_000_000:
                line.sendall(piece)
                sent += len(piece)
        assert sent < 10_000_000
        with suppress(ConnectionError):  # what was still on its way may have overtaken the answer
            assert stream.readline().startswith(b"HTTP/1.1 431")
    assert upstream.seen == []


def test_a_send_that_is_too_large_is_refused_and_a_large_upload_is_not(
    make_gateway: MakeGateway, upstream: Upstream
) -> None:
    gateway = make_gateway(upstream.url, request_max_bytes=100_000)
    with gateway.client() as client:
        refused = client.post(SEND_PATH, content=b"x" * 100_001)
        assert (refused.status_code, refused.json()["code"]) == (413, "ledger.gateway.too_large")
        assert client.post("/v1.0/upload", content=b"x" * 3_000_000).status_code == 200
    (seen,) = upstream.seen
    assert len(seen.body) == 3_000_000


def test_a_large_answer_streams_through_in_little_memory(gateway: Running, upstream: Upstream) -> None:
    size, piece = 300 * 1024 * 1024, os.urandom(1024 * 1024)

    def stream(_: Seen, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _number in range(size // len(piece)):
            connection.sendall(piece)

    upstream.answer = stream
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with gateway.client() as client, client.stream("GET", "/v1.0/file") as answer:
        received = sum(len(part) for part in answer.iter_raw(65536))
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert received == size
    assert grown_kib < 64 * 1024


def test_an_answer_is_handed_on_while_it_comes(gateway: Running, upstream: Upstream) -> None:
    go_on = threading.Event()

    def halting(_: Seen, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        assert go_on.wait(30)
        connection.sendall(b"4\r\nlast\r\n0\r\n\r\n")

    upstream.answer = halting
    with gateway.client() as client, client.stream("GET", "/v1.0/events") as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"first"
        go_on.set()
        assert b"".join(pieces) == b"last"


def test_an_answer_that_breaks_off_breaks_off_for_the_sender_too(gateway: Running, upstream: Upstream) -> None:
    def cut(_: Seen, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        connection.shutdown(socket.SHUT_RDWR)

    upstream.answer = cut
    with gateway.client() as client, pytest.raises(httpx.RemoteProtocolError):
        client.get("/v1.0/file")
    upstream.answer = OK
    with gateway.client() as client:
        assert client.get("/v1.0/file").status_code == 200


def test_a_sender_that_writes_slowly_is_waited_for(gateway: Running, upstream: Upstream) -> None:
    body = b'{"robotCode":"r","userIds":["u"]}'
    upstream.answer = KEYED
    with socket.create_connection((gateway.host, gateway.port)) as line, line.makefile("rb") as stream:
        head = b"POST " + SEND_PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
        for byte in head + body:
            line.sendall(bytes([byte]))
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
    assert upstream.seen[0].body == body


def test_with_a_key_only_those_who_know_it_get_through(make_gateway: MakeGateway, upstream: Upstream) -> None:
    gateway = make_gateway(upstream.url, gateway_key="a-key-of-the-gateway")
    with gateway.client() as client:
        for headers in ({}, {"x-ledger-gateway-key": "wrong"}):
            refused = client.get("/v1.0/x", headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (401, "ledger.gateway.key")
        assert client.get("/v1.0/x", headers={"x-ledger-gateway-key": "a-key-of-the-gateway"}).status_code == 200
        assert client.get("/healthz").status_code == 200
    (seen,) = upstream.seen
    assert seen.values(b"x-ledger-gateway-key") == []


APPS = {
    "mail": {"robots": ["r-mail"], "app_key": "key-mail", "app_secret": "secret-of-mail"},
    "far": {"robots": ["r-far"], "app_key": "key-far", "app_secret": "secret-of-far"},
}


@pytest.mark.parametrize(
    ("method", "path", "body", "is_far"),
    [
        ("POST", SEND_PATH, {"robotCode": "r-far"}, True),
        ("POST", SEND_PATH, {"robotCode": "r-mail"}, False),
        ("POST", SEND_PATH, {"robotCode": "nobody's"}, False),
        ("POST", SEND_PATH, ["no", "object"], False),
        ("POST", "/v1.0/oauth2/accessToken", {"appKey": "key-far"}, True),
        ("POST", "/v1.0/oauth2/accessToken", {"appKey": "key-mail"}, False),
        ("GET", "/v1.0/robot/oToMessages/readStatus?robotCode=r-far", None, True),
        ("GET", "/v1.0/contact/users", None, False),
    ],
)
def test_with_several_endpoints_robot_or_app_decide(
    make_gateway: MakeGateway, upstream: Upstream, method: str, path: str, body: object, is_far: bool
) -> None:
    with upstream_server() as far:
        apps = {**APPS, "far": {**APPS["far"], "api_url": far.url}}
        gateway = make_gateway(upstream.url, apps=apps)
        with gateway.client() as client:
            assert client.request(method, path, json=body).status_code == 200
        assert (len(upstream.seen), len(far.seen)) == ((0, 1) if is_far else (1, 0))


def test_one_app_can_have_a_gateway_of_its_own(make_gateway: MakeGateway, upstream: Upstream) -> None:
    with upstream_server() as far:
        gateway = make_gateway(upstream.url, app="far", apps={**APPS, "far": {**APPS["far"], "api_url": far.url}})
        with gateway.client() as client:
            assert client.get("/v1.0/contact/users").status_code == 200
        assert (upstream.seen, len(far.seen)) == ([], 1)
