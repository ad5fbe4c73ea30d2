"""Clients that mean harm, or do not know HTTP: each is refused or cut, and the others never notice."""

import asyncio
import socket
import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest

from ledger.entrypoints.process.http_framing import BODY_SECONDS, HEAD_SECONDS, LINGER_SECONDS

from .conftest import Door, read_all

CONNECTIONS = 300
LONG = 60_000
# How long somebody else may wait meanwhile; a busy machine takes some of it.
HEALTH_SECONDS_MAX = 5.0


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([b"Content-Length: 2", b"Transfer-Encoding: chunked"], b"0\r\n\r\n", 400),
        ([b"Content-Length: 2", b"Content-Length: 3"], b"{}", 400),
        ([b"Content-Length: -2"], b"{}", 400),
        ([b"Content-Length: +2"], b"{}", 400),
        ([b"Content-Length: 2_0"], b"{}", 400),
        ([b"Content-Length: \xb2"], b"{}", 400),
        ([b"Content-Length: 2"], b"{}}", 400),
        ([b"Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n", 400),
        ([b"Transfer-Encoding: chunked"], b"-2\r\n{}\r\n0\r\n\r\n", 400),
        ([b"Transfer-Encoding: chunked"], b"2\r\n{}}\r\n0\r\n\r\n", 400),
        ([b"Transfer-Encoding: chunked"], b"f" * 30 + b"\r\n{}", 400),
        ([b"Transfer-Encoding: chunked"], b"1\r\n \r\n" * 10_000 + b"0\r\n\r\n", 400),
        ([b"Transfer-Encoding: gzip, chunked"], b"0\r\n\r\n", 501),
        ([b"Transfer-Encoding: xchunked"], b"0\r\n\r\n", 501),
        ([b"Host: other"], b"", 400),
        ([b"X : 1"], b"", 400),
        ([b"X: a\x00b"], b"", 400),
        ([b"X: a\rb"], b"", 400),
        ([b": 1"], b"", 400),
        ([b"no colon"], b"", 400),
        ([b"X: " + b"a" * 100_000], b"", 431),
        ([b"X: 1"] * 200, b"", 431),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_no_http_is_refused_and_goes_nowhere(
    door: Door, headers: list[bytes], body: bytes, status: int
) -> None:
    answer = door.raw(door.post(*headers, body=body))
    assert answer.startswith(b"HTTP/1.1 %d " % status) or (len(body) > 10_000 and not answer)
    assert door.upstream is None or door.upstream.seen == []
    assert door.is_healthy()


@pytest.mark.parametrize(
    "start",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /v1.0/a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /v1.0/x HTTP/1.1\r\n\r\n",
        b"\r\n" * 5000,
        b"\x00" * 70_000,
    ],
    ids=lambda start: repr(start[:20]),
)
def test_what_does_not_even_begin_like_http_is_refused(door: Door, start: bytes) -> None:
    answer = door.raw(start)
    assert not answer or answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 505"))
    assert door.upstream is None or door.upstream.seen == []
    assert door.is_healthy()


def test_a_body_shorter_than_announced_goes_nowhere(door: Door) -> None:
    with door.connect() as line:
        line.sendall(door.post(b"Content-Length: 50", body=b'{"robotCode":"r"}'))
        line.shutdown(socket.SHUT_WR)
        assert read_all(line) == b""
    assert door.upstream is None or door.upstream.seen == []
    assert door.is_healthy()


def test_a_trailer_never_becomes_a_header(door: Door) -> None:
    for name in (b"x-ledger-campaign", b"x-request-id", b"authorization"):
        answer = door.raw(
            door.post(b"Transfer-Encoding: chunked", b"Connection: close", b"Trailer: " + name),
            b"2\r\n{}\r\n0\r\n" + name + b": Bearer stolen\r\n\r\n",
        )
        assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 422"))
        assert b"stolen" not in answer
    for seen in door.upstream.seen if door.upstream else []:
        assert b"stolen" not in b"".join(value for _, value in seen.headers)


