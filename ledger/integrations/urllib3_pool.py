"""Following the sends of urllib3, by itself and below requests.

The seam is the pool's `_make_request`, which makes one attempt: `urlopen` calls itself for each attempt of a Retry, and
shows only how the last of them ended, though an earlier one may have arrived. Its name says that it is private; it is
the same in all of urllib3 2, and not hooked in others: urllib3 1.26, and urllib3-future, whose answers come later.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

from . import tags
from .following import Following, Watching, current, unharmed
from .seams import hook_class_once, hook_object

CHUNK_BYTES = 65536
# How to watch attempts that no hook further out follows: under `ledger run`, those of everybody.
_of_everybody: list[Watching] = []


def watch(pool: Any, watching: Watching) -> None:
    """Follow the sends of one PoolManager or HTTPConnectionPool."""
    import urllib3

    watch_attempts(urllib3)
    hook_object(pool, "urlopen", _urlopen, watching)


def watch_all(urllib3: Any, watching: Watching) -> None:
    """Follow the sends of every pool."""
    _of_everybody[:] = [watching]
    watch_attempts(urllib3)


def watch_attempts(urllib3: Any) -> None:
    """See each attempt of what a hook further out follows, if this urllib3 lets us."""
    if urllib3.__version__.startswith("2.") and not hasattr(urllib3, "AsyncPoolManager"):
        hook_class_once(urllib3.connectionpool.HTTPConnectionPool, "_make_request", _attempt)


def _attempt(call: Callable[..., Any], pool: Any, conn: Any, method: str, url: str, *args: Any, **options: Any) -> Any:
    outer = current()
    watching = outer.watching if outer is not None else next(iter(_of_everybody), None)
    address = f"{pool.scheme}://{pool.host}:{pool.port}{url}" if url[:1] == "/" else url
    if watching is None or not watching.is_send(method, address):
        return call(conn, method, url, *args, **options)
    own, options = _without_tags(options)
    body, options = _body_of(options)
    with watching.follow(method, address, body, own) as following:
        response = call(conn, method, url, *args, **options)
        response = take_in(following, response)
    watching.settle(following)
    return response


def _urlopen(
    watching: Watching, call: Callable[..., Any], _pool: Any, method: str, url: str, *args: Any, **options: Any
) -> Any:
    own, options = _without_tags(options)
    if not watching.is_send(method, url):
        return call(method, url, *args, **options)
    body, options = _body_of(options)
    with watching.follow(method, url, body, own, is_sure=False) as following:
        response = call(method, url, *args, **options)
        following.answered(response.status, unharmed(lambda: response.data) or b"")
    watching.settle(following)
    return response


def _without_tags(options: dict[str, Any]) -> tuple[tags.Tags, dict[str, Any]]:
    headers = options.get("headers")
    if not isinstance(headers, Mapping) or not any(str(name).lower().startswith("x-ledger-") for name in headers):
        return tags.NONE, options
    kept = {name: value for name, value in headers.items() if str(name).lower() not in tags.HEADERS}
    ours = {str(name).lower(): value for name, value in headers.items()}
    return tags.taken_for_good(ours), {**options, "headers": kept}


def _body_of(options: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    """Return a request's body, and what to call with; a body that can be read only once is read, and sent as read."""
    body = options.get("body")
    if body is None or isinstance(body, (bytes, bytearray, str)):
        return body, options
    content = content_of(body)
    return content, options if hasattr(body, "seekable") and body.seekable() else {**options, "body": content}


def content_of(body: Any) -> object:
    """Return what a file or an iterable gives; a file that can be is wound back."""
    if not hasattr(body, "read"):
        return b"".join(chunk.encode() if isinstance(chunk, str) else chunk for chunk in body)
    if not hasattr(body, "seekable") or not body.seekable():
        return body.read()
    start, content = body.tell(), body.read()
    body.seek(start)
    return content


def take_in(following: Following, raw: Any) -> Any:
    """Take in the answer of urllib3, and return one that can be read as if it had not been."""
    if getattr(raw, "_body", None) is not None:  # read already, since nobody wants to stream it
        following.answered(raw.status, raw.data)
        return raw
    chunks: list[bytes] = []
    try:
        chunks.extend(raw.stream(CHUNK_BYTES, decode_content=False))
    except Exception as error:
        following.failed(error)
        return again(raw, b"".join(chunks), error)
    body = b"".join(chunks)
    decoded = unharmed(lambda: again(raw, body).read(decode_content=True))
    following.answered(raw.status, decoded or b"")
    return again(raw, body)


class _Body(io.BytesIO):
    """What was read of a body, and the error that ended it."""

    def __init__(self, content: bytes, error: Exception | None) -> None:
        super().__init__(content)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        """Return more of it; raise in the end what ended it."""
        found = super().read(size)
        if self._error is not None and (not found or size is None or size < 0):
            raise self._error
        return found


def again(raw: Any, body: bytes, error: Exception | None = None) -> Any:
    """Return a response of urllib3 anew, with a body that can be read once more."""
    from urllib3 import HTTPResponse

    return HTTPResponse(
        body=_Body(body, error),
        headers=raw.headers,
        status=raw.status,
        version=raw.version,
        reason=raw.reason,
        preload_content=False,
        decode_content=getattr(raw, "decode_content", False),
        original_response=getattr(raw, "_original_response", None),
        retries=getattr(raw, "retries", None),
        request_method="POST",
    )
