"""Addresses as people write them into settings: endpoints, our public one, networks. No error repeats one."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import SplitResult, urlsplit

_AS_ENDPOINT = "write an address, as in https://api.dingtalk.com"
_AS_PUBLIC = "write the address by which browsers reach the service, as in https://ledger.example.com, without a path"
_AS_NETWORKS = "write addresses or networks, as in 10.0.0.5, 192.168.0.0/16, fd00::/8"


def endpoint(url: str) -> str:
    """Check the address of an endpoint; raise ValueError."""
    if "@" in _read(url, _AS_ENDPOINT).netloc:
        raise ValueError(f"{_AS_ENDPOINT}, without a user or password")
    return url


def public_url(url: str) -> str:
    """Return our own address as browsers write it, without a slash at its end; raise ValueError."""
    parts = _read(url, _AS_PUBLIC)
    if "@" in parts.netloc or parts.path not in ("", "/"):
        raise ValueError(_AS_PUBLIC)
    return origin_of(url)


def origin_of(url: str) -> str:
    """Return scheme, host and port as browsers write them: in small letters, without the port that goes by itself."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    shown = f"[{name}]" if ":" in name else name
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    return f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")


def networks(value: object) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of a list, an address being a network of its own; raise ValueError."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)):
        raise ValueError(_AS_NETWORKS)
    try:
        return tuple(ip_network(str(name).strip()) for name in names if str(name).strip())
    except ValueError:
        raise ValueError(_AS_NETWORKS) from None


def _read(url: str, as_in: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(as_in) from None
    if not is_whole or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise ValueError(as_in)
    return parts


def receiver(url: str | None) -> str | None:
    """Check where checkpoints are posted to; raise ValueError, which never repeats it."""
    if url is None:
        return None
    as_in = "write an address, as in https://audit.example.com/checkpoints"
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(as_in) from None
    if not is_whole or parts.fragment or not url.isprintable() or " " in url:
        raise ValueError(as_in)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("outside this machine it has to be https: anybody on the way could change what is posted")
    return url
