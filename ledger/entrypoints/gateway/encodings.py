"""Compressed bodies, unpacked to be read for the ledger; what travels on stays as it came."""

import zlib

LARGEST_BYTES = 16 * 1024 * 1024
_GZIP_OR_ZLIB, _RAW_DEFLATE = 47, -15


def unpacked(body: bytes, encoding: bytes | None) -> bytes:
    """Return a body in plain, or as it is when nobody here can unpack it."""
    for name in reversed((encoding or b"").lower().split(b",")):
        if name.strip() in (b"gzip", b"x-gzip"):
            body = _inflated(body, _GZIP_OR_ZLIB)
        elif name.strip() == b"deflate":
            body = _inflated(body, _GZIP_OR_ZLIB, _RAW_DEFLATE)
    return body


def _inflated(body: bytes, *ways: int) -> bytes:
    for way in ways:
        try:
            return zlib.decompressobj(way).decompress(body, LARGEST_BYTES)
        except zlib.error:
            continue
    return body
