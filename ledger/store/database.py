"""One database, opened once: read and write transactions with the same meaning on SQLite and PostgreSQL."""

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import DatabaseError as SqlDatabaseError
from sqlalchemy.exc import (
    DBAPIError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ledger.database_url import DatabaseUrl
from ledger.errors import DatabaseUnavailableError, SettingsError, StatementRefusedError
from ledger.store import faults, machine_clocks, numbers, sqlite_file, sqlite_lock, waiting_connections
from ledger.store.statements import Committed, Statements

SQLITE_BUSY_SECONDS = 30
SQLITE_CHECKPOINT_PAGES = 10_000
SQLITE_CACHE_KIB = 65_536
CONNECT_SECONDS = 10
_BY_DEFAULT = {"connect_timeout": CONNECT_SECONDS, "application_name": "ledger"}
# What is to be done about the messages of SQLite that do not say it.
_FIXES = {
    "readonly database": "Let this user write the file and its folder, beside which SQLite keeps two more",
    "unable to open": "Let this user read and write the file and its folder, or change LEDGER_DATABASE_URL",
    "disk is full": "Make room",
    "not a database": "Name another file in LEDGER_DATABASE_URL",
}
_MOVED = "its file was deleted or replaced meanwhile"
# A process that stops in the middle of a transaction, as with its machine, would keep its locks for as long, and nobody
# could take over what it was at. No transaction of ours waits for anything but the database.
LOCKS_WITHOUT_STATEMENT_SECONDS = 20
_LEAVE_NO_LOCK = f"SET LOCAL idle_in_transaction_session_timeout TO '{LOCKS_WITHOUT_STATEMENT_SECONDS}s'"
_READ_ONLY = "ledger_read_only"
# As libpq has it: outside of any transaction.
_IDLE = 0
# What servers report of themselves, how it has to be, and what it may begin with.
_STYLES = (
    ("DateStyle", "ISO, MDY", ("ISO",)),
    ("IntervalStyle", "postgres", ("postgres",)),
    ("TimeZone", "UTC", ("UTC", "Etc/UTC", "GMT")),
)

# Kept for good, so that nothing of them is ever closed.
_INHERITED: list[object] = []

_dumps = partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


class Database:
    """An engine and the two kinds of transaction. Nothing is opened before the first of them."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        self.engine = _engine(self.url)
        self._statements = Statements(self.engine, SQLITE_BUSY_SECONDS)
        self._shared = threading.local()
        start_anew = weakref.WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (method := start_anew()) and method())

    @property
    def is_sqlite(self) -> bool:
        """True for the embedded database."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def shown_url(self) -> str:
        """The URL without its password, for messages."""
        if self.is_sqlite:
            return f"sqlite:///{self.url.database}"
        return self.url.set(query={}).render_as_string(hide_password=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that changes something; on SQLite it takes the write lock at once.

        A function that consists of it is best `faults.repeated`: it may have to give way to another one.
        """
        with self._translated(), self.engine.begin() as connection:
            info = connection.info
            if not self.is_sqlite:
                connection.exec_driver_sql(_LEAVE_NO_LOCK)
            yield connection
        # Afterwards: from then on it is the deletion that loses what was confirmed, and not the confirmation.
        if sqlite_file.is_moved(info):
            raise DatabaseUnavailableError(self._say(_MOVED))

    @faults.repeated
    def commit(self, statement: str, values: Sequence[object]) -> Committed:
        """Run one statement, in the driver's own words, that is committed with itself.

        Of a transaction on PostgreSQL, what begins and ends it takes several times as long as the statement itself.
        """
        with self._translated():
            done = self._statements.commit(statement, values)
        if done.is_moved:
            raise DatabaseUnavailableError(self._say(_MOVED))
        return done

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads, in one consistent state; within `one_reading` there is one already."""
        if (shared := getattr(self._shared, "connection", None)) is not None:
            yield shared
            return
        with self._translated(), self.engine.connect() as plain:
            options: dict[str, Any] = {_READ_ONLY: True}
            if not self.is_sqlite:
                options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
            with (connection := plain.execution_options(**options)).begin():
                yield connection

    def let_others_write(self) -> None:
        """Let those go first who wait to write, between two transactions of many; only SQLite has one at a time."""
        if self.is_sqlite:
            sqlite_lock.let_others_write(self.url.database and os.path.realpath(self.url.database))

    @contextmanager
    def one_reading(self) -> Iterator[None]:
        """Let all that this thread reads within be one transaction: one state for a page, begun and ended once."""
        with self.read() as connection:
            self._shared.connection = connection
            try:
                yield
            finally:
                self._shared.connection = None

    def server_time(self) -> datetime:
        """Return the time of the PostgreSQL server, in UTC."""
        with self.read() as connection:
            return machine_clocks.server_time(connection)

    def ask(self) -> None:
        """Raise DatabaseError when the database does not answer."""
        with self.read() as connection:
            connection.exec_driver_sql("SELECT 1")

    def close(self) -> None:
        """Close every connection."""
        self._statements.close()
        self.engine.dispose()

    def _start_anew(self) -> None:
        """Leave the connections alone that a process was forked with: the one that forked goes on using them.

        Two that share one would read each other's answers. Nor are they closed here, where SQLite would drop its locks.
        """
        _INHERITED.extend([self.engine.pool, self._statements.forget()])
        self.engine.dispose(close=False)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise DatabaseUnavailableError(self._say("all connections are in use", "try again")) from error
        except DBAPIError as error:
            if faults.is_of_values(error):
                raise
            if _is_away(error):
                raise DatabaseUnavailableError(self._say(faults.text_of(error))) from error
            raise StatementRefusedError(self._say(faults.text_of(error))) from error

    def _say(self, why: str, fix: str = "`ledger doctor` says more") -> str:
        check = next((check for message, check in _FIXES.items() if message in why), "Check LEDGER_DATABASE_URL")
        return f"the database {self.shown_url} cannot be used: {why}. {check}, then {fix}"


def _is_away(error: DBAPIError) -> bool:
    # The plain class is SQLite's for a file that is no database; its children are faults of statements.
    return (
        error.connection_invalidated
        or isinstance(error, (OperationalError, InterfaceError))
        or type(error) is SqlDatabaseError
    )


def _checked(text: str) -> URL:
    try:
        read = DatabaseUrl.read(text)
    except ValueError as error:
        raise SettingsError(f"LEDGER_DATABASE_URL: {error}") from None
    if read.is_sqlite:
        _check_file(read.path)
    url = make_url(read.text)
    if read.is_sqlite:
        return url
    # A folder of sockets is written as libpq has it: postgresql://%2Frun%2Fpostgresql/name.
    return url.set(drivername="postgresql+psycopg", host=unquote(url.host) if url.host else url.host)


def _check_file(path: str) -> None:
    """Refuse what can never be a database; os.path, since what cannot be looked at is no error here."""
    if os.path.isdir(path):  # noqa: PTH112
        raise SettingsError(f"LEDGER_DATABASE_URL names a folder: add a file to it, as in {path}/ledger.sqlite")
    if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
        raise SettingsError(f"LEDGER_DATABASE_URL names {path}, which is a device or a pipe: name a file")


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return _postgresql_engine(url)
    engine = create_engine(
        url, json_serializer=_dumps, pool_size=8, max_overflow=24, connect_args={"timeout": SQLITE_BUSY_SECONDS}
    )
    event.listen(engine, "do_connect", _make_file)
    event.listen(engine, "connect", _prepare_sqlite)
    sqlite_file.follow(engine)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_engine(url: URL) -> Engine:
    threshold = url.query.get("prepare_threshold")
    engine = create_engine(
        url.difference_update_query(["prepare_threshold"]),
        json_serializer=_dumps,
        pool_size=8,
        max_overflow=24,
        connect_args={
            # What the URL says of these counts.
            **{name: value for name, value in _BY_DEFAULT.items() if name not in url.query},
            "client_encoding": "utf8",
            # What is prepared on one connection is unknown on the next that a pooler gives us.
            "prepare_threshold": _number(threshold),
        },
    )
    event.listen(engine, "connect", _prepare_postgresql)
    event.listen(engine, "handle_error", _give_up_connections)
    event.listen(engine, "checkin", _leave_to_the_role)
    waiting_connections.follow(engine)
    return engine


def _leave_to_the_role(connection: Any, _record: object) -> None:
    """Let a role's settings say again whether it may write: after a transaction that only read, it would be told to."""
    # Nothing can be said to one that was lost.
    if connection is not None and connection.info.transaction_status == _IDLE:
        connection.read_only = None


def _give_up_connections(context: ExceptionContext) -> None:
    """Connect anew after what is a connection's fault: another server may have taken over meanwhile."""
    if getattr(context.original_exception, "sqlstate", None) in faults.OF_THE_CONNECTION:
        context.is_disconnect = True


def _number(threshold: object) -> int | None:
    if threshold in (None, "", "none"):
        return None
    if not (isinstance(threshold, str) and threshold.isdecimal()):
        raise SettingsError("LEDGER_DATABASE_URL: prepare_threshold is a number of executions, or none")
    return int(threshold)


def _prepare_postgresql(connection: Any, _record: object) -> None:
    """Read times as we expect them, whatever was set for the role or the database, and write many numbers at once.

    Only where it differs: a pooler hands on what it knows of these, and some hold on to a server that was set.
    """
    numbers.register(connection)
    wrong = [
        f"SET {name} TO '{value}'"
        for name, value, is_right in _STYLES
        if not (connection.pgconn.parameter_status(name.encode()) or b"").decode().startswith(is_right)
    ]
    if wrong:
        connection.execute("; ".join(wrong))
        connection.commit()


def _make_file(_dialect: object, _record: object, args: list[Any], _kwargs: dict[str, Any]) -> None:
    # Where a link leads: to make the file there is left to nobody else.
    path = Path(os.path.realpath(args[0]))
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # SQLite gives the files beside it the rights of the database, in which stands who received what.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise DatabaseUnavailableError(
            f"{path}, or a folder for it, cannot be made ({error.strerror}): check LEDGER_DATABASE_URL"
        ) from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    """Leave transactions to us, survive a power cut, and keep single commits short (measured: p99 8.8 -> 0.4 ms)."""
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"wal_autocheckpoint={SQLITE_CHECKPOINT_PAGES}",
        f"cache_size={-SQLITE_CACHE_KIB}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that upgrades later fails with "database is locked" under load."""
    if connection.get_execution_options().get(_READ_ONLY):
        connection.exec_driver_sql("BEGIN")
    else:
        sqlite_lock.take(connection.connection.driver_connection, SQLITE_BUSY_SECONDS)
