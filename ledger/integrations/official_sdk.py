"""Following the sends of the official SDK, `alibabacloud-dingtalk`, sync and async.

The seam is the client's `execute`: all calls of the client pass it, with the path, the body as a mapping, and the
answer parsed. Further down the SDK shares its sessions between all clients; its own interceptors do not see requests
that fail.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from ..errors import InputError
from . import tags
from .following import Watching, unharmed
from .seams import hook_object


def watch(client: Any, watching: Watching) -> None:
    """Follow the sends of one client."""
    if not hasattr(client, "execute") or not hasattr(client, "execute_async"):
        raise InputError("this version of alibabacloud-dingtalk cannot be watched: install 2.2 or later")
    hook_object(client, "execute", _execute, watching)
    hook_object(client, "execute_async", _execute_async, watching)


def _execute(watching: Watching, call: Callable[..., Any], _: Any, params: Any, request: Any, runtime: Any) -> Any:
    with tags.taken_from(_headers(request)) as own:
        if not watching.is_send(params.method, params.pathname):
            return call(params, request, runtime)
        with watching.follow(params.method, params.pathname, _body(request), own) as following:
            result = call(params, request, runtime)
            following.answered(result["statusCode"], result["body"])
        watching.settle(following)
        return result


async def _execute_async(
    watching: Watching, call: Callable[..., Awaitable[Any]], _: Any, params: Any, request: Any, runtime: Any
) -> Any:
    with tags.taken_from(_headers(request)) as own:
        if not watching.is_send(params.method, params.pathname):
            return await call(params, request, runtime)
        with watching.follow(params.method, params.pathname, _body(request), own) as following:
            result = await call(params, request, runtime)
            following.answered(result["statusCode"], result["body"])
        await watching.settle_async(following)
        return result


def _headers(request: Any) -> dict[str, Any]:
    return request.headers if isinstance(request.headers, dict) else {}


def _body(request: Any) -> object:
    # Written out, since the sender may change its lists while the request is under way.
    return unharmed(lambda: json.dumps(request.body, default=str))
