"""The service over loopback on both databases, and people with tokens who ask it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ledger import Ledger
from ledger.core.access.roles import Role
from ledger.entrypoints.http.server import ServiceServer
from ledger.entrypoints.service.application import build_app
from tests.conftest import MakeLedger


@dataclass
class Service:
    """A service that listens, and clients for it."""

    url: str
    book: Ledger
    app: FastAPI
    server: ServiceServer

    def client(self, secret: str | None = None, **options: Any) -> httpx.Client:
        """Return a client, with a token if one is given."""
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        return httpx.Client(base_url=self.url, headers={**headers, **options.pop("headers", {})}, timeout=30, **options)

    def token(self, role: Role | str, *, name: str | None = None, robots: tuple[str, ...] = ()) -> str:
        """Make a token and return its secret."""
        made = self.book.parts.service_tokens.create(name or f"the-{role}", Role(role), robots=robots, actor="tester")
        return made.secret

    def signed_up(self, role: Role | str, **options: Any) -> httpx.Client:
        """Return a client with a new token."""
        return self.client(self.token(role, **options))


@contextmanager
def serving(book: Ledger, *, port: int = 0, **options: Any) -> Iterator[Service]:
    """Serve a ledger in a thread until the end; at a port, or any free one."""
    app = build_app(book.parts, **{"is_open": True, "with_worker": False, **options})
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = ServiceServer(app)
        thread = threading.Thread(target=server.run, args=([listener],))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.start()
        try:
            # The socket listens already: the first request waits until the server takes it.
            yield Service(url, book, app, server)
        finally:
            server.stop()
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def service(book: Ledger) -> Iterator[Service]:
    """A service without tokens, and without a worker."""
    with serving(book) as running:
        yield running


ServeLedger = Callable[..., Service]


@pytest.fixture
def serve_ledger(make_ledger: MakeLedger) -> Iterator[ServeLedger]:
    """A maker of services with settings of their own."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def serve(*, with_worker: bool = False, is_open: bool = True, **settings: Any) -> Service:
            return stack.enter_context(serving(make_ledger(**settings), with_worker=with_worker, is_open=is_open))

        yield serve
