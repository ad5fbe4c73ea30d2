"""Following the sends of aiohttp.

The seam is `ClientSession._request`, through which `request`, `post` and the context managers of all of them go. Its
name says that it is private, yet it is the same since aiohttp 3.0, and the public ways do not reach as far:
middlewares exist since 3.12 and a request may bring its own in their place; trace configs see the body only when it
has left. The answer to a send is read at once and can be read again.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from ..core.recording.send_calls import send_path
from . import tags
from .following import Following, Watching, unharmed
from .seams import hook_class, hook_object

# The tags that sessions have among the headers of all their requests: taken out there, or they would be sent.
_of_sessions: "WeakKeyDictionary[Any, tags.Tags]" = WeakKeyDictionary()


def watch(session: Any, watching: Watching) -> None:
    """Follow the sends of one session."""
    hook_object(session, "_request", _request, watching)


def watch_all(aiohttp: Any, watching: Watching) -> None:
    """Follow the sends of every session."""
    hook_class(aiohttp.ClientSession, "_request", _request, watching)


async def _request(
    watching: Watching, call: Callable[..., Awaitable[Any]], session: Any, method: str, where: Any, **options: Any
) -> Any:
    own, options = _without_tags(session, options)
    url = _url_of(session, where)
    if session.closed or not watching.is_send(method, url):
        return await call(method, where, **options)
    body, options = await _body_of(options)
    with watching.follow(method, url, body, own) as following:
        response = await call(method, where, **options)
        await _take_in(following, response)
    await watching.settle_async(following)
    return response


def _without_tags(session: Any, options: dict[str, Any]) -> tuple[tags.Tags, dict[str, Any]]:
    defaults = session.headers
    if any(name in defaults for name in tags.HEADERS):
        _of_sessions[session] = tags.taken_for_good(defaults)
    own = _of_sessions.get(session)
    headers = options.get("headers")
    if headers and any(str(name).lower().startswith("x-ledger-") for name in _names(headers)):
        from multidict import CIMultiDict

        copy = CIMultiDict(headers)
        return tags.taken_for_good(copy).over(own), {**options, "headers": copy}
    return own or tags.NONE, options


def _names(headers: Any) -> Any:
    return headers if hasattr(headers, "keys") else (name for name, _ in headers)


def _url_of(session: Any, where: Any) -> str:
    build = getattr(session, "_build_url", None)
    return str((unharmed(lambda: build(where)) if build else None) or where)


async def _body_of(options: dict[str, Any]) -> tuple[object, dict[str, Any]]:
    """Return a request's body, and what to call with; a body that can be read only once is read, and sent as read."""
    if options.get("json") is not None:
        # Written out, since the sender may change its lists while the request is under way.
        return unharmed(lambda: json.dumps(options["json"], default=str)), options
    body: Any = options.get("data")
    if hasattr(body, "__aiter__"):
        content = b"".join([chunk async for chunk in body])
        length = any(str(name).lower() == "content-length" for name in _names(options.get("headers") or {}))
        return content, {**options, "data": content, **({} if length else {"chunked": True})}
    if hasattr(body, "seekable") and body.seekable():
        start, content = body.tell(), body.read()
        body.seek(start)
        return content, options
    return (body if isinstance(body, (bytes, bytearray, str)) else getattr(body, "_value", None)), options


async def _take_in(following: Following, response: Any) -> None:
    first = response.history[0] if response.history else None
    if first is not None and send_path(response.method, str(response.url)) is None:
        following.answered(first.status, b"")  # sent on to where no messages are sent
        return
    body = await response.read()
    unharmed(lambda: _rewind(response, body))
    following.answered(response.status, body)


def _rewind(response: Any, body: bytes) -> None:
    """Let those read the body who read it from the stream."""
    from aiohttp import StreamReader
    from aiohttp.base_protocol import BaseProtocol

    loop = asyncio.get_running_loop()
    stream = StreamReader(BaseProtocol(loop), len(body) + 1, loop=loop)
    stream.feed_data(body)
    stream.feed_eof()
    response.content = stream
