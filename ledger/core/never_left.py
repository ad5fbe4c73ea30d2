"""Which exceptions mean that a request certainly never left: one table for every HTTP client, ours and those of others.

The standard library and relative imports only: doors inside other people's programs load this file too.
"""

from collections.abc import Iterator

# Everything else may have reached DingTalk: a time-out while reading or writing, a cut line, a cancelled task, and
# whatever nobody has thought of. Named by library, so that none has to be loaded. What stands here is raised before
# the first byte of a request leaves, or while a proxy or TLS refuses the connection that it was meant for.
NEVER_LEFT = frozenset(
    {
        "httpx.ConnectError",
        "httpx.ConnectTimeout",
        "httpx.PoolTimeout",
        "httpx.ProxyError",
        "httpx.UnsupportedProtocol",
        "httpx2.ConnectError",
        "httpx2.ConnectTimeout",
        "httpx2.PoolTimeout",
        "httpx2.ProxyError",
        "httpx2.UnsupportedProtocol",
        "requests.ConnectTimeout",
        "requests.InvalidHeader",
        "requests.InvalidSchema",
        "requests.InvalidURL",
        "requests.MissingSchema",
        "urllib3.ClosedPoolError",
        "urllib3.ConnectTimeoutError",
        "urllib3.EmptyPoolError",
        "urllib3.LocationValueError",
        "urllib3.NewConnectionError",
        "aiohttp.ClientConnectorError",
        "aiohttp.ClientHttpProxyError",
        "aiohttp.ConnectionTimeoutError",
        "aiohttp.InvalidURL",
        "aiohttp.NonHttpUrlClientError",
        "aiohttp.ServerFingerprintMismatch",
        "aiohttp_socks.ProxyConnectionError",
        "aiohttp_socks.ProxyError",
        "aiohttp_socks.ProxyTimeoutError",
        "ssl.SSLCertVerificationError",
    }
)
# These say no more than that something failed; what it was stands in the exception that they were raised for.
_WRAPPERS = frozenset({"darabonba.RetryError", "Tea.RetryError"})
_DEEPEST = 8


def never_left(error: BaseException) -> bool:
    """Return whether a request that ended so certainly never left."""
    return any(name in NEVER_LEFT for link in links(error) for name in _names(type(link)))


def name_of(kind: type) -> str:
    """Name a class by its library, wherever in it the class lives."""
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"


def _names(kind: type) -> Iterator[str]:
    return (name_of(base) for base in kind.__mro__)


def links(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those that it was made of, which say more than it does."""
    link: object = error
    for _ in range(_DEEPEST):
        if not isinstance(link, BaseException):
            return
        yield link
        inside = (
            getattr(link, "inner_exception", None),  # the SDK's
            getattr(link, "reason", None),  # urllib3's
            getattr(link, "original_error", None),  # urllib3's, of proxies
            link.args[0] if link.args else None,  # those of requests
            link.__context__ if name_of(type(link)) in _WRAPPERS else None,
        )
        link = next((one for one in inside if isinstance(one, BaseException)), None)