def test_requests_that_come_at_once_are_answered_in_turn(door: Door) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = ask.replace(b"/healthz", b"/no-such-path").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answer = door.raw(ask * 50 + last)
    assert answer.count(b"HTTP/1.1 200") == 50
    assert answer.rindex(b"HTTP/1.1 404") > answer.rindex(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("seconds", "starts"),
    [
        (HEAD_SECONDS, [b"", b"G", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: "]),
        (BODY_SECONDS, [b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{"]),
        (BODY_SECONDS, [b"POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"]),
        (LINGER_SECONDS, [b"POST /no-such HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\n{"]),
    ],
    ids=["head", "body", "chunks", "after the answer"],
)
def test_who_is_too_slow_is_cut(door: Door, seconds: int, starts: list[bytes]) -> None:
    with ExitStack() as stack:
        lines = [stack.enter_context(door.connect()) for _ in starts]
        for line, start in zip(lines, starts, strict=True):
            line.sendall(start.replace(b"%s", door.path))
        assert door.is_healthy()  # what came before was taken in
        door.elapse(seconds - 2)
        for line in lines:
            line.settimeout(0.3)
            if seconds != LINGER_SECONDS:
                with pytest.raises(TimeoutError):
                    line.recv(1)
            line.settimeout(20)
        door.elapse(4)
        for line in lines:
            read_all(line)
    assert door.upstream is None or door.upstream.seen == []
    assert door.is_healthy()


def test_a_half_sent_head_is_cut_after_seconds_by_the_clock_too(door: Door) -> None:
    started = time.monotonic()
    with door.connect() as line:
        line.sendall(b"GET /healthz HT")
        assert read_all(line) == b""
    assert HEAD_SECONDS - 1 < time.monotonic() - started < HEAD_SECONDS + 8


def test_many_silent_connections_keep_nobody_out(door: Door) -> None:
    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            line = stack.enter_context(door.connect())
            line.sendall(b"GET /healthz HTTP/1.1\r\nX: "[: number % 26])
        assert seconds_until_healthy(door) < HEALTH_SECONDS_MAX


def test_who_sends_many_requests_at_once_on_many_connections_lets_others_go_first(door: Door) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    answered = door.server.server_state

    async def answers_before_mine() -> int:
        reader, writer = await asyncio.open_connection(door.host, door.port)
        before = answered.total_requests
        writer.write(ask)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.close()
        return answered.total_requests - before

    async def fewest_of_some() -> int:
        """Ask in the loop of the door, where nothing but what it does costs time, while the others are at it."""
        while answered.total_requests < CONNECTIONS:
            await asyncio.sleep(0)
        fewest = min([await answers_before_mine() for _ in range(5)])
        assert answered.total_requests < CONNECTIONS * 40, "the others had ended"
        return fewest

    with ExitStack() as stack:
        lines = [stack.enter_context(door.connect()) for _ in range(CONNECTIONS)]
        assert door.is_healthy()  # all of them are accepted
        loop = next(iter(answered.connections)).loop
        asked = asyncio.run_coroutine_threadsafe(fewest_of_some(), loop)
        for line in lines:
            line.sendall(ask * 40)
        assert asked.result(20) < CONNECTIONS / 2


class TestWithFewConnections:
    """Limits of an operator."""

    @pytest.fixture
    def limits(self) -> dict[str, Any]:
        """Few."""
        return {"connections_per_address_max": 20}

    def test_what_is_too_many_is_told_so_until_others_leave(self, door: Door, caplog: pytest.LogCaptureFixture) -> None:
        with ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(door.connect())
            for _ in range(3):
                with door.connect() as line:
                    assert read_all(line).startswith(b"HTTP/1.1 503 ")
        assert [text for text in caplog.messages if "LEDGER_CONNECTIONS_PER_ADDRESS_MAX" in text] == [
            "127.0.0.1 has more than 20 connections: further ones are answered with 503; "
            "LEDGER_CONNECTIONS_PER_ADDRESS_MAX raises that"
        ]
        until = time.monotonic() + 20
        while not door.is_healthy():
            assert time.monotonic() < until


@pytest.mark.parametrize(
    "header",
    [
        b'Cookie: ledger-session="' + b"\\" * LONG + b'"',
        b"Cookie: " + b"a=b;" * (LONG // 4),
        b"Content-Type: " + b';"' * (LONG // 2),
        b"Accept: " + b"text/html," * (LONG // 10),
        b"Accept-Language: " + b"zh;q=0." * (LONG // 7),
        b"Authorization: Bearer " + b"=" * LONG,
        b"Authorization: " + b" " * LONG + b"x",
        b"Accept-Encoding: " + b"gzip, " * (LONG // 6),
        b"Connection: " + b"a," * (LONG // 2),
        b"X: " + b"a " * (LONG // 2) + b"\x01",
        b"X: 1\r\n" + b" a\r\n" * 120,
        b"Origin: http://[" + b":" * LONG,
        b"Last-Event-ID: " + b"a" * LONG,
        b"x-ledger-campaign: " + b"%e4" * (LONG // 3),
        b"Content-Encoding: " + b"gzip," * (LONG // 5),
        b"Forwarded: " + b"for=" * (LONG // 4),
    ],
    ids=lambda header: repr(header[:24]),
)
def test_one_strange_header_on_four_connections_holds_up_nobody(door: Door, header: bytes) -> None:
    over = threading.Event()
    request = door.post(header, b"Content-Length: 2", body=b"{}")

    def write() -> None:
        while not over.is_set():
            with door.connect() as line:
                line.sendall(request)
                while not over.is_set() and line.recv(65536):
                    line.sendall(request)

    threads = [threading.Thread(target=_quietly, args=(write,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        slowest = max(seconds_until_healthy(door) for _ in range(5))
    finally:
        over.set()
        for thread in threads:
            thread.join(30)
    print(f"slowest {slowest * 1000:.0f} ms")  # noqa: T201
    assert slowest < HEALTH_SECONDS_MAX


def _quietly(write: Any) -> None:
    try:
        write()
    except OSError:
        return


def seconds_until_healthy(door: Door) -> float:
    started = time.monotonic()
    assert door.is_healthy()
    return time.monotonic() - started
