"""Facts of items, calls and sends while the history is checked: in a file of no name that goes when it is closed.

SQLite keeps it in memory until it outgrows its cache, so that any number of facts takes the same memory.
"""

import marshal
import sqlite3
from collections.abc import Iterator
from types import TracebackType
from typing import Any

_TABLES = """
    PRAGMA journal_mode = OFF;
    PRAGMA synchronous = OFF;
    PRAGMA cache_size = -32768;
    CREATE TABLE items (id INTEGER PRIMARY KEY, fact BLOB NOT NULL);
    CREATE TABLE calls (id INTEGER PRIMARY KEY, fact BLOB NOT NULL);
    CREATE TABLE sends (id INTEGER PRIMARY KEY, fact BLOB NOT NULL);
"""
_ROWS_PER_STATEMENT = 1000
_REOPENED = {"outcome": None, "code": None, "reason": None, "finished_at": None, "ended_by": None}
# What changes again before the item ends.
_UNKNOWN = ("attempts", "call_id")


class FactFile:
    """Keeps columns by number, and gives them back in its order."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(_TABLES)
        self._connection.execute("BEGIN")
        self._waiting: dict[str, dict[int, dict[str, Any]]] = {"items": {}, "calls": {}, "sends": {}}

    def __enter__(self) -> "FactFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._connection.close()

    def end_item(self, item_id: int, columns: dict[str, Any]) -> None:
        """Take how an item ended."""
        self._put("items", item_id, columns)

    def correct_item(self, item_id: int, columns: dict[str, Any]) -> None:
        """Take what was found out of an item that had ended."""
        self._put("items", item_id, {**self._get(item_id), **columns})

    def reopen_item(self, item_id: int) -> None:
        """Take that an item waits again: what will be known when it ends is not yet."""
        known = {name: value for name, value in self._get(item_id).items() if name not in _UNKNOWN}
        self._put("items", item_id, {**known, **_REOPENED})

    def close_call(self, call_id: int, columns: dict[str, Any]) -> None:
        """Take how a call ended."""
        self._put("calls", call_id, columns)

    def end_send(self, send_id: int, columns: dict[str, Any]) -> None:
        """Take how a send of a correction ended."""
        self._put("sends", send_id, columns)

    def items(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield all items by number."""
        return self._all("items")

    def calls(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield all calls by number."""
        return self._all("calls")

    def sends(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield all sends of corrections by number."""
        return self._all("sends")

    def _put(self, table: str, number: int, columns: dict[str, Any]) -> None:
        if not isinstance(number, int):
            raise TypeError(f"{number!r} is no number")
        waiting = self._waiting[table]
        waiting[number] = columns
        if len(waiting) >= _ROWS_PER_STATEMENT:
            self._write(table)

    def _write(self, table: str) -> None:
        # The form that Python reads quickest; nobody else ever has this file.
        rows = [(number, marshal.dumps(columns)) for number, columns in self._waiting[table].items()]
        statement = f"INSERT OR REPLACE INTO {table} VALUES (?, ?)"  # noqa: S608  (two names of ours)
        self._connection.executemany(statement, rows)
        self._waiting[table].clear()

    def _get(self, item_id: int) -> dict[str, Any]:
        if item_id in self._waiting["items"]:
            return self._waiting["items"][item_id]
        row = self._connection.execute("SELECT fact FROM items WHERE id = ?", (item_id,)).fetchone()
        return dict(marshal.loads(row[0])) if row else {}  # noqa: S302

    def _all(self, table: str) -> Iterator[tuple[int, dict[str, Any]]]:
        self._write(table)
        for number, fact in self._connection.execute(f"SELECT id, fact FROM {table} ORDER BY id"):  # noqa: S608
            yield number, marshal.loads(fact)  # noqa: S302
