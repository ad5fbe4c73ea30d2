"""The server over streamable HTTP, at /mcp: behind the tokens of the service, and the same checks of every request."""

import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, cast

from fastapi.concurrency import run_in_threadpool
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ledger.core.access.roles import Identity
from ledger.entrypoints.agents.callers import Context
from ledger.entrypoints.http.access_log import AccessLog
from ledger.entrypoints.http.door import bearer_of, patience, refuse_other_sites, who_asks
from ledger.entrypoints.http.forwarded import BehindProxies
from ledger.entrypoints.http.problems import answer_problems, problem
from ledger.entrypoints.http.request_guard import RequestGuard
from ledger.entrypoints.process.metrics import Metrics
from ledger.errors import UnauthenticatedError
from ledger.parts import Parts

PATH = "/mcp"
# Nothing is sent that no client asked for, so there is no stream to listen on with GET.
METHODS = ("POST", "DELETE")
SESSIONS_MAX = 1000
SESSION_IDLE_SECONDS = 1800.0


def who_holds_the_token(context: Context) -> Identity:
    """Return who was let in with the request that a call came by."""
    return who_asks(cast("Request", context.request))


def build_app(parts: Parts, server: Server[Any], metrics: Metrics) -> Starlette:
    """Return the application; nobody comes in without a token, not from this machine either."""
    sessions = StreamableHTTPSessionManager(
        server,
        json_response=True,
        session_idle_timeout=SESSION_IDLE_SECONDS,
        max_sessions=SESSIONS_MAX,
        max_request_body_size=parts.settings.request_max_bytes,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sessions.run():
            yield

    settings = parts.settings
    app = Starlette(
        routes=[Route(PATH, Gate(parts, sessions), methods=list(METHODS))],
        middleware=[
            Middleware(BehindProxies, trusted=settings.trusted_proxies, is_https=settings.is_public_https),
            Middleware(AccessLog, metrics=metrics),
            Middleware(RequestGuard, allowed_hosts=settings.own_hosts, request_max_bytes=settings.request_max_bytes),
        ],
        lifespan=lifespan,
    )
    app.state.parts = parts
    app.state.stopping = threading.Event()
    answer_problems(app, _no_page)
    return app


def _no_page(_: Request, status: int, code: str, message: str, headers: Mapping[str, str]) -> Response:
    return problem(status, code, message, headers)


class Gate:
    """Lets in whoever holds a token that works; a session is for the token that opened it alone."""

    def __init__(self, parts: Parts, sessions: StreamableHTTPSessionManager) -> None:
        self._parts, self._sessions = parts, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on with who makes it; raise an AccessError for whoever may not."""
        request = Request(scope, receive)
        refuse_other_sites(request)
        secret = bearer_of(request)
        if secret is None:
            raise UnauthenticatedError("say who you are: send a token as `Authorization: Bearer TOKEN`")

        async def identify() -> Identity:
            return await run_in_threadpool(lambda: self._parts.service_tokens.identify(secret))

        identity = await patience(self._parts).retrying_async(identify)
        request.state.identity = identity
        token = AccessToken(token="", client_id=str(identity.token_id), scopes=[], subject=identity.name)
        await self._sessions.handle_request({**scope, "user": AuthenticatedUser(token)}, receive, send)
