"""The clerk before the door: gives every request an id, and notes how it was answered and how long that took."""

import logging
import time

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.entrypoints.process.metrics import Metrics
from ledger.trace import HEADER, on_behalf_of

NO_ROUTE = "none"
# Asked every few seconds by machines: counted, but not worth a line each.
_PROBES = ("/healthz", "/readyz", "/metrics")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

log = logging.getLogger(__name__)


class AccessLog:
    """Stands before everything else of an application."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = chosen
            await send(message)

        with on_behalf_of(Headers(scope=scope).get(HEADER)) as chosen:
            try:
                await self._app(scope, receive, send_with_id)
            finally:
                self._note(scope, status, time.monotonic() - started)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The route, never the path: that may name people, and there is no end of them.
        route = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.http.labels(method, route, str(status)).observe(seconds)
        if route in _PROBES and status < 400:
            return
        facts = {"method": method, "route": route, "status": status, "duration_ms": round(seconds * 1000)}
        if identity := scope.get("state", {}).get("identity"):
            facts["actor"] = identity.name
        log.info("%s %s answered %s", method, route, status, extra={"facts": facts})
