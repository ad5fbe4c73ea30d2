"""The two doors that listen, the gateway and the service, as somebody sees them who writes bytes to a socket."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ledger import Ledger, Settings
from ledger.entrypoints.process.http_server import BoundedServer
from tests.api.conftest import serving
from tests.gateway.conftest import SEND_PATH, Upstream, running_gateway, upstream_server

KINDS = ("gateway", "service")


@dataclass(frozen=True)
class Door:
    """A door, its server, and a path at which bodies are taken; `upstream` is what stands behind a gateway."""

    host: str
    port: int
    server: BoundedServer
    path: bytes
    upstream: Upstream | None

    def connect(self) -> socket.socket:
        """Return a connection."""
        line = socket.create_connection((self.host, self.port))
        line.settimeout(20)
        return line

    def raw(self, *pieces: bytes) -> bytes:
        """Write bytes, and return all that comes back until the door closes."""
        with self.connect() as line:
            for piece in pieces:
                line.sendall(piece)
            return read_all(line)

    def post(self, *headers: bytes, body: bytes = b"") -> bytes:
        """Write a request down."""
        return b"\r\n".join([b"POST " + self.path + b" HTTP/1.1", b"Host: 127.0.0.1", *headers, b"", b""]) + body

    def is_healthy(self) -> bool:
        """Say whether it answers on a new connection."""
        return self.raw(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n").startswith(
            b"HTTP/1.1 200"
        )

    def elapse(self, seconds: int) -> None:
        """Let the door look at its connections as often as it does in some seconds."""
        for connection in list(self.server.server_state.connections):
            loop: Any = connection.loop
            for _ in range(seconds):
                loop.call_soon_threadsafe(self.server.look)
            return


def read_all(line: socket.socket) -> bytes:
    """Return all that comes; a connection that is cut ends it too."""
    found = b""
    try:
        while piece := line.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return found


@contextmanager
def opened(kind: str, book: Ledger, upstream: Upstream) -> Iterator[Door]:
    """Open a door on a ledger."""
    if kind == "gateway":
        with running_gateway(book) as gateway:
            yield Door(gateway.host, gateway.port, gateway.server, SEND_PATH.encode(), upstream)
    else:
        with serving(book) as service:
            parts = urlsplit(service.url)
            yield Door(parts.hostname or "", parts.port or 0, service.server, b"/v1/messages", None)


@pytest.fixture
def limits() -> dict[str, Any]:
    """Settings for the door of a test."""
    return {}


@pytest.fixture(params=KINDS)
def door(
    request: pytest.FixtureRequest, tmp_path: Path, limits: dict[str, Any], sqlite_template: Path
) -> Iterator[Door]:
    """Each of the doors."""
    shutil.copy(sqlite_template, tmp_path / "own.sqlite")
    with upstream_server() as upstream:
        upstream.answer = b'HTTP/1.1 200 OK\r\nContent-Length: 25\r\n\r\n{"processQueryKey": "k1"}'
        given = {
            "database_url": f"sqlite:///{tmp_path / 'own.sqlite'}",
            "spool_dir": tmp_path / "spool",
            "api_url": upstream.url,
            **limits,
        }
        with Ledger(Settings.load(**given)) as book, opened(request.param, book, upstream) as found:
            yield found
