"""Sends on their way: each is carried to its end, whatever becomes of its sender, and on disk before it is answered."""

import asyncio
import logging
from dataclasses import dataclass

from ledger.core.recording.expiry import seconds_of
from ledger.dingtalk.forwarder import ForwardedAnswer, Forwarder, NoAnswerError
from ledger.entrypoints.gateway.answers import Reply, problem
from ledger.entrypoints.gateway.encodings import unpacked
from ledger.entrypoints.gateway.headers import (
    CAMPAIGN,
    EXPIRES,
    SOURCE,
    RawHeaders,
    of_a_send,
    tag_of,
    travelling,
    value_of,
)
from ledger.services.recording.group_writer import PATIENCE_SECONDS, PendingWrite
from ledger.services.recording.sends import SendRecorder
from ledger.spool.sends import OpenSend

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A send call as it arrived; `path` is decoded, `target` is what stood on the wire."""

    method: str
    path: str
    target: str
    headers: RawHeaders
    body: bytes
    endpoint: str


class Sends:
    """All sends that are under way."""

    def __init__(self, send_recorder: SendRecorder, forwarder: Forwarder) -> None:
        self._send_recorder, self._forwarder = send_recorder, forwarder
        self._running: set[asyncio.Task[tuple[Reply, bool]]] = set()

    @property
    def in_flight(self) -> int:
        """How many are under way."""
        return len(self._running)

    async def carry(self, send: Send) -> tuple[Reply, bool]:
        """Forward a send and return its answer once its key is on disk, and whether it is DingTalk's.

        It goes on when nobody waits for it any more.
        """
        task = asyncio.create_task(self._carry(send))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def finish(self) -> None:
        """Return when nothing is under way any more."""
        while self._running:
            await asyncio.wait(self._running)

    async def _carry(self, send: Send) -> tuple[Reply, bool]:
        sending = self._send_recorder.sending(
            send.method,
            send.path,
            unpacked(send.body, value_of(send.headers, b"content-encoding")),
            campaign=tag_of(send.headers, CAMPAIGN),
            source=tag_of(send.headers, SOURCE),
            expires_in=_expires_in(send.headers),
        )
        try:
            reply = await self._forward(send)
        except NoAnswerError as error:
            await self._kept(_lost(sending, error))
            return _no_answer(error), False
        except BaseException as error:
            if sending is not None:
                sending.lost(f"the gateway ended before an answer came ({type(error).__name__})")
            raise
        if sending is not None:
            body = unpacked(reply.body, value_of(reply.headers, b"content-encoding"))
            await self._kept(sending.answered(reply.status, body))
        return reply, True

    async def _forward(self, send: Send) -> Reply:
        headers = of_a_send(travelling(send.headers), len(send.body))
        async with self._forwarder.forward(send.method, send.endpoint, send.target, headers, send.body) as answer:
            return Reply(status=answer.status, headers=travelling_back(answer), body=await answer.read())

    async def _kept(self, entry: PendingWrite | None) -> None:
        """Return once an entry is on disk, or in the log as the last resort; the loop goes on meanwhile."""
        if entry is None:
            return
        if not await entry.outcome.is_done_within(PATIENCE_SECONDS):
            # The database does not answer: the spool has to do, and syncing it takes its time.
            await asyncio.to_thread(self._send_recorder.wait, entry, patience_seconds=0)
        elif (error := entry.outcome.exception()) is not None:
            log.error("a send is not on disk: %s", error)


def _expires_in(headers: RawHeaders) -> float | None:
    """Return after how many seconds what is sent shall vanish; what is no such number is said, and holds nothing up."""
    said = tag_of(headers, EXPIRES)
    seconds = seconds_of(said)
    if said is not None and seconds is None:
        log.warning("x-ledger-expires is no number of seconds (%.60r): this send does not vanish by itself", said)
    return seconds


def travelling_back(answer: ForwardedAnswer) -> RawHeaders:
    """Return the headers that the sender gets; what has no body by its status says nothing of a length."""
    headers = travelling(answer.headers)
    if answer.status in (204, 304):
        return [(name, value) for name, value in headers if name.lower() != b"content-length"]
    return headers


def _lost(sending: OpenSend[PendingWrite] | None, error: NoAnswerError) -> PendingWrite | None:
    if sending is None:
        return None
    if error.sent:
        return sending.lost(str(error))
    sending.void()
    return None


def _no_answer(error: NoAnswerError) -> Reply:
    """Tell a sender that no answer came, and whether its request may have arrived."""
    if error.timed_out and error.sent:
        return problem(504, "timeout", f"DingTalk did not answer in time; it may have sent the message ({error})")
    if error.sent:
        return problem(502, "cut", f"DingTalk's answer broke off; it may have sent the message ({error})")
    if error.timed_out:
        return problem(504, "unreachable", f"DingTalk cannot be reached in time; nothing was sent ({error})")
    return problem(502, "unreachable", f"DingTalk cannot be reached; nothing was sent ({error})")
