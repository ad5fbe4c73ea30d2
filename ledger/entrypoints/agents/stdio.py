"""The server on the standard streams of this process, which belong to one client: until that one leaves, or a signal.

Standard output carries the protocol and nothing else; whatever prints goes to standard error meanwhile.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from typing import Any, cast

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from ledger.entrypoints.process.signals import Stop

_PIECE_BYTES = 65_536
# What a client leaves behind that takes no answer any more: for whoever writes, and for who has the next answer ready.
_LEFT = (BrokenPipeError, ConnectionResetError, anyio.BrokenResourceError, anyio.ClosedResourceError)

log = logging.getLogger(__name__)


def serve(server: Server[Any], line_max_bytes: int) -> None:
    """Answer what comes in until nothing more comes, or a signal ends it.

    A call that is under way then still does what it does, but its client has gone: it gets no answer.
    """
    anyio.run(_serve, server, line_max_bytes)


async def _serve(server: Server[Any], line_max_bytes: int) -> None:
    loop, lines = asyncio.get_running_loop(), _InputLines(line_max_bytes)

    def end() -> None:
        loop.call_soon_threadsafe(scope.cancel)

    with anyio.CancelScope() as scope, Stop(signal.SIGTERM, signal.SIGHUP, say_so=end):
        try:
            async with stdio_server(stdin=cast("anyio.AsyncFile[str]", lines)) as (read_stream, write_stream):
                log.info("answering a client on the standard streams")
                await server.run(read_stream, write_stream, server.create_initialization_options())
        except* _LEFT:
            log.info("the client has left")


class _InputLines:
    """Lines of standard input, read by a thread of its own: one that waits for the next could not be ended."""

    def __init__(self, line_max_bytes: int) -> None:
        self._line_max_bytes = line_max_bytes
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue(1)

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield lines to the end of the input, or to one that is longer than any call may be."""
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, args=(loop,), name="ledger-stdin", daemon=True).start()
        while (line := await self._waiting.get()) is not None:
            yield line

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        def hand(line: str | None) -> None:
            asyncio.run_coroutine_threadsafe(self._waiting.put(line), loop).result()

        rest = b""
        try:
            # Past Python's buffers: their locks would still be held by this thread when the process ends.
            while len(rest) <= self._line_max_bytes and (piece := os.read(0, _PIECE_BYTES)):
                *whole, rest = (rest + piece).split(b"\n")
                for line in whole:
                    hand(line.decode("utf-8", "replace"))
            if len(rest) > self._line_max_bytes:
                log.error("a line has more than %s bytes: nothing more is read", f"{self._line_max_bytes:,}")
            hand(None)
        except RuntimeError:
            log.debug("nobody waits for lines any more")
