"""Which clients can be watched, told by their classes: a library that the sender does not use is never loaded."""

from collections.abc import Callable
from typing import Any

from ..errors import InputError
from . import aiohttp_session, httpx_client, official_sdk, requests_session, urllib3_pool
from .following import Watching

# By the library and the class, wherever in the library the class lives; subclasses are told by their bases.
_WATCHED: dict[tuple[str, str], Callable[[Any, Watching], None]] = {
    ("httpx", "Client"): httpx_client.watch,
    ("httpx", "AsyncClient"): httpx_client.watch,
    ("httpx2", "Client"): httpx_client.watch,
    ("httpx2", "AsyncClient"): httpx_client.watch,
    ("urllib3", "PoolManager"): urllib3_pool.watch,
    ("urllib3", "HTTPConnectionPool"): urllib3_pool.watch,
    ("requests", "Session"): requests_session.watch,
    ("aiohttp", "ClientSession"): aiohttp_session.watch,
    ("alibabacloud_tea_openapi", "Client"): official_sdk.watch,
}
# What `ledger run` hooks as soon as it is loaded; the SDK goes through requests and aiohttp.
LIBRARIES: dict[str, Callable[[Any, Watching], None]] = {
    "httpx": httpx_client.watch_all,
    "httpx2": httpx_client.watch_all,
    "urllib3": urllib3_pool.watch_all,
    "requests": requests_session.watch_all,
    "aiohttp": aiohttp_session.watch_all,
}


def watch(client: Any, watching: Watching) -> None:
    """Follow the sends of a client from now on; watching again changes nothing. Raise InputError for anything else."""
    for kind in type(client).__mro__:
        hook = _WATCHED.get((kind.__module__.partition(".")[0], kind.__qualname__))
        if hook is not None:
            try:
                hook(client, watching)
            except (AttributeError, TypeError) as error:
                raise InputError(
                    f"this {kind.__module__}.{kind.__qualname__} cannot be watched ({error}): send through "
                    "`ledger gateway` instead"
                ) from None
            return
    raise InputError(
        f"a {type(client).__name__} cannot be watched: give an httpx.Client or AsyncClient (or those of httpx2), a "
        "requests.Session, an aiohttp.ClientSession, a urllib3.PoolManager or a client of alibabacloud_dingtalk; for "
        "anything else there is `ledger gateway`"
    )
