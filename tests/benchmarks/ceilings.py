"""What a driver does at best: its own bulk insert into the ledger's table, with rows that are ready to go.

Nothing of the ledger runs here but its tables, indexes, triggers and the settings of its connections.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from ledger.store.database import Database

from .workload import COLUMNS, Workload

ROWS_PER_TRANSACTION = 1000
Rows = Sequence[tuple[Any, ...]]

_INTO = f"messages ({', '.join(COLUMNS)})"


def values_of(name: str, workload: Workload) -> Iterator[tuple[Any, ...]]:
    """Yield the rows as a driver takes them, however many they are: SQLite has times and lists as text."""
    value_of = {"sqlite": _sqlite_value, "postgresql": _postgresql_value}[name]
    return (tuple(map(value_of, row)) for row in workload.tuples())


def sqlite_values(workload: Workload) -> Rows:
    """Return the rows as SQLite stores them."""
    return list(values_of("sqlite", workload))


def postgresql_values(workload: Workload) -> Rows:
    """Return the rows as psycopg takes them."""
    return list(values_of("postgresql", workload))


def _postgresql_value(value: Any) -> Any:
    return Jsonb(value) if isinstance(value, dict) else value


def _sqlite_value(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return json.dumps(value, separators=(",", ":"))
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if hasattr(value, "strftime") else value


def _executemany_sqlite(connection: sqlite3.Connection, rows: Rows) -> None:
    places = ", ".join("?" * len(COLUMNS))
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(f"INSERT INTO {_INTO} VALUES ({places})", rows)  # noqa: S608  (names of our own)
    connection.execute("COMMIT")


def _copy(connection: psycopg.Connection[Any], rows: Rows) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {_INTO} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)
    connection.commit()


def _executemany_postgresql(connection: psycopg.Connection[Any], rows: Rows) -> None:
    places = ", ".join(["%s"] * len(COLUMNS))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {_INTO} VALUES ({places})".encode(), rows)  # noqa: S608  (names of our own)
    connection.commit()


Insert = Callable[[Any, Rows], None]
# How, and how many rows a transaction takes; None is all of them.
WAYS: dict[str, dict[str, tuple[Insert, int | None]]] = {
    "sqlite": {
        "executemany, 1000 a transaction": (_executemany_sqlite, ROWS_PER_TRANSACTION),
        "executemany, one transaction": (_executemany_sqlite, None),
    },
    "postgresql": {
        "COPY, 1000 a transaction": (_copy, ROWS_PER_TRANSACTION),
        "COPY, one transaction": (_copy, None),
        "executemany, 1000 a transaction": (_executemany_postgresql, ROWS_PER_TRANSACTION),
    },
}
VALUES: dict[str, Callable[[Workload], Rows]] = {"sqlite": sqlite_values, "postgresql": postgresql_values}


def measure(url: str, insert: Insert, rows: Rows, rows_per_transaction: int | None) -> float:
    """Insert all rows into a fresh database and return messages per second."""
    database = Database(url)
    connection = database.engine.raw_connection()
    started = time.perf_counter()
    for batch in _batches(rows, rows_per_transaction or len(rows)):
        insert(connection.driver_connection, batch)
    seconds = time.perf_counter() - started
    connection.close()
    database.close()
    return len(rows) / seconds


def _batches(rows: Rows, size: int) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
