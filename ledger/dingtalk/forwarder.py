"""Forwarding: a request of somebody else goes out as it came, its answer comes back as it came. It decides nothing.

This is aiohttp and not httpx, which serves our own calls: with 200 requests in flight one httpx pool answers 90 calls
a second, sixteen pools 600, aiohttp 10,000 (measured in one run against one server over loopback).
"""

from base64 import b64encode
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

import aiohttp
from yarl import URL

from ledger.core.never_left import never_left
from ledger.core.proxies import Proxy
from ledger.dingtalk.proxies import environment_proxies
from ledger.dingtalk.trust import trusted
from ledger.errors import CertificateError

RawHeaders = Sequence[tuple[bytes, bytes]]
Body = bytes | AsyncIterator[bytes] | None

CONNECT_SECONDS = 10.0
PROXY_WANTS_LOGIN = 407
LONGEST_HEADER_BYTES = 64 * 1024
# What DingTalk answers to a send has a few hundred bytes.
ANSWER_MAX_BYTES = 16 * 1024 * 1024
# Larger bodies go out in pieces, so that writing one does not hold up the others.
PIECE_BYTES = 64 * 1024
_EXPECTED = (TimeoutError, aiohttp.ClientError, OSError, ValueError)
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
        """Return the whole body; raise NoAnswerError when it breaks off, or is longer than ANSWER_MAX_BYTES."""
        body = bytearray()
        async for piece in self.pieces():
            body += piece
            if len(body) > ANSWER_MAX_BYTES:
                raise NoAnswerError(f"it has more than {ANSWER_MAX_BYTES:,} bytes", sent=True, timed_out=False)
        return bytes(body)


class Forwarder:
    """Keeps connections to endpoints; belongs to one event loop. Time-outs are in seconds between two pieces."""

    def __init__(self, *, timeout_seconds: float, max_connections: int) -> None:
        self._timeout = aiohttp.ClientTimeout(
            total=None, connect=timeout_seconds, sock_connect=CONNECT_SECONDS, sock_read=timeout_seconds
        )
        self._max_connections, self._proxies = max_connections, environment_proxies()
        self._ways: dict[str, _Way] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for way in self._ways.values():
            await way.session.close()

    @asynccontextmanager
    async def forward(
        self, method: str, endpoint: str, target: str, headers: RawHeaders, body: Body = None
    ) -> AsyncIterator[ForwardedAnswer]:
        """Make a request of an endpoint and yield its answer; the target is path and query as they came.

        Redirects are answers like others. Raise NoAnswerError when there is none.
        """
        given = [(_text(name), _text(value)) for name, value in headers]
        way = self._way_to(endpoint)
        with _failures(way.proxy):
            response = await way.session.request(
                method,
                URL(endpoint + target, encoded=True),
                headers=given,
                data=_pieces(body) if isinstance(body, bytes) and len(body) > PIECE_BYTES else body or None,
                allow_redirects=False,
                **way.options,
            )
        async with response:
            if way.proxy is not None and response.status == PROXY_WANTS_LOGIN:
                raise NoAnswerError(f"the proxy {way.proxy.url} wants a login", sent=False, timed_out=False)
            yield ForwardedAnswer(response)

    def _way_to(self, endpoint: str) -> "_Way":
        """Return the way to an endpoint, found out once; raise NoAnswerError when no certificates can be read."""
        if endpoint not in self._ways:
            proxy = self._proxies.of(endpoint)
            try:
                connector = _connector(proxy, limit=self._max_connections, ssl=_trust(endpoint, proxy))
            except CertificateError as error:
                raise NoAnswerError(str(error), sent=False, timed_out=False) from None
            session = aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                auto_decompress=False,
                max_line_size=LONGEST_HEADER_BYTES,
                max_field_size=LONGEST_HEADER_BYTES,
                skip_auto_headers=_NOT_BY_ITSELF,
            )
            self._ways[endpoint] = _Way(session=session, proxy=proxy)
        return self._ways[endpoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How requests reach an endpoint: straight or through a proxy, over connections of its own."""

    session: aiohttp.ClientSession
    proxy: Proxy | None

    @property
    def options(self) -> dict[str, Any]:
        """The proxy as a request takes it; one of SOCKS is the connector's."""
        if self.proxy is None or self.proxy.is_socks:
            return {}
        if self.proxy.user is None:
            return {"proxy": self.proxy.url}
        login = b64encode(f"{self.proxy.user}:{self.proxy.password or ''}".encode()).decode()
        # The client makes Proxy-Authorization of it, in tunnels as well as outside.
        return {"proxy": self.proxy.url, "proxy_headers": {"Authorization": f"Basic {login}"}}


def _trust(endpoint: str, proxy: Proxy | None) -> SSLContext | bool:
    return trusted() if "https" in (URL(endpoint).scheme, proxy.scheme if proxy else "") else True


def _connector(proxy: Proxy | None, **options: Any) -> aiohttp.TCPConnector:
    if proxy is None or not proxy.is_socks:
        return aiohttp.TCPConnector(**options)
    # Loaded late: hardly anybody has such a proxy.
    from aiohttp_socks import ProxyConnector, ProxyType

    # Names are looked up by the proxy: who needs one often cannot.
    return ProxyConnector(
        host=proxy.host,
        port=proxy.port,
        proxy_type=ProxyType.SOCKS5,
        username=proxy.user,
        password=proxy.password or ("" if proxy.user is not None else None),
        rdns=True,
        **options,
    )


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]


@contextmanager
def _failures(proxy: Proxy | None = None) -> Iterator[None]:
    """Turn every way in which an answer can fail to come into the one that is told."""
    try:
        yield
    except Exception as error:
        # A connector of SOCKS has exceptions of its own, all of them from before a request has left.
        if not (isinstance(error, _EXPECTED) or never_left(error)):
            raise
        text = _said(error) if proxy is None else f"through the proxy {proxy.url}: {_said(error)}"
        raise NoAnswerError(text, sent=not never_left(error), timed_out=isinstance(error, TimeoutError)) from None


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
