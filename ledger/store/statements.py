"""Statements that are committed with themselves, straight through the driver, on connections that stay at hand.

What SQLAlchemy does around a statement (a connection from the pool, its isolation, a result) takes more of a processor
than the driver does for the statement, and whoever records one message after the other pays for it each time. Its pool
still opens the connections, and errors are the same as everywhere.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, event
from sqlalchemy.exc import DBAPIError, InvalidatePoolError

from ledger.store import faults, sqlite_file, sqlite_lock, waiting_connections

_OPENED_AT = "ledger_opened_at"


@dataclass(frozen=True, slots=True)
class Committed:
    """What came of a statement: the rows that it returned, and how many it changed.

    `is_moved` says that its file, of SQLite, was deleted or replaced meanwhile: then nobody finds what was written.
    """

    rows: Sequence[tuple[Any, ...]]
    count: int
    is_moved: bool = False


class Statements:
    """Commits statements; safe to share between threads, each of which has a connection of its own meanwhile."""

    def __init__(self, engine: Engine, busy_seconds: float) -> None:
        self._engine, self._busy_seconds = engine, busy_seconds
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._at_hand: list[PoolProxiedConnection] = []
        self._lost_at = 0.0
        event.listen(engine, "connect", _note_opening)
        event.listen(engine, "checkout", self._check)

    def commit(self, statement: str, values: Sequence[object]) -> Committed:
        """Run a statement in the driver's own words; raise DBAPIError."""
        dialect: Any = self._engine.dialect
        errors = dialect.loaded_dbapi.Error
        # Not those that are at hand after a fork, or once all were closed.
        at_hand, held = self._at_hand, None
        try:
            held = self._taken(at_hand)
            done = self._run(held, statement, values)
        except errors as error:
            is_lost = _is_of_connection(error) or dialect.is_disconnect(error, held and held.driver_connection, None)
            if held is not None and is_lost:
                # Others of its time lead to the same server.
                self._lost_at = time.monotonic()
                held.invalidate(error)
            elif held is not None:
                self._give_back(held, at_hand)
            raise DBAPIError.instance(
                statement, None, error, errors, connection_invalidated=is_lost, dialect=dialect
            ) from error
        except BaseException:
            if held is not None:
                held.invalidate()
            raise
        self._give_back(held, at_hand)
        return done

    def close(self) -> None:
        """Close the connections that are at hand."""
        for held in self.forget():
            held.invalidate()

    def forget(self) -> list[PoolProxiedConnection]:
        """Have none at hand any more, and return those that were."""
        former, self._at_hand = self._at_hand, []
        return former

    def _taken(self, at_hand: list[PoolProxiedConnection]) -> PoolProxiedConnection:
        with suppress(IndexError):
            while True:
                held = at_hand.pop()
                if self._leads_on(held):
                    return held
                held.invalidate()
        opened = self._engine.raw_connection()
        if not self._is_sqlite:
            driver: Any = opened.driver_connection
            driver.autocommit = True
        return opened

    def _leads_on(self, held: PoolProxiedConnection) -> bool:
        if self._is_sqlite:
            return not sqlite_file.is_moved(held.info)
        return not self._is_lost(held.info) and waiting_connections.leads_on(self._engine.dialect, held)

    def _check(self, _connection: object, record: Any, _fairy: object) -> None:
        """Let the pool open its connections anew when one of their time was lost."""
        if self._is_lost(record.info):
            raise InvalidatePoolError

    def _is_lost(self, info: Mapping[Any, Any]) -> bool:
        return bool(info.get(_OPENED_AT, self._lost_at) < self._lost_at)

    def _give_back(self, held: PoolProxiedConnection, at_hand: list[PoolProxiedConnection]) -> None:
        if at_hand is self._at_hand:
            waiting_connections.note(held.info)
            at_hand.append(held)
        else:
            held.invalidate()

    def _run(self, held: PoolProxiedConnection, statement: str, values: Sequence[object]) -> Committed:
        driver: Any = held.driver_connection
        if self._is_sqlite:
            return self._run_locked(driver, statement, values, held)
        with driver.execute(statement, values) as cursor:
            return Committed(cursor.fetchall() if cursor.description else (), cursor.rowcount)

    def _run_locked(
        self, driver: Any, statement: str, values: Sequence[object], held: PoolProxiedConnection
    ) -> Committed:
        sqlite_lock.take(driver, self._busy_seconds)
        try:
            cursor = driver.execute(statement, values)
            rows = cursor.fetchall()
            driver.execute("COMMIT")
        except BaseException:
            driver.rollback()
            raise
        return Committed(rows, cursor.rowcount, sqlite_file.is_moved(held.info))


def _note_opening(_connection: object, record: Any) -> None:
    record.info[_OPENED_AT] = time.monotonic()


def _is_of_connection(error: Exception) -> bool:
    return getattr(error, "sqlstate", None) in faults.OF_THE_CONNECTION
