"""Following the sends of requests.

The seam is the adapter's `send`: the last method before urllib3, which every request of a session passes, each hop of a
redirect by itself, before the response hooks of the sender. The answer to a send is read at once, also when the sender
streams it or never looks at it, and given on to be read again, undecoded and with the error that ended it, if any.
"""

import io
from collections.abc import Callable
from typing import Any

from . import tags
from .following import Following, Watching, unharmed
from .seams import hook_class, hook_object

CHUNK_BYTES = 65536


def watch(session: Any, watching: Watching) -> None:
    """Follow the sends of one session, through the adapters that it has and those that it gets."""
    for adapter in session.adapters.values():
        hook_object(adapter, "send", _send, watching)
    hook_object(session, "mount", _mount, watching)


def watch_all(requests: Any, watching: Watching) -> None:
    """Follow the sends of every session, the passing ones of `requests.post` too."""
    hook_class(requests.adapters.HTTPAdapter, "send", _send, watching)


def _mount(watching: Watching, call: Callable[..., Any], _session: Any, prefix: str, adapter: Any) -> None:
    call(prefix, adapter)
    unharmed(lambda: hook_object(adapter, "send", _send, watching))


def _send(watching: Watching, call: Callable[..., Any], adapter: Any, request: Any, *args: Any, **options: Any) -> Any:
    with tags.taken_from(request.headers) as own:
        method, url = request.method or "", request.url or ""
        if not watching.is_send(method, url):
            return call(request, *args, **options)
        body = _body_of(request)
        with watching.follow(method, url, body, own, is_sure=_tells_all(adapter)) as following:
            response = call(request, *args, **options)
            _take_in(following, response)
        watching.settle(following)
        return response


def _body_of(request: Any) -> object:
    """Return a request's body; one that can be read only once is read, and sent as what was read."""
    body = request.body
    if body is None or isinstance(body, (bytes, str)):
        return body
    if hasattr(body, "read"):
        if hasattr(body, "seekable") and body.seekable():
            start, content = body.tell(), body.read()
            body.seek(start)
            return content
        content = body.read()
    else:
        content = b"".join(chunk.encode() if isinstance(chunk, str) else chunk for chunk in body)
    request.body = content
    return content


def _tells_all(adapter: Any) -> bool:
    """Return whether an adapter tells of all its attempts; one that repeats a POST may hide a first that arrived."""
    import requests

    retries = getattr(adapter, "max_retries", None)
    if retries is None or type(adapter).send is not requests.adapters.HTTPAdapter.send:
        return False
    if retries.total in (0, False) or retries.read is False:
        return True
    methods = getattr(retries, "allowed_methods", None)
    return methods is not None and methods is not False and "POST" not in methods


def _take_in(following: Following, response: Any) -> None:
    raw = response.raw
    if response._content is not False or not hasattr(raw, "stream"):  # one that tools for tests made up
        following.answered(response.status_code, response.content)
        return
    chunks: list[bytes] = []
    try:
        chunks.extend(raw.stream(CHUNK_BYTES, decode_content=False))
    except Exception as error:
        response.raw = _again(raw, b"".join(chunks), error)
        following.failed(error)
    else:
        body = b"".join(chunks)
        response.raw = _again(raw, body)
        decoded = unharmed(lambda: _again(raw, body).read(decode_content=True))
        following.answered(response.status_code, decoded or b"")


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


def _again(raw: Any, body: bytes, error: Exception | None = None) -> Any:
    """Return the urllib3 response anew, with a body that can be read once more."""
    from urllib3 import HTTPResponse

    return HTTPResponse(
        body=_Body(body, error),
        headers=raw.headers,
        status=raw.status,
        version=raw.version,
        reason=raw.reason,
        preload_content=False,
        decode_content=False,
        original_response=getattr(raw, "_original_response", None),
        request_method="POST",
    )
