"""A server that keeps every request as it came over the wire, and answers sends as it is told."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = json.dumps({"processQueryKey": "echo+/=", "invalidStaffIdList": []}).encode()


class Echo(ThreadingHTTPServer):
    """Answers from this machine; `seen` holds the line, the headers and the body of each request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.seen: list[tuple[str, list[tuple[str, str]], bytes]] = []
        self.zips = False
        self.redirects_to: str | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Echo

    def do_POST(self) -> None:
        self.server.seen.append((self.requestline, self.headers.items(), self._body()))
        if self.server.redirects_to:
            self.send_response(307)
            self.send_header("Location", self.server.redirects_to)
            self.server.redirects_to, body = None, b""
        else:
            self.send_response(200)
            body = gzip.compress(ANSWER, mtime=0) if self.server.zips else ANSWER
        self.send_header("Content-Type", "application/json")
        if self.server.zips:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Set-Cookie", "taste=good")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@contextmanager
def echoing() -> Iterator[Echo]:
    """Run an echo for a while."""
    echo = Echo()
    thread = threading.Thread(target=echo.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield echo
    finally:
        echo.shutdown()
        thread.join()
        echo.server_close()
