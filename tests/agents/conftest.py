"""Agents that talk to the ledger with the client of the official SDK: over streamable HTTP, and over real pipes."""

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.from_thread
import httpx2
import pytest
from mcp import Client, StdioServerParameters, types
from mcp.client.streamable_http import streamable_http_client

from ledger import Ledger
from ledger.core.access.roles import Role
from ledger.entrypoints.agents.application import PATH, build_app, who_holds_the_token
from ledger.entrypoints.agents.server import build_server
from ledger.entrypoints.http.server import ServiceServer
from ledger.entrypoints.process.metrics import Metrics
from tests.conftest import MakeLedger
from tests.forked_command import write_stand_in

AGENT = "claude-code"


@dataclass
class Said:
    """An answer of a tool, or its error."""

    result: types.CallToolResult

    @property
    def texts(self) -> Sequence[str]:
        """The texts of the answer."""
        return [one.text for one in self.result.content if isinstance(one, types.TextContent)]

    @property
    def document(self) -> dict[str, Any]:
        """The answer as JSON."""
        document = self.result.structured_content
        assert isinstance(document, dict)
        return document

    @property
    def data(self) -> dict[str, Any]:
        """What an answer tells."""
        assert not self.result.is_error, self.texts
        data = self.document["data"]
        assert isinstance(data, dict)
        return data

    @property
    def code(self) -> str:
        """The code of an error."""
        assert self.result.is_error, self.texts
        return str(self.document["error"]["code"])


class Agent:
    """A client whose calls wait for their answer."""

    def __init__(self, portal: anyio.from_thread.BlockingPortal, client: Client) -> None:
        self._portal, self.client = portal, client

    def __call__(self, tool: str, **arguments: Any) -> Said:
        """Call a tool; the client holds the answer against the tool's schema."""
        return Said(self._portal.call(lambda: self.client.call_tool(tool, arguments)))

    def tools(self) -> Sequence[types.Tool]:
        """Return the tools that there are."""
        return list(self._portal.call(lambda: self.client.list_tools()).tools)


@contextmanager
def talking(server: Any, *, agent: str = AGENT, mode: str = "auto") -> Iterator[Agent]:
    """Connect to a server until the end."""
    info = types.Implementation(name=agent, version="1")
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(Client(server, client_info=info, mode=mode)) as client,
    ):
        yield Agent(portal, client)


@asynccontextmanager
async def over_http(url: str, secret: str) -> AsyncIterator[Any]:
    """Give the streams of a client that shows a token."""
    shown = {"Authorization": f"Bearer {secret}"}
    async with (
        httpx2.AsyncClient(headers=shown, timeout=30, trust_env=False) as client,
        streamable_http_client(url, http_client=client) as streams,
    ):
        yield streams


@dataclass
class AgentsDoor:
    """The tools over HTTP."""

    url: str
    book: Ledger
    stack: ExitStack

    def token(self, name: str, role: Role = Role.OPERATOR, **options: Any) -> str:
        """Make a token of the service and return its secret."""
        return self.book.parts.service_tokens.create(name, role, actor="tester", **options).secret

    def agent(self, secret: str, **options: Any) -> Agent:
        """Return an agent that shows a token."""
        return self.stack.enter_context(self.connected(secret, **options))

    @contextmanager
    def connected(self, secret: str, **options: Any) -> Iterator[Agent]:
        """Connect an agent that shows a token, until the end."""
        with talking(over_http(f"{self.url}{PATH}", secret), **options) as agent:
            yield agent


OpenDoor = Callable[..., AgentsDoor]


@contextmanager
def _listening(book: Ledger, stack: ExitStack) -> Iterator[AgentsDoor]:
    server = build_server(book.parts, who_holds_the_token, with_worker=False)
    app = build_app(book.parts, server, Metrics(book.parts))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = ServiceServer(app)
        thread = threading.Thread(target=running.run, args=([listener],))
        thread.start()
        try:
            yield AgentsDoor(f"http://127.0.0.1:{listener.getsockname()[1]}", book, stack)
        finally:
            running.stop()
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def open_door(make_ledger: MakeLedger) -> Iterator[OpenDoor]:
    """A maker of doors over HTTP, on the fake clock and the simulated DingTalk, with settings of their own."""
    with ExitStack() as doors:

        def make(**settings: Any) -> AgentsDoor:
            # Those who talk leave before the door closes.
            book = make_ledger(**settings)
            agents = ExitStack()
            door = doors.enter_context(_listening(book, agents))
            doors.enter_context(closing(agents))
            return door

        yield make


@pytest.fixture
def door(open_door: OpenDoor) -> AgentsDoor:
    """A door with the ordinary settings."""
    return open_door()


def started(folder: Path, environment: dict[str, str], *options: str) -> StdioServerParameters:
    """Return how a client starts `ledger mcp` as a process of its own."""
    command = folder / "ledger"
    write_stand_in(command)
    return StdioServerParameters(command=str(command), args=["mcp", *options], env=environment)
