"""Connections to PostgreSQL that waited in the pool: whether they still lead anywhere, mostly without asking.

A question before each transaction would take as long as recording a message. A server that ends, or drops somebody,
says so on the connection, which is seen without it; who says nothing of one that waits for long is asked.
"""

import select
import time
from collections.abc import MutableMapping
from functools import partial
from typing import Any

from sqlalchemy import Dialect, Engine, PoolProxiedConnection, event
from sqlalchemy.exc import InvalidatePoolError

ASKED_AFTER_SECONDS = 5.0
_WAITS_SINCE = "ledger_waits_since"


def follow(engine: Engine) -> None:
    """Give no connection of an engine out that leads nowhere; when one does, all others of its time are opened anew."""
    event.listen(engine, "checkin", _note)
    event.listen(engine, "checkout", partial(_check, engine.dialect))


def note(info: MutableMapping[Any, Any]) -> None:
    """Note in the `info` of a connection that it waits from now on."""
    info[_WAITS_SINCE] = time.monotonic()


def leads_on(dialect: Dialect, held: PoolProxiedConnection) -> bool:
    """Say whether a connection that waited outside of the pool still leads to its server."""
    try:
        _ask(dialect, held.driver_connection, held.info)
    except InvalidatePoolError:
        return False
    return True


def _note(connection: Any, record: Any) -> None:
    if connection is not None:
        note(record.info)


def _check(dialect: Dialect, connection: Any, record: Any, _fairy: object) -> None:
    _ask(dialect, connection, record.info)


def _ask(dialect: Dialect, connection: Any, info: MutableMapping[Any, Any]) -> None:
    since = info.pop(_WAITS_SINCE, None)
    if since is None:
        return
    errors: Any = dialect.loaded_dbapi
    try:
        if time.monotonic() - since > ASKED_AFTER_SECONDS or _has_news(connection):
            dialect.do_ping(connection)
    except errors.Error as error:
        raise InvalidatePoolError from error


def _has_news(connection: Any) -> bool:
    """Say whether the server said something that nobody asked for, as it does when it ends; raise when it is closed."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
