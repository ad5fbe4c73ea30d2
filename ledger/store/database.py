"""One database, opened once: read and write transactions with the same meaning on SQLite and PostgreSQL."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import DatabaseError as SqlDatabaseError

from ledger.errors import DatabaseUnavailableError, SettingsError
from ledger.store.types import UtcDateTime

SQLITE_BUSY_SECONDS = 30
SQLITE_CHECKPOINT_PAGES = 10_000
CONNECT_SECONDS = 10
_READ_ONLY = "ledger_read_only"

_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class Database:
    """An engine and the two kinds of transaction. Nothing is opened before the first of them."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.engine = _engine(self.url)

    @property
    def is_sqlite(self) -> bool:
        """True for the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def shown_url(self) -> str:
        """The URL without its password, for messages."""
        return self.url.set(query={}).render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that changes something; on SQLite it takes the write lock at once."""
        with self._translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads, in one consistent state."""
        with self._translated(), self.engine.connect() as plain:
            options: dict[str, Any] = {_READ_ONLY: True}
            if not self.is_sqlite:
                options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            with (connection := plain.execution_options(**options)).begin():
                yield connection

    def server_time(self) -> datetime:
        """Return the time of the PostgreSQL server, in UTC."""
        with self.read() as connection:
            return connection.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            # The plain class is SQLite's for a file that is no database; its children are faults of statements.
            away = isinstance(error, (OperationalError, InterfaceError)) or type(error) is SqlDatabaseError
            if not (away or error.connection_invalidated):
                raise
            raise DatabaseUnavailableError(self._say(error)) from error

    def _say(self, error: DBAPIError) -> str:
        first_line = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
        return (
            f"the database {self.shown_url} cannot be used: {first_line}. "
            "Check LEDGER_DATABASE_URL, then `ledger doctor`"
        )


def _checked(text: str) -> URL:
    try:
        url = make_url(text)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError):
        raise SettingsError("LEDGER_DATABASE_URL is not an SQLAlchemy URL, as in postgresql://user@host/name") from None
    if backend not in ("sqlite", "postgresql"):
        raise SettingsError(f"LEDGER_DATABASE_URL names {backend}: the ledger runs on sqlite and postgresql")
    if backend == "sqlite":
        if not url.database or url.database == ":memory:":
            raise SettingsError("LEDGER_DATABASE_URL names no file: write sqlite:////path/to/ledger.sqlite")
        return url.set(drivername="sqlite")
    return url.set(drivername="postgresql+psycopg")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url,
            json_serializer=_dumps,
            pool_size=8,
            max_overflow=24,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "ledger"},
        )
    engine = create_engine(
        url, json_serializer=_dumps, pool_size=8, max_overflow=24, connect_args={"timeout": SQLITE_BUSY_SECONDS}
    )
    event.listen(engine, "do_connect", _make_folder)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_folder(_dialect: object, _record: object, args: list[Any], _kwargs: dict[str, Any]) -> None:
    folder = Path(args[0]).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailableError(
            f"the folder {folder} for the database cannot be made ({error.strerror}): check LEDGER_DATABASE_URL"
        ) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Leave transactions to us, survive a power cut, and keep single commits short (measured: p99 8.8 -> 0.4 ms)."""
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={SQLITE_CHECKPOINT_PAGES}",
        "cache_size=-65536",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that upgrades later fails with "database is locked" under load."""
    read_only = connection.get_execution_options().get(_READ_ONLY)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
