"""The HTTP shell around the world: it reads requests, sleeps and cuts lines as told, and knows nothing of DingTalk."""

import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from . import management
from .exchange import Cut, Reply, Request
from .world import World

LONGEST_BODY_BYTES = 512 * 1024 * 1024


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive; each answer leaves in one piece, so that no delayed acknowledgement holds it up."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Listener"

    def do_GET(self) -> None:
        """Answer one request."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > LONGEST_BODY_BYTES or "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)
            self.close_connection = True
            return
        body = self.rfile.read(length) if length else b""
        headers = dict(self.headers.items())
        request = Request.of(self.command, self.path, headers, body, str(self.client_address[0]))
        self._send(self.server.answer(request))

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET  # noqa: N815 - as above

    def _send(self, reply: Reply) -> None:
        if reply.delay_seconds > 0:
            self.server.stopping.wait(reply.delay_seconds)
        if reply.cut in (Cut.BEFORE_WORK, Cut.AFTER_WORK):
            self.close_connection = True
            return
        body = reply.body
        if reply.cut is Cut.MID_BODY:
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(head_of(reply, closes=self.close_connection and reply.cut is None) + body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the signature of the base class
        """Stay silent."""


def head_of(reply: Reply, *, closes: bool) -> bytes:
    """Write the status line and the headers."""
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    lines.append(f"Content-Length: {len(reply.body)}")
    if closes:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Listener(ThreadingHTTPServer):
    """Takes connections in, one daemon thread each, and can end them all."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], world: World) -> None:
        self.world = world
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        # The server itself knows addresses with dots only.
        self.address_family = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0][0]
        super().__init__(address, Handler)

    def answer(self, request: Request) -> Reply:
        """Hand a request to the management door or to the world."""
        if request.path.startswith(management.PREFIX):
            return management.answer(self.world, request)
        return self.world.handle(request)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection while it is open."""
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent about callers that went away; anything else is a fault of the simulator and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def end_connections(self, timeout_seconds: float) -> None:
        """Wake every sleeping answer, shut every connection and wait until their threads have let go of them."""
        self.stopping.set()
        with self._changed:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # it is being closed already
                    continue
            self._changed.wait_for(lambda: not self._open, timeout_seconds)
