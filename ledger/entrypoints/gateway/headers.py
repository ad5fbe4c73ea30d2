"""Headers: which ones travel on, and what those say that are for the gateway alone."""

from collections.abc import Iterable
from urllib.parse import unquote_to_bytes

RawHeaders = list[tuple[bytes, bytes]]

CALLER = b"x-ledger-"
CAMPAIGN, SOURCE, KEY = b"x-ledger-campaign", b"x-ledger-source", b"x-ledger-gateway-key"
EXPIRES = b"x-ledger-expires"
# Of one connection, not of the request (RFC 9110, 7.6.1); `host` becomes that of the endpoint.
_OF_THE_CONNECTION = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_READABLE_ENCODINGS = frozenset((b"gzip", b"deflate", b"identity"))


def travelling(headers: Iterable[tuple[bytes, bytes]]) -> RawHeaders:
    """Return the headers of a request that travel on, or those of an answer that travel back."""
    headers = list(headers)
    named = {
        word.strip().lower() for name, value in headers if name.lower() == b"connection" for word in value.split(b",")
    }
    staying = _OF_THE_CONNECTION | named | {b"host", b"expect"}
    return [
        (name, value) for name, value in headers if (low := name.lower()) not in staying and not low.startswith(CALLER)
    ]


def of_a_send(headers: RawHeaders, length: int) -> RawHeaders:
    """Return headers that ask for an answer which the ledger can read: a key that it cannot read is lost."""
    kept = [(name, value) for name, value in headers if name.lower() not in (b"content-length", b"accept-encoding")]
    accepted = value_of(headers, b"accept-encoding")
    if accepted is not None:
        words = [word.strip() for word in accepted.split(b",")]
        readable = [word for word in words if word.partition(b";")[0].strip().lower() in _READABLE_ENCODINGS]
        kept.append((b"accept-encoding", b", ".join(readable) or b"identity"))
    return [*kept, (b"content-length", b"%d" % length)]


def value_of(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> bytes | None:
    """Return the value of a header, the values of several as one list; None without any."""
    values = [value for name, value in headers if name.lower() == wanted]
    return b", ".join(values) if values else None


def tag_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return a campaign or source: percent-encoded UTF-8, plain UTF-8, or what remains, Latin-1."""
    raw = unquote_to_bytes(value_of(headers, name) or b"").strip()
    try:
        return raw.decode("utf-8") or None
    except UnicodeDecodeError:
        return raw.decode("latin-1")
