"""The gateway as an ASGI application: what is a path of the API goes on to its endpoint, and nothing else anywhere."""

import asyncio
import hmac
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.types import Message, Receive, Scope
from starlette.types import Send as Emit

from ledger.core.capture import chat_of
from ledger.dingtalk.endpoints import Endpoints
from ledger.dingtalk.forwarder import Forwarder, NoAnswerError
from ledger.entrypoints.gateway.answers import ABOUT, Reply, document, problem
from ledger.entrypoints.gateway.headers import KEY, travelling, value_of
from ledger.entrypoints.gateway.sends import Send, Sends, travelling_back
from ledger.errors import LedgerError

if TYPE_CHECKING:
    from prometheus_client import Counter

    from ledger.app import Ledger

PREFIX = "/v1.0/"
HEALTH = "/healthz"
_OF_PROXIES = ("CONNECT", "TRACE")

log = logging.getLogger(__name__)


class SenderGoneError(Exception):
    """The sender hung up before its request was whole."""


class Gateway:
    """Forwards for one ledger; built once for each process."""

    def __init__(self, book: "Ledger", endpoints: Endpoints, count: "Counter") -> None:
        self._book, self._endpoints, self._settings, self._count = book, endpoints, book.settings, count
        secret = book.settings.gateway_key
        self._key = secret.get_secret_value().encode() if secret is not None else None
        self._forwarder: Forwarder
        self._sends: Sends

    async def __call__(self, scope: Scope, receive: Receive, emit: Emit) -> None:
        """Answer one request, or live from the start of the server to its end."""
        if scope["type"] == "lifespan":
            await self._live(receive, emit)
        elif scope["type"] == "http":
            try:
                await self._answer(scope, receive, emit)
            except SenderGoneError:
                return
            except NoAnswerError as error:
                # It has begun to come: all that can be done is to break off as the endpoint did.
                log.warning("%s broke off: %s", scope["path"], error)

    async def _live(self, receive: Receive, emit: Emit) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            self._forwarder = await stack.enter_async_context(
                Forwarder(
                    timeout_seconds=self._settings.gateway_timeout_seconds,
                    max_connections=self._settings.gateway_connections,
                )
            )
            self._sends = Sends(self._book.watcher, self._forwarder)
            opening = asyncio.create_task(asyncio.to_thread(self._open))
            await emit({"type": "lifespan.startup.complete"})
            await receive()
            await self._sends.finish()
            await opening
        await emit({"type": "lifespan.shutdown.complete"})

    def _open(self) -> None:
        """Take in what others left, and see whether the database takes what comes: sends go on without it.

        From the first send on, the writer looks after that.
        """
        try:
            self._book.open()
            self._book.take_in()
        except (LedgerError, OSError) as error:
            log.warning("what is sent waits in the spool meanwhile: %s", error)

    async def _answer(self, scope: Scope, receive: Receive, emit: Emit) -> None:
        raw_path: str = scope["raw_path"].decode("latin-1")
        if scope["path"] == HEALTH and scope["method"] in ("GET", "HEAD"):
            await _give(self._health(), emit)
        elif (refusal := self._refusal(scope, raw_path)) is not None:
            await self._give(refusal, emit, "refused")
        else:
            query: bytes = scope["query_string"]
            target = raw_path + (f"?{query.decode('latin-1')}" if query else "")
            if chat_of(scope["method"], unquote(raw_path)) is not None:
                await self._send(scope, target, receive, emit)
            else:
                await self._pass(scope, target, receive, emit)

    def _refusal(self, scope: Scope, raw_path: str) -> Reply | None:
        """Return why a request goes nowhere, if so."""
        if scope["method"] in _OF_PROXIES:
            return problem(405, "method", f"{scope['method']} is for proxies, and this is none: {ABOUT}")
        if not raw_path.startswith(PREFIX) or not _is_plain(raw_path):
            return problem(404, "path", ABOUT)
        if self._key is not None and not hmac.compare_digest(value_of(scope["headers"], KEY) or b"", self._key):
            return problem(401, "key", "the header x-ledger-gateway-key has to hold the gateway's LEDGER_GATEWAY_KEY")
        return None

    def _health(self) -> Reply:
        return document(
            200,
            {"ok": True, "process": os.getpid(), "in_flight": self._sends.in_flight, "written": self._book.written},
        )

    async def _send(self, scope: Scope, target: str, receive: Receive, emit: Emit) -> None:
        most = self._settings.request_max_bytes
        body = await _whole(_arriving(receive), most)
        if body is None:
            said = f"a send may have {most:,} bytes: DingTalk takes far less; LEDGER_REQUEST_MAX_BYTES raises it"
            await self._give(problem(413, "too_large", said), emit, "refused")
            return
        send = Send(
            method=scope["method"],
            path=unquote(scope["raw_path"].decode("latin-1")),
            target=target,
            headers=scope["headers"],
            body=body,
            endpoint=self._endpoints.of(body, scope["query_string"]),
        )
        reply, came = await self._sends.carry(send)
        await self._give(reply, emit, "answered" if came else "unanswered")

    async def _give(self, reply: Reply, emit: Emit, outcome: str) -> None:
        self._count.labels(outcome).inc()
        await _give(reply, emit)

    async def _pass(self, scope: Scope, target: str, receive: Receive, emit: Emit) -> None:
        """Forward what is no send as it arrives, and its answer as that arrives."""
        body: bytes | AsyncIterator[bytes] | None = _arriving(receive) if _has_body(scope) else None
        if self._endpoints.are_several and body is not None:
            body = await _whole(_arriving(receive), self._settings.request_max_bytes)
            if body is None:
                said = "with several endpoints, a request has to fit into LEDGER_REQUEST_MAX_BYTES"
                await self._give(problem(413, "too_large", said), emit, "refused")
                return
        endpoint = self._endpoints.of(body if isinstance(body, bytes) else b"", scope["query_string"])
        has_begun = False
        try:
            async with self._forwarder.forward(
                scope["method"], endpoint, target, travelling(scope["headers"]), body
            ) as answer:
                has_begun = True
                self._count.labels("answered").inc()
                await emit(_start(answer.status, travelling_back(answer)))
                await _relay(answer.pieces(), receive, emit)
        except NoAnswerError as error:
            if has_begun:
                raise
            said = f"DingTalk did not answer: {error}"
            await self._give(problem(504 if error.timed_out else 502, "unanswered", said), emit, "unanswered")


