"""The gateway over loopback, in front of a pretend DingTalk or of a server that shows every byte that it gets."""

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger import Ledger, Settings
from ledger.dingtalk.endpoints import Endpoints
from ledger.entrypoints.gateway.application import Gateway
from ledger.entrypoints.gateway.server import GatewayServer
from ledger.entrypoints.process.metrics import Metrics
from ledger.simulator import Behaviour, Simulator

SEND_PATH = "/v1.0/robot/oToMessages/batchSend"
ROBOT = "robot-1"
UNLIMITED = Behaviour(calls_per_second=None, monthly_quota=None, ban_after_calls=None)


def send_body(*users: str, robot: str = ROBOT) -> dict[str, Any]:
    """Return the body of a one-on-one send."""
    return {"robotCode": robot, "userIds": list(users), "msgKey": "sampleText", "msgParam": '{"content": "Hi"}'}


@dataclass(frozen=True)
class Seen:
    """One request as it stood on the wire."""

    line: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def values(self, name: bytes) -> list[bytes]:
        """Return the values of a header."""
        return [value for known, value in self.headers if known.lower() == name]


def read_request(stream: Any) -> Seen | None:
    """Read one request; None when the other side is done."""
    line = stream.readline()
    if not line:
        return None
    headers = []
    while (header := stream.readline()) not in (b"\r\n", b""):
        name, _, value = header.rstrip(b"\r\n").partition(b": ")
        headers.append((name, value))
    lower = {name.lower(): value for name, value in headers}
    if lower.get(b"transfer-encoding") == b"chunked":
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    else:
        body = stream.read(int(lower.get(b"content-length", b"0")))
    return Seen(line.rstrip(b"\r\n"), headers, body)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[Seen, socket.socket], None]


@dataclass
class Upstream:
    """A server that keeps what it gets, and answers with bytes or as it is told."""

    url: str
    answer: bytes | Answer = OK
    seen: list[Seen] = field(default_factory=list)

    def serve(self, connection: socket.socket) -> None:
        """Answer on one connection until it ends."""
        with connection, connection.makefile("rb") as stream, suppress(OSError, ValueError):
            while (request := read_request(stream)) is not None:
                self.seen.append(request)
                if isinstance(self.answer, bytes):
                    connection.sendall(self.answer)
                else:
                    self.answer(request, connection)


@contextmanager
def upstream_server() -> Iterator[Upstream]:
    """Run an upstream until the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = Upstream(f"http://127.0.0.1:{listener.getsockname()[1]}")

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=upstream.serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield upstream
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """An endpoint that shows what it gets."""
    with upstream_server() as running:
        yield running


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A pretend DingTalk over loopback."""
    with Simulator(behaviour=UNLIMITED) as running:
        yield running


@dataclass
class Running:
    """A gateway that listens, its ledger, and how to ask it."""

    host: str
    port: int
    book: Ledger
    server: GatewayServer

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def client(self, headers: Mapping[str, str] | None = None) -> httpx.Client:
        """Return a client of the gateway."""
        return httpx.Client(base_url=self.url, headers=dict(headers or {}), timeout=30, trust_env=False)

    def send(self, *users: str, headers: Mapping[str, str] | None = None, robot: str = ROBOT) -> httpx.Response:
        """Send to some users."""
        with self.client(headers) as client:
            return client.post(SEND_PATH, json=send_body(*users, robot=robot))

    def raw(self, request: bytes) -> bytes:
        """Write bytes that ask for the end of the connection, and return all that comes back."""
        with closing(socket.create_connection((self.host, self.port))) as line:
            line.settimeout(10)
            line.sendall(request)
            found = b""
            while piece := line.recv(65536):
                found += piece
            return found


@contextmanager
def running_gateway(book: Ledger, app: str | None = None) -> Iterator[Running]:
    """Run the gateway of a ledger in a thread until the end, which is a graceful one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = GatewayServer(
            Gateway(book.parts, Endpoints(book.settings, app), Metrics(book.parts).gateway), book.settings
        )
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            host, port = listener.getsockname()[:2]
            yield Running(host, port, book, server)
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


MakeGateway = Callable[..., Running]


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A database for tests that are not about databases."""
    shutil.copy(sqlite_template, tmp_path / "own.sqlite")
    return f"sqlite:///{tmp_path / 'own.sqlite'}"


@contextmanager
def _making(url: str, folder: Path) -> Iterator[MakeGateway]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def make(api_url: str, *, app: str | None = None, **settings: Any) -> Running:
            given = {
                "database_url": url,
                "api_url": api_url,
                "app_key": "dingapp",
                "app_secret": "a-long-secret-of-the-app",
                "spool_dir": folder / "spool",
                **settings,
            }
            book = stack.enter_context(Ledger(Settings.load(**given)))
            return stack.enter_context(running_gateway(book, app))

        yield make


@pytest.fixture
def make_gateway(sqlite_url: str, tmp_path: Path) -> Iterator[MakeGateway]:
    """A maker of gateways in front of an endpoint."""
    with _making(sqlite_url, tmp_path) as make:
        yield make


@pytest.fixture
def make_gateway_on_both(database_url: str, tmp_path: Path) -> Iterator[MakeGateway]:
    """The same on both databases."""
    with _making(database_url, tmp_path) as make:
        yield make


@pytest.fixture
def gateway(make_gateway: MakeGateway, upstream: Upstream) -> Running:
    """A gateway in front of the endpoint that shows what it gets."""
    return make_gateway(upstream.url)


@pytest.fixture
def recording(make_gateway_on_both: MakeGateway, simulator: Simulator) -> Running:
    """A gateway in front of the pretend DingTalk, on both databases."""
    return make_gateway_on_both(simulator.url)


def token_of(simulator: Simulator) -> dict[str, str]:
    """Return the header with which a sender is let in."""
    return {"x-acs-dingtalk-access-token": simulator.world.issue_token("dingapp")}


def answering(status: str, body: bytes, *headers: str) -> bytes:
    """Write an answer down."""
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""])
    return head.encode() + body


KEYED = answering("200 OK", json.dumps({"processQueryKey": "k+/="}).encode(), "Content-Type: application/json")
