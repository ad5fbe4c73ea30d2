"""Which proxy a URL takes, by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY: the one rule for all that we send.

This machine itself is never asked for through a proxy. Of the two spellings of a variable the lower one counts, and an
empty one is none, as with curl.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_SCHEMES_SERVED = {"HTTP_PROXY": ("http",), "HTTPS_PROXY": ("https",), "ALL_PROXY": ("http", "https")}
_NAME = re.compile(r"[a-z0-9_*-]([a-z0-9_.*-]*[a-z0-9_*-])?")
_UNREADABLE = (
    "it is no address of a proxy: write http://host:port, and in a user or password %40 for @, %3A for :, %2F for /, "
    "%23 for #"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """One proxy and the variable that names it; credentials never show in a representation."""

    scheme: str
    host: str
    port: int
    variable: str
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def url(self) -> str:
        """Its address without credentials: for messages, too."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS and not HTTP."""
        return self.scheme.startswith("socks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """An entry of NO_PROXY: a host with all below it, or a network; with a port, or a scheme, only there."""

    host: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None
    scheme: str = ""

    def covers(self, url: SplitResult) -> bool:
        """Say whether a URL is exempt."""
        host = _plain(url.hostname or "")
        if self.port not in (None, url.port or PORTS.get(url.scheme)) or self.scheme not in ("", url.scheme):
            return False
        if self.network is not None:
            try:
                return ip_address(host) in self.network
            except ValueError:
                return False
        return host == self.host or host.endswith(f".{self.host}") or fnmatchcase(host, self.host)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The proxies by scheme and what is exempt; `left_out` says in sentences what could not be read."""

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    exempt: tuple[Exemption, ...] = ()
    left_out: tuple[str, ...] = ()

    def of(self, url: str) -> Proxy | None:
        """Return the proxy that a URL takes, or None when it goes straight."""
        parts = urlsplit(url)
        proxy = self.by_scheme.get(parts.scheme)
        if proxy is None or is_this_machine(parts.hostname or "") or any(one.covers(parts) for one in self.exempt):
            return None
        return proxy


def read(variables: Mapping[str, str]) -> Proxies:
    """Read the proxies of an environment; what cannot be read is left out, and named without its credentials."""
    by_scheme: dict[str, Proxy] = {}
    left_out: list[str] = []
    for variable, schemes in _SCHEMES_SERVED.items():
        # In a CGI program, HTTP_PROXY is a header of the request.
        if variable == "HTTP_PROXY" and "REQUEST_METHOD" in variables and "http_proxy" not in variables:
            continue
        if text := _value(variables, variable):
            try:
                proxy = _proxy(text, variable)
            except ValueError as error:
                left_out.append(f"{variable} is left out: {error}")
            else:
                by_scheme = {**dict.fromkeys(schemes, proxy), **by_scheme}
    exempt: list[Exemption] = []
    for entry in re.split(r"[\s,;]+", _value(variables, "NO_PROXY")):
        if entry == "*":
            by_scheme = {}
        elif entry:
            try:
                exempt.append(_exemption(entry.lower()))
            except ValueError:
                shown = entry.rpartition("@")[2]
                left_out.append(
                    f"{shown!r} of NO_PROXY is left out: write a host, .domain, address or network, as in "
                    "10.0.0.0/8, [fd00::1]:8080"
                )
    return Proxies(by_scheme=by_scheme, exempt=tuple(exempt), left_out=tuple(left_out))


def is_this_machine(host: str) -> bool:
    """Say whether a host is this machine, by its name or address."""
    host = _plain(host)
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _value(variables: Mapping[str, str], variable: str) -> str:
    return variables.get(variable.lower(), variables.get(variable, "")).strip()


def _proxy(text: str, variable: str) -> Proxy:
    """Read the URL of a proxy; raise ValueError, which never repeats it."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        scheme = "socks5" if parts.scheme == "socks" else parts.scheme
        host, port = parts.hostname or "", parts.port
        is_host = ":" in host or _NAME.fullmatch(host)
    except ValueError:
        raise ValueError(_UNREADABLE) from None
    if scheme not in PORTS:
        raise ValueError(f"a proxy is one of {', '.join(PORTS)}: write http://host:port")
    # With more than an address, a "#", "?" or "/" of the password ended it.
    if not is_host or "*" in host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(_UNREADABLE)
    user, password = (None if one is None else unquote(one) for one in (parts.username, parts.password))
    return Proxy(scheme=scheme, host=host, port=port or PORTS[scheme], variable=variable, user=user, password=password)


def _exemption(entry: str) -> Exemption:
    scheme, _, rest = entry.rpartition("://")
    if "/" in rest:
        return Exemption(network=ip_network(rest.replace("[", "").replace("]", ""), strict=False), scheme=scheme)
    try:
        return Exemption(network=ip_network(rest.strip("[]")), scheme=scheme)
    except ValueError:
        parts = urlsplit(f"//{rest}")
    host, port = _plain(parts.hostname or "").removeprefix("*").strip("."), parts.port
    if "@" in rest or parts.query or parts.fragment:
        raise ValueError("no host")
    try:
        return Exemption(network=ip_network(host), port=port, scheme=scheme)
    except ValueError:
        if not _NAME.fullmatch(host):
            raise
    return Exemption(host=host, port=port, scheme=scheme)


def _plain(host: str) -> str:
    """Return a host as it is compared: without the dot of its root, brackets or zone."""
    return host.lower().strip("[]").partition("%")[0].rstrip(".")
