"""The server of one gateway process: uvicorn on a socket that listens already, until it is told to stop."""

import asyncio
import sys
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ledger.entrypoints.gateway.application import Gateway

if TYPE_CHECKING:
    import socket

    from ledger.settings import Settings

KEEP_ALIVE_SECONDS = 75
LONGEST_HEAD_BYTES = 64 * 1024
# What comes after the answers are there: the spool, when the database is away.
LAST_SECONDS = 10.0
# The writer's thread must not hold up the loop for the default five milliseconds.
SWITCH_SECONDS = 0.0005


class Protocol(HttpToolsProtocol):
    """HTTP/1.1 with a limit for headers, which the parser does not have."""

    _head_bytes = 0
    _is_in_head = True

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        super().data_received(data)
        self._head_bytes = self._head_bytes + len(data) if self._is_in_head else 0
        if self._head_bytes > LONGEST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too long.")

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        """Count no longer."""
        super().on_headers_complete()
        self._is_in_head = False


class Server(uvicorn.Server):
    """Serves a gateway; `should_exit` or a signal ends it once what is in flight is answered and on disk."""

    def __init__(self, gateway: Gateway, settings: "Settings", *, until_closed: int | None = None) -> None:
        self._pipe = until_closed
        config = uvicorn.Config(
            gateway,
            http=Protocol,
            ws="none",
            loop="uvloop",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.gateway_timeout_seconds + LAST_SECONDS),
        )
        super().__init__(config)

    def run(self, sockets: "list[socket.socket] | None" = None) -> None:
        """Serve until the end."""
        sys.setswitchinterval(SWITCH_SECONDS)
        super().run(sockets)

    async def startup(self, sockets: "list[socket.socket] | None" = None) -> None:
        """Begin to listen, and to watch a pipe whose other end is held by whoever wants this server."""
        if self._pipe is not None:
            asyncio.get_running_loop().add_reader(self._pipe, self._leave, self._pipe)
        await super().startup(sockets)

    def _leave(self, pipe: int) -> None:
        asyncio.get_running_loop().remove_reader(pipe)
        self.should_exit = True
