"""The server of one gateway process, on a socket that listens already, until it is told to stop."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ledger.entrypoints.gateway.application import Gateway
from ledger.entrypoints.process.http_server import BoundedServer

if TYPE_CHECKING:
    import socket

    from ledger.settings import Settings

KEEP_ALIVE_SECONDS = 75
# What comes after the answers are there: the spool, when the database is away.
LAST_SECONDS = 10.0
# The writer's thread must not hold up the loop for the default five milliseconds.
SWITCH_SECONDS = 0.0005


class GatewayServer(BoundedServer):
    """Serves a gateway until a signal comes or `is_over` says so; then what is in flight is answered and on disk first.

    `is_over` is asked ten times a second: it knows of signals that came before the server could take them.
    """

    def __init__(self, gateway: Gateway, settings: "Settings", is_over: Callable[[], bool] = lambda: False) -> None:
        self._is_over = is_over
        super().__init__(
            gateway,
            settings,
            loop="uvloop",
            lifespan="on",
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=int(settings.gateway_timeout_seconds + LAST_SECONDS),
        )

    def run(self, sockets: "list[socket.socket] | None" = None) -> None:
        """Serve until the end."""
        sys.setswitchinterval(SWITCH_SECONDS)
        super().run(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Say whether to end now."""
        return await super().on_tick(counter) or self._is_over()
