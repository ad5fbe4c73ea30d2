"""What stands before every route: the host that was asked for, how much may be sent, and headers on every answer."""

import ipaddress
import socket
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ledger.entrypoints.http.problems import problem

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
# Not no-referrer: with it, browsers hide the origin of our own forms.
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class RequestGuard:
    """Stands before an application."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str], request_max_bytes: int) -> None:
        self._app, self._max_bytes = app, request_max_bytes
        own = ("localhost", socket.gethostname().lower())
        self._hosts = frozenset(host.lower() for host in (*allowed_hosts, *own))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on unless it is for somebody else, or too large."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_secure = scope["scheme"] == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if is_secure:
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        headers = Headers(scope=scope)
        if not self._is_for_us(headers.get("host", "")):
            text = "this host is not one of ours: add its name to LEDGER_ALLOWED_HOSTS, or ask by address"
            await problem(421, "host_not_allowed", text)(scope, receive, send_with_headers)
            return
        if headers.get("content-length", "0").isdigit() and int(headers.get("content-length", "0")) > self._max_bytes:
            text = self._too_large()
            answer = problem(413, "too_large", text, {"Connection": "close"})
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, self._counted(receive), send_with_headers)

    def _counted(self, receive: Receive) -> Receive:
        """Count what comes: a request may be longer than it says, or not say it."""
        received = 0

        async def receive_some() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(413, self._too_large())
            return message

        return receive_some

    def _too_large(self) -> str:
        return f"a request may have {self._max_bytes:,} bytes: send less at once, or raise LEDGER_REQUEST_MAX_BYTES"

    def _is_for_us(self, host: str) -> bool:
        """Say whether a host is ours: an address always is, for what lures browsers elsewhere needs a name."""
        name = host.rsplit(":", 1)[0] if host.rsplit(":", 1)[-1].isdigit() else host
        name = name.lower().rstrip(".")
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return name in self._hosts
        return True
