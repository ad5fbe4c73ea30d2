"""Connections that go the way that each URL has to go: straight, or through its proxy."""

import ssl
import threading

import httpx

from ledger.core.proxies import Proxies, Proxy
from ledger.dingtalk.trust import trusted


class ProxiedTransport(httpx.BaseTransport):
    """Keeps a pool for each way; safe to share between threads."""

    def __init__(self, proxies: Proxies, limits: httpx.Limits) -> None:
        self._proxies, self._limits = proxies, limits
        self._pools: dict[tuple[str, Proxy | None], httpx.HTTPTransport] = {}
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make a request; raise CertificateError when this machine was told to trust what it cannot read."""
        scheme, proxy = request.url.scheme, self._proxies.of(str(request.url))
        pool = self._pools.get((scheme, proxy))
        if pool is None:
            with self._lock:
                pool = self._pools.setdefault((scheme, proxy), self._made(scheme, proxy))
        return pool.handle_request(request)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def _made(self, scheme: str, proxy: Proxy | None) -> httpx.HTTPTransport:
        # Reading all certificates takes longer than a call: only for who needs them.
        is_secure = "https" in (scheme, proxy.scheme if proxy else "")
        verify = trusted() if is_secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.HTTPTransport(verify=verify, limits=self._limits, proxy=_for_httpx(proxy, is_secure=is_secure))


def _for_httpx(proxy: Proxy | None, *, is_secure: bool) -> httpx.Proxy | None:
    if proxy is None:
        return None
    auth = None if proxy.user is None else (proxy.user, proxy.password or "")
    context = trusted() if is_secure and proxy.scheme == "https" else None
    return httpx.Proxy(proxy.url, auth=auth, ssl_context=context)
