"""An HTTP/1.1 server for an ASGI application that no client can hold up: uvicorn with bounded connections."""

import resource
from typing import TYPE_CHECKING, Any

import uvicorn

from ledger.entrypoints.process.http_connection import BoundedConnection, Occupancy
from ledger.entrypoints.process.http_turns import Turns

if TYPE_CHECKING:
    import socket

    from starlette.types import ASGIApp

    from ledger.settings import Settings

TICKS_PER_SECOND = 10
# Besides those of clients: databases, files, connections to DingTalk.
OTHER_DESCRIPTORS = 1024


class _Config(uvicorn.Config):
    occupancy: Occupancy
    turns: Turns


class BoundedServer(uvicorn.Server):
    """Serves on sockets that listen already; `options` are those of uvicorn."""

    def __init__(self, app: "ASGIApp", settings: "Settings", **options: Any) -> None:
        config = _Config(
            app,
            http=BoundedConnection,
            ws="none",
            log_config=None,
            access_log=False,
            # Only the service listens to proxies, and to those that the settings name.
            proxy_headers=False,
            server_header=False,
            **options,
        )
        config.occupancy = Occupancy(
            most=settings.connections_max, most_per_address=settings.connections_per_address_max
        )
        config.turns = Turns()
        super().__init__(config)

    def run(self, sockets: "list[socket.socket] | None" = None) -> None:
        """Serve until the end."""
        _allow_descriptors(self.config.occupancy.most + OTHER_DESCRIPTORS)  # type: ignore[attr-defined]
        super().run(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Look at every connection once a second; say whether to end now."""
        if counter % TICKS_PER_SECOND == 0:
            self.look()
        return await super().on_tick(counter)

    def look(self) -> None:
        """Cut connections that are too slow; a look stands for a second."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, BoundedConnection):
                connection.look()


def _allow_descriptors(wanted: int) -> None:
    """Let this process open as many files and connections as it needs, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
