"""Clients that keep to HTTP, however unusual: what they send arrives whole, and their connection goes on."""

from datetime import UTC, datetime

import pytest

from .conftest import Door

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
ROW = b'{"processQueryKey":"k","robotCode":"r","userIds":["ann"],"sentAt":"%s"}' % (
    f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}".encode()
)
H2C = [b"Connection: Upgrade, HTTP2-Settings", b"HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA"]


@pytest.mark.parametrize(
    "headers",
    [
        [*H2C, b"Upgrade: h2c", b"Content-Length: 89"],
        [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: AA==", b"Content-Length: 89"],
        [b"Connection: upgrade", b"Upgrade: TLS/1.0", b"Content-Length: 89"],
        [b"X: a", b"  b", b"Content-Length: 89"],
        [b"x-A:", b"CONTENT-LENGTH:89"],
        [b"Expect: 100-continue", b"Content-Length: 89"],
    ],
    ids=lambda headers: repr(headers[1]),
)
@pytest.mark.parametrize("pieces", [1, 4, 300])
def test_a_body_arrives_whole_and_the_connection_goes_on(door: Door, headers: list[bytes], pieces: int) -> None:
    request = door.post(*headers, body=ROW)
    size = max(1, len(request) // pieces)
    answer = door.raw(*(request[start : start + size] for start in range(0, len(request), size)), HEALTH)
    assert answer.count(b"HTTP/1.1 200 OK") == 2, answer
    if door.upstream is None:
        assert b'"read":1' in answer
    else:
        assert [seen.body for seen in door.upstream.seen] == [ROW]


@pytest.mark.parametrize("sizes", [1, 7, 89])
def test_a_body_in_chunks_arrives_whole(door: Door, sizes: int) -> None:
    chunks = [ROW[start : start + sizes] for start in range(0, len(ROW), sizes)]
    body = b"".join(b"%x;name=value\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    offer = [*H2C, b"Upgrade: h2c"]
    answer = door.raw(door.post(*offer, b"Transfer-Encoding: chunked", body=body) + HEALTH)
    if door.upstream is None:
        assert b'"read":1' in answer
    else:
        assert [seen.body for seen in door.upstream.seen] == [ROW]
    assert answer.count(b"HTTP/1.1 ") == 2


def test_a_method_in_small_letters_is_another_method(door: Door) -> None:
    request = door.post(b"Connection: close", b"Content-Length: 89", body=ROW).replace(b"POST ", b"post ")
    answer = door.raw(request)
    if door.upstream is None:
        assert answer.startswith(b"HTTP/1.1 405")
    else:
        # Whatever it does there: it may be a send, and is recorded like one.
        assert [seen.body for seen in door.upstream.seen] == [ROW]
        assert b"processQueryKey" in answer
