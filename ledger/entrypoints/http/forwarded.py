"""Who asks behind proxies: the client's address and scheme, as far as a proxy that is trusted says them.

They are read from the right, where each proxy adds who asked it: what stands left of an address that is not trusted may
be made up. Known are `X-Forwarded-For` with `X-Forwarded-Proto`, and `Forwarded` (RFC 7239). A proxy sets one of them
and hands the other on as it came from the client: where both are there and differ, neither is believed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

LONGEST_CHARACTERS = 2000
_SCHEMES = ("http", "https")
_PAIR = re.compile(r"""\s*([\w!#$%&'*+.^`|~-]+)=("(?:[^"\\]|\\.)*"|[^\s;,"]*)\s*(?:([;,])|$)""", re.ASCII)
_WITH_PORT = re.compile(r"\[(?P<v6>[^\]]*)\](?::\w*)?|(?P<v4>[\d.]+)(?::\w*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hop:
    """What one proxy says of whoever asked it; None for what it keeps to itself."""

    address: Address | None
    scheme: str | None = None


class BehindProxies:
    """Stands before an application, and puts the client's address and scheme in the place of the proxy's."""

    def __init__(self, app: ASGIApp, *, trusted: Sequence[Network], is_https: bool) -> None:
        self._app, self._trusted, self._is_https = app, tuple(trusted), is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on; with a public address of https, that is what it came by, whatever lies in between."""
        if scope["type"] == "http":
            peer, _ = scope["client"] or ("", 0)
            found = client_of(peer, Headers(scope=scope), self._trusted)
            if found is not None:
                scope["client"] = (str(found.address), 0)
            scope["scheme"] = "https" if self._is_https else (found and found.scheme) or scope["scheme"]
        await self._app(scope, receive, send)


def client_of(peer: str, headers: Headers, trusted: Sequence[Network]) -> Hop | None:
    """Return who asked the outermost proxy that is trusted, and by what scheme; None where nobody is believed."""
    if (nearest := _address(peer)) is None or not _is_in(nearest, trusted):
        return None
    said = [
        _outermost(nearest, hops, trusted)
        for name, read in (("x-forwarded-for", _x_forwarded), ("forwarded", _forwarded))
        if (hops := list(read(headers)) if name in headers else None) is not None
    ]
    if not said:
        return Hop(nearest, _x_scheme(headers))
    return said[0] if all(one.address == said[0].address for one in said) else None


def _outermost(nearest: Address, hops: Sequence[Hop], trusted: Sequence[Network]) -> Hop:
    found = Hop(nearest)
    for hop in reversed(hops):
        if hop.address is None or not _is_in(found.address, trusted):
            break
        found = Hop(hop.address, hop.scheme or found.scheme)
    return found


def _x_forwarded(headers: Headers) -> Iterator[Hop]:
    scheme = _x_scheme(headers)
    for text in _said(headers, "x-forwarded-for").split(","):
        yield Hop(_address(text.strip()), scheme)


def _x_scheme(headers: Headers) -> str | None:
    return _scheme(_said(headers, "x-forwarded-proto").rpartition(",")[2])


def _forwarded(headers: Headers) -> Iterator[Hop]:
    """Read the elements of `Forwarded`; none when it is not written as it should be: who knows what is whose."""
    text, place, elements = _said(headers, "forwarded"), 0, [dict[str, str]()]
    while place < len(text):
        if (pair := _PAIR.match(text, place)) is None:
            return
        elements[-1][pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2].removeprefix('"').removesuffix('"'))
        if pair[3] == ",":
            elements.append({})
        place = pair.end()
    for element in elements:
        yield Hop(_address(element.get("for", "")), _scheme(element.get("proto", "")))


def _said(headers: Headers, name: str) -> str:
    """Return all lines of a header as one; nothing of what is longer than any row of proxies makes it."""
    text = ",".join(headers.getlist(name))
    return text if len(text) <= LONGEST_CHARACTERS else ""


def _scheme(text: str) -> str | None:
    scheme = text.strip().lower()
    return scheme if scheme in _SCHEMES else None


def _address(text: str) -> Address | None:
    """Return an address without its port; None for what is none (`unknown`, `_hidden`, anything made up)."""
    found = _WITH_PORT.fullmatch(text)
    try:
        address = ip_address((found["v6"] or found["v4"] or "") if found else text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _is_in(address: Address | None, networks: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in networks)
