"""The server of one gateway process: uvicorn on a socket that listens already, until it is told to stop."""

import sys
from collections.abc import Callable
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


class GatewayServer(uvicorn.Server):
    """Serves a gateway until a signal comes or `is_over` says so; then what is in flight is answered and on disk first.

    `is_over` is asked ten times a second: it knows of signals that came before the server could take them.
    """

    def __init__(self, gateway: Gateway, settings: "Settings", is_over: Callable[[], bool] = lambda: False) -> None:
        self._is_over = is_over
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

    async def on_tick(self, counter: int) -> bool:
        """Say whether to end now."""
        return await super().on_tick(counter) or self._is_over()
