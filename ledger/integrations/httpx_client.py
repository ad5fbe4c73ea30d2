"""Following the sends of httpx and of its successor httpx2, sync and async.

The seam is the transport: the one method that every request passes on its way out, each hop of a redirect and each
round of an auth flow by itself, inside the event hooks of the sender, which so can neither hide a key nor break its
recording. The answer to a send is a few hundred bytes: it is read at once, also when the sender streams it or never
looks at it, and given on as it came.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

from . import tags
from .following import Following, Watching, unharmed
from .seams import hook_class, hook_object

LIBRARIES = ("httpx", "httpx2")
SYNC, ASYNC = "handle_request", "handle_async_request"


def watch(client: Any, watching: Watching) -> None:
    """Follow the sends of one client."""
    name, hook = (ASYNC, _handle_async) if hasattr(client, "aclose") else (SYNC, _handle)
    for transport in [client._transport, *client._mounts.values()]:
        if transport is not None:
            hook_object(transport, name, hook, watching)


def watch_all(httpx: Any, watching: Watching) -> None:
    """Follow the sends of every client that uses the library's own transports."""
    hook_class(httpx.HTTPTransport, SYNC, _handle, watching)
    hook_class(httpx.AsyncHTTPTransport, ASYNC, _handle_async, watching)


def _handle(watching: Watching, call: Callable[[Any], Any], transport: Any, request: Any) -> Any:
    with tags.taken_from(request.headers) as own:
        url = str(request.url)
        if not watching.is_send(request.method, url):
            return call(request)
        body = request.read()
        with watching.follow(request.method, url, body, own, is_sure=_tells_all(transport, SYNC)) as following:
            response = call(request)
            _take_in(following, response, *_read(response.stream))
        watching.settle(following)
        return response


async def _handle_async(watching: Watching, call: Callable[[Any], Awaitable[Any]], transport: Any, request: Any) -> Any:
    with tags.taken_from(request.headers) as own:
        url = str(request.url)
        if not watching.is_send(request.method, url):
            return await call(request)
        body = await request.aread()
        with watching.follow(request.method, url, body, own, is_sure=_tells_all(transport, ASYNC)) as following:
            response = await call(request)
            _take_in(following, response, *await _read_async(response.stream))
        await watching.settle_async(following)
        return response


def _tells_all(transport: Any, name: str) -> bool:
    """Return whether a transport makes one attempt and tells how it ended; one that tries again may hide the first."""
    httpx = _library_of(transport)
    plain = getattr(httpx, "HTTPTransport" if name == SYNC else "AsyncHTTPTransport", ())
    return isinstance(transport, plain) and getattr(type(transport), name) is getattr(plain, name)


def _library_of(value: Any) -> Any:
    """Return the library, httpx or httpx2, that an object is of."""
    roots = (kind.__module__.partition(".")[0] for kind in type(value).__mro__)
    return sys.modules[next((root for root in roots if root in LIBRARIES), LIBRARIES[0])]


def _read(stream: Any) -> tuple[list[bytes], Exception | None]:
    chunks: list[bytes] = []
    try:
        chunks.extend(stream)
    except Exception as error:
        return chunks, error
    finally:
        stream.close()
    return chunks, None


async def _read_async(stream: Any) -> tuple[list[bytes], Exception | None]:
    chunks: list[bytes] = []
    try:
        async for chunk in stream:
            chunks.append(chunk)  # noqa: PERF401  (what came before an error is kept)
    except Exception as error:
        return chunks, error
    finally:
        await stream.aclose()
    return chunks, None


def _take_in(following: Following, response: Any, chunks: list[bytes], error: Exception | None) -> None:
    response.stream = _again(_library_of(response), chunks, error)
    if error is not None:
        following.failed(error)
    else:
        following.answered(response.status_code, unharmed(lambda: _decoded(response, b"".join(chunks))) or b"")


def _decoded(response: Any, body: bytes) -> bytes:
    if "content-encoding" not in response.headers:
        return body
    content: bytes = (
        _library_of(response).Response(response.status_code, headers=response.headers, content=body).content
    )
    return content


def _again(httpx: Any, chunks: list[bytes], error: Exception | None) -> Any:
    """Return a stream of what was read, which ends as the first one did."""

    class Again(httpx.SyncByteStream, httpx.AsyncByteStream):  # type: ignore[misc]  # whichever library it is
        def __iter__(self) -> Iterator[bytes]:
            yield from chunks
            if error is not None:
                raise error

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for chunk in self:
                yield chunk

    return Again()
