"""Bodies as they come in and go out, in memory that does not grow."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.types import Message, Receive, Send

from ledger.entrypoints.gateway.answers import Reply
from ledger.entrypoints.gateway.headers import RawHeaders


class SenderGoneError(Exception):
    """The sender hung up before its request was whole."""


async def arriving(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGoneError
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body"):
            return


async def whole(pieces: AsyncIterator[bytes], most: int) -> bytes | None:
    """Return a whole body, or None when it is too long."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > most:
            return None
    return bytes(body)


async def relay(pieces: AsyncIterator[bytes], receive: Receive, emit: Send) -> None:
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


async def give(reply: Reply, emit: Send) -> None:
    await emit(start(reply.status, reply.headers))
    await emit({"type": "http.response.body", "body": reply.body})


def start(status: int, headers: RawHeaders) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers}
