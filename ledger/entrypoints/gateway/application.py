"""The gateway as an ASGI application: what is a path of the API goes on to its endpoint, and nothing else anywhere."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.types import Receive, Scope
from starlette.types import Send as Emit

from ledger.core.recording.send_calls import send_path
from ledger.dingtalk.endpoints import Endpoints
from ledger.dingtalk.forwarder import PIECE_BYTES, Forwarder, NoAnswerError
from ledger.entrypoints.gateway.admission import Admission
from ledger.entrypoints.gateway.answers import Reply, document, problem
from ledger.entrypoints.gateway.headers import CAMPAIGN, tag_of, travelling, value_of
from ledger.entrypoints.gateway.sends import Send, Sends, travelling_back
from ledger.entrypoints.gateway.streams import SenderGoneError, arriving, give, relay, start, whole
from ledger.entrypoints.gateway.unknown_calls import UnknownCalls
from ledger.errors import SendingStoppedError

if TYPE_CHECKING:
    from prometheus_client import Counter

    from ledger.parts import Parts

HEALTH = "/healthz"
SEND_MAX_BYTES = 1_000_000

log = logging.getLogger(__name__)


class Gateway:
    """Forwards for one ledger; built once for each process."""

    def __init__(self, parts: "Parts", endpoints: Endpoints, count: "Counter") -> None:
        self._parts, self._endpoints, self._settings, self._count = parts, endpoints, parts.settings, count
        self._admission = Admission(parts.settings.gateway_key)
        self._unknown = UnknownCalls()
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
            self._sends = Sends(self._parts.recorder.send_recorder, self._forwarder)
            self._parts.known_stops.look_out()
            opening = asyncio.create_task(asyncio.to_thread(self._parts.recorder.look_after_spool))
            await emit({"type": "lifespan.startup.complete"})
            await receive()
            await self._sends.finish()
            await opening
        await emit({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, emit: Emit) -> None:
        raw_path: str = scope["raw_path"].decode("latin-1")
        if scope["path"] == HEALTH and scope["method"] in ("GET", "HEAD"):
            await give(self._health(), emit)
        elif (refusal := self._admission.refusal(scope, raw_path)) is not None:
            await self._give(refusal, emit, "refused")
        else:
            query: bytes = scope["query_string"]
            target = raw_path + (f"?{query.decode('latin-1')}" if query else "")
            if send_path(scope["method"], unquote(raw_path)) is not None:
                await self._send(scope, target, receive, emit)
            else:
                await self._pass(scope, target, receive, emit)

    def _health(self) -> Reply:
        return document(
            200,
            {
                "ok": True,
                "process": os.getpid(),
                "in_flight": self._sends.in_flight,
                "written": self._parts.recorder.counts,
            },
        )

    async def _send(self, scope: Scope, target: str, receive: Receive, emit: Emit) -> None:
        most = min(SEND_MAX_BYTES, self._settings.request_max_bytes)
        body = await whole(arriving(receive), most)
        if body is None:
            message = f"a send may have {most:,} bytes: DingTalk takes far less"
            await self._give(problem(413, "too_large", message), emit, "refused")
            return
        send = Send(
            method=scope["method"],
            path=unquote(scope["raw_path"].decode("latin-1")),
            target=target,
            headers=scope["headers"],
            body=body,
            endpoint=self._endpoints.of(body, scope["query_string"]),
        )
        campaign = tag_of(send.headers, CAMPAIGN) or self._settings.campaign
        if campaign is not None and self._parts.known_stops.hold(campaign):
            refused = SendingStoppedError(campaign)
            await self._give(problem(403, refused.code, str(refused)), emit, "refused")
            return
        reply, came = await self._sends.carry(send)
        await self._give(reply, emit, "answered" if came else "unanswered")

    async def _give(self, reply: Reply, emit: Emit, outcome: str) -> None:
        self._count.labels(outcome).inc()
        await give(reply, emit)

    async def _pass(self, scope: Scope, target: str, receive: Receive, emit: Emit) -> None:
        """Forward what is no send as it arrives, and its answer as that arrives."""
        self._unknown.note(scope["method"], scope["raw_path"].decode("latin-1"))
        body: bytes | AsyncIterator[bytes] | None = arriving(receive)
        length = _length_of(scope)
        if length is not None and length <= PIECE_BYTES:
            body = await whole(arriving(receive), PIECE_BYTES)
        elif self._endpoints.are_several:
            # What it says decides where it goes.
            body = await whole(arriving(receive), self._settings.request_max_bytes)
        if body is None:
            message = "with several endpoints, a request has to fit into LEDGER_REQUEST_MAX_BYTES"
            await self._give(problem(413, "too_large", message), emit, "refused")
            return
        endpoint = self._endpoints.of(body if isinstance(body, bytes) else b"", scope["query_string"])
        has_begun = False
        try:
            async with self._forwarder.forward(
                scope["method"], endpoint, target, travelling(scope["headers"]), body
            ) as answer:
                has_begun = True
                self._count.labels("answered").inc()
                await emit(start(answer.status, travelling_back(answer)))
                await relay(answer.pieces(), receive, emit)
        except NoAnswerError as error:
            if has_begun:
                raise
            message = f"DingTalk did not answer: {error}"
            await self._give(problem(504 if error.timed_out else 502, "unanswered", message), emit, "unanswered")


def _length_of(scope: Scope) -> int | None:
    """Return how long the body of a request is, or None when only its end will tell."""
    if value_of(scope["headers"], b"transfer-encoding") is not None:
        return None
    return int(value_of(scope["headers"], b"content-length") or b"0")
