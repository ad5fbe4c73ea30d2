"""Forwarding: a request of somebody else goes out as it came, its answer comes back as it came. It decides nothing.

This is aiohttp and not httpx, which serves our own calls: with 200 requests in flight one httpx pool answers 90 calls
a second, sixteen pools 600, aiohttp 10,000 (measured in one run against one server over loopback).
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.helpers import get_env_proxy_for_url
from yarl import URL

from ledger.core.never_left import never_left

RawHeaders = Sequence[tuple[bytes, bytes]]
Body = bytes | AsyncIterator[bytes] | None

CONNECT_SECONDS = 10.0
LONGEST_HEADER_BYTES = 64 * 1024
# Larger bodies go out in pieces, so that writing one does not hold up the others.
PIECE_BYTES = 64 * 1024
_NOT_BY_ITSELF = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class NoAnswerError(Exception):
    """No whole answer came; `sent` is False only when the request certainly never left."""

    def __init__(self, reason: str, *, sent: bool, timed_out: bool) -> None:
        super().__init__(reason)
        self.sent, self.timed_out = sent, timed_out


class ForwardedAnswer:
    """An answer that begins: its status and headers, and its body as it arrives, never decoded."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: RawHeaders = response.raw_headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body; raise NoAnswerError when it breaks off."""
        with _failures():
            async for piece in self._response.content.iter_any():
                yield piece

    async def read(self) -> bytes:
        """Return the whole body; raise NoAnswerError when it breaks off."""
        with _failures():
            return await self._response.read()


class Forwarder:
    """Keeps connections to endpoints; belongs to one event loop. Time-outs are in seconds between two pieces."""

    def __init__(self, *, timeout_seconds: float, max_connections: int) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=max_connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, connect=timeout_seconds, sock_connect=CONNECT_SECONDS, sock_read=timeout_seconds
            ),
            auto_decompress=False,
            max_line_size=LONGEST_HEADER_BYTES,
            max_field_size=LONGEST_HEADER_BYTES,
            skip_auto_headers=_NOT_BY_ITSELF,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    @asynccontextmanager
    async def forward(
        self, method: str, endpoint: str, target: str, headers: RawHeaders, body: Body = None
    ) -> AsyncIterator[ForwardedAnswer]:
        """Make a request of an endpoint and yield its answer; the target is path and query as they came.

        Redirects are answers like others. Raise NoAnswerError when there is none.
        """
        given = [(_text(name), _text(value)) for name, value in headers]
        with _failures():
            response = await self._session.request(
                method,
                URL(endpoint + target, encoded=True),
                headers=given,
                data=_pieces(body) if isinstance(body, bytes) and len(body) > PIECE_BYTES else body or None,
                allow_redirects=False,
                **_proxy_for(endpoint),
            )
        async with response:
            yield ForwardedAnswer(response)


@cache
def _proxy_for(endpoint: str) -> dict[str, Any]:
    """Return the proxy that the environment wants (HTTPS_PROXY, NO_PROXY and so on), as the request takes it.

    Asked once: the session's own `trust_env` asks in a thread for every request, and adds logins of a .netrc file.
    """
    try:
        proxy, login = get_env_proxy_for_url(URL(endpoint))
    except LookupError:
        return {}
    return {"proxy": proxy, "proxy_auth": login}


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]


@contextmanager
def _failures() -> Iterator[None]:
    """Turn every way in which an answer can fail to come into the one that is told."""
    try:
        yield
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        raise NoAnswerError(
            _said(error), sent=not never_left(error), timed_out=isinstance(error, TimeoutError)
        ) from None


def _said(error: Exception) -> str:
    """Say what happened; the address of a request may hold secrets."""
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{type(error).__name__}: {error.message}"
    if isinstance(error, aiohttp.InvalidURL | ValueError) or not str(error):
        return type(error).__name__
    return f"{type(error).__name__}: {error}"


def _text(raw: bytes) -> str:
    # The client writes UTF-8, so that this comes out as it came in.
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
