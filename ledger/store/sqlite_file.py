"""The file of an SQLite database while it is open: whether it is still the one at its path.

SQLite goes on writing into a file that was deleted or replaced, and reports success; nobody finds again what it wrote.
"""

import os
import sqlite3
from collections.abc import MutableMapping
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

_OPENED = "ledger_opened_file"


def follow(engine: Engine) -> None:
    """Let each connection remember its file, and open anew what stands at the path when that is another one."""
    event.listen(engine, "connect", _remember)
    event.listen(engine, "checkout", _check)


def path_of(connection: sqlite3.Connection) -> str | None:
    """Return the path of a connection's file, None when it is in memory."""
    listed = connection.execute("PRAGMA database_list")
    return next((path for _, name, path in listed if name == "main"), None) or None


def is_moved(info: MutableMapping[Any, Any]) -> bool:
    """Say whether the file of a connection, known by its `info`, is no longer the one at its path."""
    path, opened = info.get(_OPENED, (None, None))
    return path is not None and _identity(path) != opened


def _remember(connection: sqlite3.Connection, record: Any) -> None:
    path = path_of(connection)
    # Without a path it is in memory, and nobody else has it.
    if path is not None:
        record.info[_OPENED] = (path, _identity(path))


def _check(_connection: object, record: Any, _fairy: object) -> None:
    if is_moved(record.info):
        raise DisconnectionError("the file was deleted or replaced")


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  (for every transaction, and thrice as fast)
    except OSError:
        return None
    return found.st_dev, found.st_ino