async def _arriving(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGoneError
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def _whole(pieces: AsyncIterator[bytes], most: int) -> bytes | None:
    """Return a whole body, or None when it is too long."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > most:
            return None
    return bytes(body)


async def _relay(pieces: AsyncIterator[bytes], receive: Receive, emit: Emit) -> None:
    """Hand an answer on, in memory that does not grow; nothing is fetched any more for a sender that hung up."""
    gone = asyncio.ensure_future(_hung_up(receive))
    try:
        async for piece in pieces:
            await emit({"type": "http.response.body", "body": piece, "more_body": True})
            if gone.done():
                return
        await emit({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()


async def _hung_up(receive: Callable[[], Awaitable[Message]]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _give(reply: Reply, emit: Emit) -> None:
    await emit(_start(reply.status, reply.headers))
    await emit({"type": "http.response.body", "body": reply.body})


def _start(status: int, headers: list[tuple[bytes, bytes]]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}


def _has_body(scope: Scope) -> bool:
    length = value_of(scope["headers"], b"content-length")
    return length not in (None, b"0") or value_of(scope["headers"], b"transfer-encoding") is not None


def _is_plain(raw_path: str) -> bool:
    """Say whether a path means to every server what it means here: no steps up, no empty or doubled parts."""
    path = unquote(raw_path, "latin-1")
    parts = path.split("/")[1:]
    return "\\" not in path and not any(part in (".", "..") for part in parts) and "" not in parts[:-1]
